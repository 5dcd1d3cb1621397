"""Mean and spread of the central 90 % of a sample, mean90 and RMS90.

The response of a calorimeter has tails: showers that leak. One of them moves the standard
deviation of a hundred events more than a real change of the resolution does. RMS90, the
standard deviation of the events in the shortest interval that holds 90 % of them, is what
calorimetry uses instead (Thomson, arXiv:0907.3577). For a Gaussian it is 0.79 sigma.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array64 = NDArray[np.float64]

SHARE = 0.9
#: The relative error of RMS90 times sqrt(2 n): 1.12 for a Gaussian, 1.2 with tails [simulated].
ERROR = 1.2
RESAMPLED, RESAMPLINGS = 2000, 200


def central(values: Array64) -> tuple[float, float]:
    """mean90 and RMS90 of values (n,), n at least 1."""
    ordered = np.sort(values)
    n = math.ceil(SHARE * len(ordered))
    widths = ordered[n - 1 :] - ordered[: len(ordered) - n + 1]
    first = int(widths.argmin())
    inside = ordered[first : first + n]
    return float(inside.mean()), float(inside.std())


def spread_error(n: int, shape: float = ERROR) -> float:
    """Relative error of RMS90 of n events; ``shape`` as of :func:`spread_shape`."""
    return shape / math.sqrt(2 * max(n, 1))


def spread_shape(values: Array64) -> float:
    """The relative error of RMS90 times sqrt(2 n) for a distribution as that of the values (n,).

    From 200 resamplings of at most 2,000 of them, always the same; not below that of a usual
    tail. Leakage behind a short calorimeter gives 1.7.
    """
    some, rng = values[:RESAMPLED], np.random.default_rng(0)
    widths = [central(rng.choice(some, len(some)))[1] for _ in range(RESAMPLINGS)]
    if min(widths) <= 0:
        return ERROR
    return max(ERROR, float(np.std(np.log(widths))) * math.sqrt(2 * len(some)))
