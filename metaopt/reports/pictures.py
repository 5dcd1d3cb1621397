"""A validation's maps: projections of the mean shower, and correlation matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metaopt.reports.panels import Labels, Map, Panel, picture
from metaopt.reports.validation import Validation
from metaopt.reports.words import FEATURES

Array64 = NDArray[np.float64]

#: Names of the axes of a shower's array, by kind of the cells.
AXES = {
    "grid": ("x [cells]", "y [cells]", "depth [layers]"),
    "cylinder": ("r [bins]", "α [bins]", "depth [layers]"),
}
#: Axes of each projection: what runs right, what runs up, what is summed over.
PROJECTIONS = ((0, 1, 2), (2, 0, 1), (2, 1, 0))
#: Hits of either side below which a ratio is left blank: it would show chance.
LEAST_HITS = 100
#: Shades of a ratio.
RATIO_LIMITS = (0.5, 1.5)
#: Powers of ten that a projection shows.
DECADES = 5.0


def projections(validation: Validation) -> tuple[Panel, ...]:
    """Each projection of the full simulation, of the generated showers, and their ratio."""
    axes = AXES[validation.reference.geometry.cells.kind]
    return tuple(
        panel
        for right, up, along in PROJECTIONS
        for panel in _projection(validation, (axes[right], axes[up]), along, transposed=right < up)
    )


def _projection(
    validation: Validation, axes: tuple[str, str], along: int, transposed: bool
) -> tuple[Map, Map, Map]:
    """Three maps; rows run up."""
    sides = [validation.full, validation.generated]
    shares = [_oriented(side.projection(along), transposed) for side in sides]
    hits = [_oriented(side.projected_hits(along), transposed) for side in sides]
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = [np.log10(100 * share) for share in shares]
        over = np.where(np.min(hits, axis=0) >= LEAST_HITS, shares[1] / shares[0], np.nan)
    top = float(np.ceil(np.max(logarithms[0]))) if shares[0].any() else 0.0
    plane = f"{axes[1].split()[0]} against {axes[0].split()[0]}"
    look = "Mean share of the primary energy in each cell, log10 of per cent."
    full, generated = (
        picture(
            Labels(f"{name}: {plane}", look, *axes),
            np.where(np.isfinite(values), values, np.nan),
            (top - DECADES, top),
        )
        for name, values in zip(("Geant4", "Generated"), logarithms, strict=True)
    )
    ratio = Labels(f"Generated / Geant4: {plane}", "1 everywhere, without pattern.", *axes)
    return full, generated, picture(ratio, over, RATIO_LIMITS)


def _oriented(values: NDArray[np.generic], transposed: bool) -> Array64:
    return np.asarray(values.T if transposed else values, dtype=np.float64)


def correlations(validation: Validation) -> tuple[Panel, ...]:
    """Correlation matrices of the pulls, and their difference."""
    sides = validation.sides
    if len(sides.generated) < 2:
        return ()
    names = tuple(FEATURES.get(n, n) for n in sides.full.joint_names)
    full, generated = sides.full.correlation, sides.generated.correlation
    look = "At equal conditions, in units of Geant4's spread."
    return (
        picture(Labels("Geant4", look), full, (-1.0, 1.0), names),
        picture(Labels("Generated", look), generated, (-1.0, 1.0), names),
        picture(
            Labels("Generated - Geant4", "0 everywhere; a stripe is one observable."),
            generated - full,
            (-0.5, 0.5),
            names,
        ),
    )
