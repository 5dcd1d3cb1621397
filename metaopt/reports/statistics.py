"""Means, spreads, ratios and bins, each value with its error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array64 = NDArray[np.float64]
Index = NDArray[np.intp]
#: Values and their errors, of one shape.
Values = tuple[Array64, Array64]


def mean(values: Array64) -> tuple[float, float]:
    """Mean and its error, of at least two values."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def spread(values: Array64) -> tuple[float, float]:
    """Standard deviation and its error, from the fourth moment; any distribution."""
    d = values - values.mean()
    variance = float(np.mean(d**2))
    excess = max(float(np.mean(d**4)) - variance**2, 0.0)
    return float(np.sqrt(variance)), float(np.sqrt(excess / len(d) / max(4 * variance, 1e-300)))


def ratio(a: Values, b: Values) -> Values:
    """a/b and its error from values and independent errors; NaN where b is 0."""
    with np.errstate(all="ignore"):
        value = np.where(b[0] != 0, a[0] / b[0], np.nan)
        error = np.hypot(a[1] / b[0], value * b[1] / b[0])
    return value, np.where(np.isfinite(value), error, np.nan)


def bins_of(values: Array64, most: int = 8) -> Array64:
    """Inner edges of at most ``most`` bins with equal numbers, or one for each value of few.

    Data sets with discrete energies keep one bin for each of them.
    """
    unique = np.unique(values)
    if len(unique) <= 2 * most:
        return np.asarray(0.5 * (unique[1:] + unique[:-1]), dtype=np.float64)
    return np.unique(np.quantile(values, np.arange(1, most) / most))


def in_bins(values: Array64, index: Index, n: int) -> Values:
    """Mean and its error (n,) of the values in each of n bins; NaN below two values."""
    found = [values[index == i] for i in range(n)]
    pairs = [mean(v) if len(v) > 1 else (np.nan, np.nan) for v in found]
    value, error = np.array(pairs, dtype=np.float64).T
    return value, error


def spreads_in_bins(values: Array64, index: Index, n: int) -> Values:
    """Relative spread and its error (n,) of the values in each of n bins."""
    found = [values[index == i] for i in range(n)]
    pairs = [spread(v / v.mean()) if len(v) > 3 else (np.nan, np.nan) for v in found]
    value, error = np.array(pairs, dtype=np.float64).T
    return value, error
