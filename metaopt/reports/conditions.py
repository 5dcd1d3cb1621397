"""Whether showers stand at the conditions of others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from objectives.showers import Conditions
from search_spaces.geometry import Geometry

#: Share of the showers that must stand elsewhere to be told, and the chance of it below which.
LEAST_SHARE, CHANCE = 0.05, 1e-4
#: Decimals of ln E and of angles [rad] that count: files differ in the last bits.
DECIMALS = 3
#: How far outside of others' range a condition may lie, as a share of the range.
MARGIN = 0.01
#: The same as a share of the condition itself, where the others have one value.
ROUNDING = 1e-3


def covered(given: Conditions, known: Conditions, geometry: Geometry) -> NDArray[np.bool_]:
    """Which showers are in the range of others; what is not finite is bad, not outside."""
    pairs = [(given.energy, known.energy)]
    pairs += [(given.theta, known.theta)] * geometry.has_angle
    inside = np.ones(len(given), dtype=np.bool_)
    for values, there in pairs:
        margin = max(MARGIN * np.ptp(there), ROUNDING * there.max())
        beyond = (values < there.min() - margin) | (values > there.max() + margin)
        inside &= ~(np.isfinite(values) & beyond)
    return inside


def unlike(generated: Conditions, full: Conditions, geometry: Geometry) -> tuple[str, ...]:
    """A note where energies, angles or particle types are shared out differently; or none.

    Two-sample Kolmogorov-Smirnov tests of good showers; the types' shares one by one.
    """
    different = list(_different(generated, full, geometry))
    if not different:
        return ()
    note = (
        f"the generated showers' {' and '.join(different)} are not distributed as the reference's: "
        "S and biases compare at equal conditions; the profile error and plots of all showers do "
        "not; cross-checks are with showers of the same range, where there are enough, and without "
        "correlations, AUC and the 3DGAN scores"
    )
    return (note,)


def _different(a: Conditions, b: Conditions, geometry: Geometry) -> Iterator[str]:
    if _apart(np.log(a.energy), np.log(b.energy)):
        yield "energies"
    if geometry.has_angle and _apart(a.theta, b.theta):
        yield "angles"
    kinds = range(len(geometry.particles))
    if any(_apart(a.particle == kind, b.particle == kind) for kind in kinds):
        yield "particles"


def _apart(a: NDArray[np.generic], b: NDArray[np.generic]) -> bool:
    found = ks_2samp(*(np.round(v.astype(np.float64), DECIMALS) for v in (a, b)))
    return bool(found.statistic > LEAST_SHARE and found.pvalue < CHANCE)
