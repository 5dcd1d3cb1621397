"""Kernel distance of pulls: an unbiased estimate, so it may be negative.

Notation:

    z         pulls (n, k)                                               [sigma]
    K(x, y)   (x.y/k + 1)^4
    MMD^2     <K(a, a')> + <K(b, b')> - 2 <K(a, b)>, a != a' and b != b'

Gretton et al., J. Mach. Learn. Res. 13 (2012) 723; the kernel of Kansal et al.,
arXiv:2211.10295. Independent blocks of events give the value and its error (Zaremba et
al., arXiv:1307.1954): the cost is linear in the events.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectives.crosschecks.frechet import trimmed
from objectives.crosschecks.measured import Measured, check, measure, shuffled
from objectives.samples import Sample

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]

#: Fewest blocks, for the error, and most events of one, for the memory.
BLOCKS, BLOCK_EVENTS = 8, 500


def kernel_of_pulls(generated: Sample, real: Sample, null: Sequence[Sample] = ()) -> Measured:
    """MMD^2 of pulls, 0 on average for equal distributions.

    Trimmed as the Frechet distance is, since the fourth power of one outlier is larger
    than everything else. Insensitive: of smearing and of ignored fluctuations it sees
    little. The error comes from the spread of the blocks.

    Raises:
        DataError: for values that are not finite, fewer than 20 events or other columns.
    """
    check(generated, real, null)
    values = block_distances(generated, real)
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return measure(lambda a, b: float(block_distances(a, b).mean()), generated, real, null, error)


def block_distances(a: Sample, b: Sample) -> Array64:
    """MMD^2 of each of at least eight disjoint blocks of both samples."""
    x, y = trimmed(a.values), trimmed(b.values)
    count = max(BLOCKS, -(-max(len(x), len(y)) // BLOCK_EVENTS))
    count = min(count, len(x) // 2, len(y) // 2)
    blocks = (np.array_split(z[shuffled(len(z))], count) for z in (x, y))
    return np.array([mmd_squared(p, q) for p, q in zip(*blocks, strict=True)])


def mmd_squared(a: Array, b: Array) -> float:
    """Unbiased MMD^2 of (n, k) and (m, k), at least two events each."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return _within(x) + _within(y) - 2 * float(_kernel(x, y).mean())


def _kernel(x: Array64, y: Array64) -> Array64:
    square = (x @ y.T / x.shape[1] + 1) ** 2
    return np.asarray(square**2, dtype=np.float64)  # ten times faster than a fourth power


def _within(x: Array64) -> float:
    k = _kernel(x, x)
    return float((k.sum() - np.trace(k)) / (len(x) * (len(x) - 1)))
