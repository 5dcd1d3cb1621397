"""A validation as sections of figures: the plots that physicists look at first.

Where a plot goes over all showers, energies are taken per primary energy Ep. In bins of
Ep the response is taken relative to what the full simulation gives at the same conditions,
so that the width of a bin does not enter the resolution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaopt.reports.panels import (
    Bars,
    Comparison,
    Labels,
    Panel,
    Section,
    compared,
    histogram,
    numbers,
)
from metaopt.reports.pictures import AXES, correlations, projections
from metaopt.reports.sides import Side
from metaopt.reports.statistics import Values, bins_of, in_bins, spreads_in_bins
from metaopt.reports.validation import Validation
from objectives.views import View, spectrum_edges

Array64 = NDArray[np.float64]
Index = NDArray[np.intp]

ENERGY = "primary energy [GeV]"
PERCENT = "share of the primary energy [%]"
#: Histograms across the shower: feature, title, what to look at.
TRANSVERSE = (
    ("mx", "Barycentre in x", "Centred, and no wider than Geant4's."),
    ("my", "Barycentre in y", "Centred, and as wide as the angles make it."),
    ("sx", "Width in x", "Energy-weighted rms."),
    ("sy", "Width in y", "Energy-weighted rms."),
    ("r_mean", "Mean radius", "Energy-weighted distance from the barycentre."),
)


def sections(validation: Validation) -> tuple[Section, ...]:
    """All figures of a validation, in the order in which they are read."""
    pair = _Pair(validation.sides.whole, validation.sides.generated)
    angle = validation.reference.geometry.has_angle
    found = (
        Section("Where the score comes from", (_groups(validation),)),
        Section("Energy", _energy(pair)),
        Section("Along the shower", _longitudinal(validation, pair)),
        Section("Across the shower", _transverse(validation, pair)),
        Section("Cells", _cells(validation, pair)),
        Section("Angle of incidence", _angle(pair) if angle else ()),
        Section("Mean showers", projections(validation)),
        Section("Correlations", correlations(validation)),
    )
    return tuple(s for s in found if s.panels)


def overview(validation: Validation) -> tuple[Comparison, ...]:
    """The six figures that tell most: where one picture has to do."""
    pair = _Pair(validation.sides.whole, validation.sides.generated)
    _, response, fraction, *_ = _energy(pair)
    profile, *_ = _longitudinal(validation, pair)
    across, upwards, *_ = _transverse(validation, pair)
    chosen = (profile, across, upwards, response, fraction, _spectrum(validation, log=True))
    return tuple(panel for panel in chosen if isinstance(panel, Comparison))


@dataclass(frozen=True)
class _Pair:
    """The good showers of both sides."""

    full: Side
    generated: Side

    def of(self, function: Callable[[Side], Array64]) -> tuple[Array64, Array64]:
        """A number of each shower, on both sides."""
        return function(self.full), function(self.generated)

    def histogram(self, name: str, labels: Labels, factor: float = 1.0) -> tuple[Panel, ...]:
        """Of a feature; nothing if it does not vary in the full simulation."""
        if name not in self.full.names:
            return ()
        return (histogram(labels, *self.of(lambda side: factor * side.value(name))),)

    def against_energy(self, name: str, labels: Labels) -> tuple[Panel, ...]:
        """Mean of a feature in bins of Ep."""
        if name not in self.full.names:
            return ()
        bins = _Bins.of(*self.of(_primary))
        return (bins.compared(labels, *self.of(lambda side: side.value(name)), in_bins),)


@dataclass(frozen=True)
class _Bins:
    """Bins of a condition, the same for both sides."""

    x: Array64
    full: Index
    generated: Index
    log: bool

    @classmethod
    def of(cls, full: Array64, generated: Array64) -> _Bins:
        edges = bins_of(full)
        index, other = np.digitize(full, edges), np.digitize(generated, edges)
        x, _ = in_bins(full, index, len(edges) + 1)
        return cls(x, index, other, bool(full.min() > 0 and full.max() / full.min() > 30))

    def compared(
        self,
        labels: Labels,
        full: Array64,
        generated: Array64,
        statistic: Callable[[Array64, Index, int], Values],
        signed: bool = False,
    ) -> Panel:
        """A statistic of the showers in each bin."""
        sides = ((full, self.full), (generated, self.generated))
        a, b = (statistic(values, index, len(self.x)) for values, index in sides)
        return compared(labels, self.x, a, b, log_x=self.log, signed=signed)


def _primary(side: Side) -> Array64:
    return side.sample.conditions.energy.astype(np.float64)


def _response(side: Side) -> Array64:
    """Deposited energy relative to its expectation."""
    return 1 + side.residual("sampling_fraction", relative=True)


def _groups(validation: Validation) -> Panel:
    groups, null = validation.score.groups, validation.null
    labels = Labels(
        "Level of each group",
        "S is 0.7 times the mean and 0.3 times the highest bar. A bar of 0.3 is as far off as two "
        "samples of 2,000 Geant4 showers are by chance; 1 is nine times, 2 ninety-nine times that.",
        y="level L",
    )
    full = numbers([null.groups.get(g, 0.0) for g in groups]) if null else ()
    return Bars(labels, tuple(groups), numbers(list(groups.values())), full)


def _energy(pair: _Pair) -> tuple[Panel, ...]:
    total = Labels("Deposited energy", "Follows the primary energies in the files.", "[GeV]")
    response = Labels(
        "Response",
        "Relative to Geant4's mean at the same conditions: at 1, and as wide. The outer bins hold "
        "what is far off.",
        "energy / Geant4's mean",
    )
    fraction = Labels(
        "Sampling fraction",
        "A constant ratio is an error of the scale; a slope is one of the linearity.",
        ENERGY,
        "deposited / primary energy",
    )
    resolution = Labels(
        "Energy resolution",
        "Falls with energy. A ratio below 1 means that showers fluctuate too little.",
        ENERGY,
        "RMS90 / mean90 of the response",
    )
    bins = _Bins.of(*pair.of(_primary))
    return (
        histogram(total, *pair.of(lambda side: side.value("sampling_fraction") * _primary(side))),
        histogram(response, *pair.of(_response)),
        *pair.against_energy("sampling_fraction", fraction),
        bins.compared(resolution, *pair.of(_response), spreads_in_bins),
    )


def _longitudinal(validation: Validation, pair: _Pair) -> tuple[Panel, ...]:
    depth = Labels("Mean depth", "Energy-weighted layer.", "[layers]")
    length = Labels("Length", "Energy-weighted rms of the depth.", "[layers]")
    profile = _profile(
        validation, 2, "Longitudinal profile", "Start, maximum and end of the shower."
    )
    return (profile, *pair.histogram("mz", depth), *pair.histogram("sz", length))


def _transverse(validation: Validation, pair: _Pair) -> tuple[Panel, ...]:
    look = "The core; on this logarithmic axis also the tails."
    factor, unit = validation.sides.across
    return (
        _profile(validation, 0, "Transverse profile", look, log=True),
        _profile(validation, 1, "Transverse profile", look, log=True),
        *(
            panel
            for name, title, text in TRANSVERSE
            for panel in pair.histogram(name, Labels(title, text, f"[{unit}]"), factor)
        ),
    )


def _profile(validation: Validation, axis: int, title: str, look: str, log: bool = False) -> Panel:
    geometry = validation.reference.geometry
    name = AXES[geometry.cells.kind][axis]
    if axis < 2 and geometry.present is not None:
        look += " Bins of one number are not alike in all layers."
    labels = Labels(f"{title}, {name.split()[0]}", look, name, PERCENT)
    full, generated = (
        (100 * value, 100 * error)
        for value, error in (side.profile(axis) for side in (validation.full, validation.generated))
    )
    return compared(labels, np.arange(len(full[0])), full, generated, steps=True, log_y=log)


def _cells(validation: Validation, pair: _Pair) -> tuple[Panel, ...]:
    hits = Labels("Hit cells", "Cells above the threshold.", "cells per shower")
    against = Labels("Hit cells and energy", "The same rise.", ENERGY, "cells per shower")
    hottest = Labels("Hottest cell", "Too smooth or too sharp.", "share of the deposited energy")
    return (
        _spectrum(validation, log=True),
        _spectrum(validation, log=False),
        *pair.histogram("hits", hits),
        *pair.against_energy("hits", against),
        *pair.histogram("hottest", hottest),
    )


def _spectrum(validation: Validation, log: bool) -> Panel:
    labels = Labels(
        f"Cell energies, {'logarithmic' if log else 'linear'}",
        "Left: threshold and noise. Right: the core." if log else "The hottest cells.",
        "cell energy [GeV]",
        "cells per shower and GeV",
    )
    edges = spectrum_edges()
    middles = np.sqrt(edges[1:] * edges[:-1]) if log else 0.5 * (edges[1:] + edges[:-1])
    full, generated = (_density(v, edges) for v in (validation.full, validation.generated))
    seen = np.flatnonzero(full[0] + generated[0])
    shown = slice(seen.min(), seen.max() + 1) if len(seen) else slice(0)
    a, b = ((value[shown], error[shown]) for value, error in (full, generated))
    return compared(labels, middles[shown], a, b, steps=True, log_x=log, log_y=True)


def _density(view: View, edges: Array64) -> Values:
    value, error = view.spectrum_per_shower()
    return value / np.diff(edges), error / np.diff(edges)


def _angle(pair: _Pair) -> tuple[Panel, ...]:
    if "angle" not in pair.full.names:
        return ()
    residual = Labels("Measured - true angle", "Centred and as narrow as Geant4's.", "[degrees]")
    against = Labels(
        "Bias of the angle",
        "The same curve, if the generator uses the angle.",
        "angle of incidence [degrees]",
        "measured - true [degrees]",
    )
    angles = pair.of(lambda side: np.degrees(side.value("angle")))
    true = pair.of(lambda side: np.degrees(side.sample.conditions.theta.astype(np.float64)))
    bias = _Bins.of(*true).compared(against, *angles, in_bins, signed=True)
    return histogram(residual, *angles), bias
