"""Means, spreads, ratios and bins, each value with its error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectives.central import central, spread_error

Array64 = NDArray[np.float64]
Index = NDArray[np.intp]
#: Values and their errors, of one shape.
Values = tuple[Array64, Array64]


def mean(values: Array64) -> tuple[float, float]:
    """Mean and its error, of at least two values."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def ratio(a: Values, b: Values) -> Values:
    """a/b and its error from values and independent errors; NaN where either is an empty bin."""
    empty = (b[0] == 0) | ((a[0] == 0) & (a[1] == 0))
    with np.errstate(all="ignore"):
        value = np.where(empty, np.nan, a[0] / b[0])
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


def _resolution(values: Array64) -> tuple[float, float]:
    middle, width = central(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.divide(width, middle))
    return value, abs(value) * spread_error(len(values))


def spreads_in_bins(values: Array64, index: Index, n: int) -> Values:
    """RMS90/mean90 and its error (n,) of the values in each of n bins; NaN below four values."""
    found = [values[index == i] for i in range(n)]
    pairs = [_resolution(v) if len(v) > 3 else (np.nan, np.nan) for v in found]
    value, error = np.array(pairs, dtype=np.float64).T
    return value, error
