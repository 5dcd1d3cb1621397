"""What is wrong with generated showers, as human numbers with their errors.

Notation:

    f, mu, sigma  feature, its mean and spread in the full simulation at the same conditions
    r, z          f - mu, (f - mu)/sigma
    b             mean of r, generated minus full simulation
    q             spread of z about its own mean, generated over full simulation

The full simulation's showers are those that took no part in the fit of mu and sigma.
A number is a finding where it is ``SIGNIFICANT`` errors from what the full simulation
gives, and the distance of its group is above the floor. Shares of showers need no
distance: a tenth of a per cent of copies is a fact that no distance sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metaopt.reports.sides import SHAPE, TINY, Sides
from metaopt.reports.statistics import mean
from objectives.central import central, spread_error, spread_shape

Array64 = NDArray[np.float64]

#: Errors from the full simulation's value at which a number counts.
SIGNIFICANT = 3.0
#: The same for the largest of about a hundred correlations.
SIGNIFICANT_PAIR = 5.0
#: Pulls beyond this are outliers.
OUTLIER = 5.0
#: Fewest good showers that give a number.
MIN_EVENTS = 16
#: Features whose mean is told, by group; True: relative to the expected value.
MEANS = {
    "sampling_fraction": ("energy", True),
    "mz": ("longitudinal", False),
    "sz": ("longitudinal", True),
    "mx": ("transverse", False),
    "my": ("transverse", False),
    "r_mean": ("transverse", True),
    "hits": ("cells", True),
    "hottest": ("cells", True),
    "unseen": ("cells", False),
    "angle": ("angle", False),
}
#: Those that are a place across the shower.
POSITIONS = ("mx", "my")
#: The feature whose spread is a resolution.
RESPONSE = "sampling_fraction"
#: Features whose spread is told, by group.
SPREADS = {
    "sampling_fraction": "energy",
    "mz": "longitudinal",
    "r_mean": "transverse",
    "hits": "cells",
    "angle": "angle",
}


@dataclass(frozen=True)
class Finding:
    """A number that is wrong.

    Attributes:
        group: of the objective, or ``showers`` for unusable ones.
        kind: what the number is: ``bias``, ``spread``, ``drift``, ``correlation``, ``share``.
        name: of the feature, or of what the share is of.
        value: difference from the full simulation, relative for spreads.
        error: its standard deviation.
        expected: the full simulation's value, or the bias in the first bin of a drift.
        unit: of value and error, where they have one.
    """

    group: str
    kind: str
    name: str
    value: float
    error: float
    expected: float = 0.0
    unit: str = ""

    @property
    def sigmas(self) -> float:
        """Size in units of the error; 0 where nothing is known."""
        return abs(self.value) / self.error if self.error > 0 else 0.0


def findings(sides: Sides, levels: dict[str, float]) -> tuple[Finding, ...]:
    """What is significantly wrong with the good showers.

    Args:
        sides: of both samples.
        levels: L_g of the generated showers; a group without distance has no finding.
    """
    if min(len(side) for side in sides.pair) < MIN_EVENTS:
        return ()
    found = (f for f in _all(sides) if f.kind == "share" or levels.get(f.group, 0) > 0)
    return tuple(f for f in found if f.sigmas > _threshold(f))


def _threshold(finding: Finding) -> float:
    return SIGNIFICANT_PAIR if finding.kind == "correlation" else SIGNIFICANT


def _all(sides: Sides) -> Iterator[Finding]:
    for name in (n for n in MEANS if n in sides.names):
        yield bias(sides, name)
        if name in SPREADS:
            yield width(sides, name)
    yield outliers(sides)
    yield drift(sides)
    if len(sides.full.joint_names) > 1:
        yield correlation(sides)
    if any(name in SHAPE for name in sides.names):
        yield copies(sides)
        yield memorised(sides)


def bias(sides: Sides, name: str) -> Finding:
    """Difference of the mean of a feature at equal conditions."""
    group, relative = MEANS[name]
    (a, error_a), (b, error_b) = (mean(side.residual(name, relative)) for side in sides.pair)
    expected = float(sides.generated.expected[:, sides.names.index(name)].mean())
    error = float(np.hypot(error_a, error_b))
    if name not in POSITIONS:
        return Finding(group, "bias", name, a - b, error, expected)
    factor, unit = sides.across
    return Finding(group, "bias", name, factor * (a - b), factor * error, factor * expected, unit)


def width(sides: Sides, name: str) -> Finding:
    """Ratio of RMS90 of a feature at equal conditions, minus one; a bias is no spread.

    That of the response is a resolution, RMS90 over mean90: a wrong scale does not change it.
    Not of the standard deviations: a shower or two in the tails, which are told as outliers,
    would decide.
    """
    generated, full = (side.scatter(name) for side in sides.pair)
    ratio = max(central(generated)[1], TINY) / max(central(full)[1], TINY)
    if name == RESPONSE:
        scale, right = (central(1 + side.residual(name, relative=True))[0] for side in sides.pair)
        ratio *= right / max(scale, TINY)
    # The full simulation's shape on both sides: a spread that is small by chance seems sure.
    shape = spread_shape(full)
    first, second = (spread_error(len(side), shape) for side in sides.pair)
    scaled = math.hypot(first, second) * abs(ratio - 1) / max(abs(math.log(ratio)), TINY)
    return Finding(SPREADS[name], "spread", name, ratio - 1, scaled)


def drift(sides: Sides) -> Finding:
    """Bias of the response at the highest minus that at the lowest primary energies."""
    name = "sampling_fraction"
    low, high = np.quantile(sides.full.sample.conditions.energy, [1 / 3, 2 / 3])
    below = [side[side.sample.conditions.energy < low] for side in sides.pair]
    above = [side[side.sample.conditions.energy >= high] for side in sides.pair]
    if min(len(side) for side in below + above) < MIN_EVENTS:
        return Finding("cond", "drift", name, 0.0, 0.0)
    first, last = (
        bias(replace(sides, generated=part[0], full=part[1]), name) for part in (below, above)
    )
    error = float(np.hypot(first.error, last.error))
    return Finding("cond", "drift", name, last.value - first.value, error, first.value)


def outliers(sides: Sides) -> Finding:
    """Share of showers whose energy is far from that of the others at the same conditions."""
    far = (np.abs(side.scatter("sampling_fraction")) > OUTLIER for side in sides.pair)
    return _share("energy", "outliers", *far)


def correlation(sides: Sides) -> Finding:
    """The pair of features whose correlation is most significantly wrong."""
    a, b = (side.correlation for side in sides.pair)
    error = np.hypot(*(side.correlation_error for side in sides.pair))
    sigmas = np.abs(a - b) / np.maximum(error, TINY)
    i, j = np.unravel_index(int(np.argmax(np.triu(sigmas, k=1))), a.shape)
    pair = ",".join(sides.full.joint_names[k] for k in (i, j))
    value, expected = float(a[i, j] - b[i, j]), float(b[i, j])
    return Finding("corr", "correlation", pair, value, float(error[i, j]), expected)


def copies(sides: Sides) -> Finding:
    """Share of generated showers that are equal to another generated shower."""
    return _share("dup", "copies", *(_repeated(side.shapes) for side in sides.pair))


def memorised(sides: Sides) -> Finding:
    """Share of generated showers that are equal to a shower of the reference's file."""
    known = np.concatenate([sides.full.shapes, sides.fitted.shapes])
    a = np.isin(sides.generated.shapes, known)
    b = np.isin(sides.full.shapes, sides.fitted.shapes)
    return _share("dup", "memorised", a, b)


def _share(group: str, name: str, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Finding:
    """Difference of two shares; the error is that of one event more."""
    value, expected = float(a.mean()), float(b.mean())
    p = (a.sum() + b.sum() + 1) / (len(a) + len(b) + 2)
    error = float(np.sqrt(p * (1 - p) * (1 / len(a) + 1 / len(b))))
    return Finding(group, "share", name, value - expected, error, expected)


def _repeated(items: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which items (n,) occur more than once."""
    _, inverse, counts = np.unique(items, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1)
