"""Distances between two samples of feature vectors.

Notation:

    a, b      samples (n, k) and (m, k): pulls, in units of the full simulation's sigma
    w_k       Wasserstein-1 distance of feature k                       [sigma]
    C         correlation matrix of a sample's columns
    G         groups of events left out in turn, for the jackknife

All are 0 for a sample against itself. Their null values, and hence their errors,
follow from N: 1.8/sqrt(N) sigma for W1, about 1.1/sqrt(N) for the correlation
difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Array64 = NDArray[np.float64]
Index = NDArray[np.intp]

#: Bins with fewer events on either side are skipped by :func:`conditional_w1`.
MIN_BIN_EVENTS = 8
#: k of the k-nearest-neighbour balls.
NEIGHBOURS = 5
#: Quantile of the nearest-neighbour distance that detects repeats.
REPEAT_QUANTILE = 0.2
#: Keeps the logarithm of a vanishing nearest-neighbour distance finite.
REPEAT_FLOOR = 1e-3


def wasserstein(a: Array, b: Array) -> Array64:
    """Wasserstein-1 distance of each column, with no bins and no range.

    For equal sizes the mean distance of the sorted samples; otherwise that of the two
    quantile functions on as many points as the larger sample has.

    Args:
        a: (n, k), n at least 1.
        b: (m, k), m at least 1.

    Returns:
        w (k,), in the unit of the columns.
    """
    return wasserstein_sorted(np.sort(a, axis=0), np.sort(b, axis=0))


def wasserstein_sorted(a: Array, b: Array) -> Array64:
    """:func:`wasserstein` of columns that are sorted already."""
    n = max(len(a), len(b))
    difference = _quantiles(a, n) - _quantiles(b, n)
    return np.asarray(np.abs(difference).mean(axis=0), dtype=np.float64)


def _quantiles(ordered: Array, n: int) -> Array:
    """The quantile function at (i + 1/2)/n, of sorted columns."""
    if len(ordered) == n:
        return ordered
    index = ((np.arange(n) + 0.5) * len(ordered) / n).astype(np.intp)
    return ordered[index]


def correlation(a: Array) -> Array64:
    """Correlation matrix (k, k) of the columns; 0 where a column does not vary."""
    centred = np.asarray(a, dtype=np.float64) - a.mean(axis=0, dtype=np.float64)
    spread = np.sqrt((centred**2).sum(axis=0))
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9)
    return np.asarray(scaled.T @ scaled, dtype=np.float64)


def correlation_difference(a: Array64, b: Array64) -> float:
    """Root mean square over i < j of the difference of two correlation matrices."""
    upper = np.triu_indices(len(a), k=1)
    return float(np.sqrt(np.mean((a - b)[upper] ** 2)))


def conditional_w1(a: Array, bins_a: Index, b: Array, bins_b: Index) -> float:
    """Mean W1 over columns and bins of the conditions [sigma].

    It sees what inclusive distances miss, such as a generator that ignores a condition.

    Args:
        a: pulls (n, k).
        bins_a: bin of each event of a. Bins with fewer than ``MIN_BIN_EVENTS`` on either
            side are skipped; if that leaves none, all events are one bin.
        b: pulls (m, k).
        bins_b: bin of each event of b.
    """
    values = []
    for i in np.unique(bins_b):
        in_a, in_b = a[bins_a == i], b[bins_b == i]
        if min(len(in_a), len(in_b)) >= MIN_BIN_EVENTS:
            values.append(wasserstein(in_a, in_b).mean())
    return float(np.mean(values)) if values else float(wasserstein(a, b).mean())


def squared_distances(a: Array, b: Array) -> Array64:
    """Squared Euclidean distances (n, m), as one matrix product.

    In double precision: in single precision repeated showers would seem 0.03 apart.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)
    return np.asarray(np.maximum(squares - 2 * a @ b.T, 0.0))


def ball_radii(squared: Array64) -> Array64:
    """Squared distance (m,) of each event to its k-th nearest neighbour.

    Args:
        squared: distances within the sample (m, m), infinite on the diagonal.
    """
    k = min(NEIGHBOURS, len(squared) - 1)
    return np.asarray(np.partition(squared, k - 1, axis=1)[:, :k].max(axis=1))


def nearest_by_group(squared: Array64, starts: Index) -> Array64:
    """Smallest squared distance (n, G) to each of G consecutive groups of columns."""
    return np.asarray(np.minimum.reduceat(squared, starts, axis=1))


def coverage(nearest: Array64, radii: Array64) -> float:
    """Share of the reference's k-nearest-neighbour balls that hold a generated event.

    Naeem et al., "Reliable fidelity and diversity metrics", arXiv:2002.09797. Samples of
    equal size have 1 - 2^-k of them filled.

    Args:
        nearest: squared distance (m,) of each reference event to the nearest generated one.
        radii: of :func:`ball_radii`.
    """
    return float(np.mean(nearest <= radii))


def repeat_distance(nearest: Array64) -> float:
    """The 20 % quantile of the distances to the nearest neighbour in the same sample."""
    finite = nearest[np.isfinite(nearest)]
    return float(np.sqrt(np.quantile(finite, REPEAT_QUANTILE))) if len(finite) else 0.0


def duplicate_ratio(q: float, q_reference: float) -> float:
    """How much closer generated events are to each other than reference events: repeats.

    ``max(0, -ln((q + 1e-3)/q_reference))``; only shrinking distances count.
    """
    return max(0.0, -float(np.log((q + REPEAT_FLOOR) / max(q_reference, REPEAT_FLOOR))))
