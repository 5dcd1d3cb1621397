"""Separation power of single observables.

Notation:

    h_i, g_i  share of the full-simulation and of the generated events in bin i
    n, m      generated and full-simulation events
    B         bins with any event, at most 20
    S2        1/2 sum_i (h_i - g_i)^2/(h_i + g_i): 0 equal, 1 disjoint

Diefenbacher et al., arXiv:2005.05334, and the CaloChallenge, arXiv:2410.21611, use fixed
ranges and many bins, which hides what lies outside the range, and gives two equal samples
(B - 1)/4 (1/n + 1/m) on average. Here that value is subtracted, and the bins are quantiles
of both samples together: no event is outside, and the subtraction is exact. With the
quantiles of the full simulation alone and bins below and above them it is not: the
extremes are then always the full simulation's, and 450 equal events are 0.001 apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from objectives.crosschecks.measured import Measured, check, measure
from objectives.samples import Sample

Array64 = NDArray[np.float64]

BINS = 20


def mean_separation(generated: Sample, real: Sample, null: Sequence[Sample] = ()) -> Measured:
    """Mean separation power over the observables, 0 on average for equal distributions.

    Blind to correlations and, on features, to a condition that is ignored. The error is a
    jackknife.

    Raises:
        DataError: for values that are not finite, fewer than 20 events or other columns.
    """
    check(generated, real, null)
    return measure(
        lambda a, b: float(separation_power(a.values, b.values).mean()), generated, real, null
    )


def separation_power(a: ArrayLike, b: ArrayLike) -> Array64:
    """S2 minus its null mean (k,), of columns a (n, k) and full-simulation columns b (m, k)."""
    columns = zip(np.asarray(a, np.float64).T, np.asarray(b, np.float64).T, strict=True)
    return np.array([_of_column(x, y) for x, y in columns])


def _of_column(a: Array64, b: Array64) -> float:
    both = np.concatenate([a, b])
    edges = np.unique(np.quantile(both, np.linspace(0, 1, BINS + 1)))[1:-1]
    g, h = (
        np.bincount(np.searchsorted(edges, x, side="right"), minlength=len(edges) + 1) / len(x)
        for x in (a, b)
    )
    filled = g + h > 0
    null = (filled.sum() - 1) / 4 * (1 / len(a) + 1 / len(b))
    return float(0.5 * ((h - g)[filled] ** 2 / (h + g)[filled]).sum() - null)
