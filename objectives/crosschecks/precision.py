"""Bring two samples to the coarser precision of the two.

A classifier sees whether numbers were stored as float64 or float16: equal distributions
in different types gave an AUC of 0.92 by the last bit of one observable. What is
lost in a file cannot be made up for, so the other side has to lose it too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from objectives.showers import Showers

Array64 = NDArray[np.float64]

#: Bits of the mantissa of a float16, the coarsest type that conditions come in.
BITS = 11
#: Decimals that are looked for in conditions; more do no harm.
DECIMALS = 3
#: Observables are rounded to a power of ten below this share of their spread.
STEP = 1e-3


def as_stored(showers: Showers, dtype: DTypeLike, gev_per_unit: float = 1.0) -> Showers:
    """The showers as a file with cells of another type gives them back.

    To compare a float16 or integer file with a float32 one, read out both through the
    coarser type before their observables are made. Cells that the type cannot hold
    become what its conversion makes of them: the largest integer, or infinity.

    Args:
        showers: any.
        dtype: floating or integer type of the file's cells.
        gev_per_unit: energy of one unit of the file [GeV].
    """
    kind = np.dtype(dtype)
    with np.errstate(all="ignore"):  # what does not fit is said above
        cells = np.asarray(showers.cells, dtype=np.float64) / gev_per_unit
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            cells = np.clip(np.rint(cells), limits.min, limits.max)
        stored = cells.astype(kind).astype(np.float64) * gev_per_unit
        return Showers(stored.astype(np.float32), showers.conditions)


def rounded(values: NDArray[np.float32], like: NDArray[np.float32]) -> Array64:
    """Observables (n, k) to fixed decimals, chosen from the spread of ``like`` (m, k)."""
    spread = np.asarray(like, dtype=np.float64).std(axis=0)
    size = np.abs(np.asarray(like, dtype=np.float64)).max(axis=0, initial=0.0)
    step = STEP * np.maximum(spread, 1e-4 * size + 1e-9)
    unit = 10.0 ** np.floor(np.log10(step))
    return np.asarray(np.round(np.asarray(values, dtype=np.float64) / unit) * unit)


def common_condition(a: NDArray[np.float32], b: NDArray[np.float32]) -> tuple[Array64, Array64]:
    """One condition (n,) and (m,) of both samples, with the decimals and bits both have."""
    decimals = min(_decimals(a), _decimals(b))
    return _significant(a, decimals), _significant(b, decimals)


def _decimals(values: NDArray[np.float32]) -> int:
    """Fewest decimals that give all values to float32's precision."""
    for decimals in range(DECIMALS):
        away = np.abs(values - np.round(values.astype(np.float64), decimals))
        if (away <= 1e-6 * np.abs(values)).all():
            return decimals
    return DECIMALS


def _significant(values: NDArray[np.float32], decimals: int) -> Array64:
    wide = values.astype(np.float64)
    mantissa, exponent = np.frexp(np.round(wide, decimals) if decimals < DECIMALS else wide)
    return np.asarray(np.ldexp(np.round(mantissa * 2**BITS), exponent - BITS))
