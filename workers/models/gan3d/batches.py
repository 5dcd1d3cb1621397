"""Training showers in the order of an epoch, in segments, the next one read while one trains."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from workers.models.base import Array, Index

#: Memory of one segment of cells [bytes]; two of them are alive at a time.
SEGMENT_BYTES = 128 * 2**20


@dataclass(frozen=True, eq=False)
class Segment:
    """Consecutive batches of an epoch.

    Attributes:
        first: place of the first batch in the epoch.
        cells: (steps, batch, x, y, z) [GeV], or a share of each batch.
        conditions: of the showers, batch after batch.
        batch: showers of a whole batch.
        share: which of them there are.
    """

    first: int
    cells: Array
    conditions: Conditions
    batch: int
    share: slice


def shuffled(rows: Index, batch: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The rows of an epoch (steps, batch) in an order fixed by (seed, epoch).

    A last batch that is not full is left out; every epoch leaves out others.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(rows))
    steps = len(rows) // batch
    return rows[order[: steps * batch]].reshape(steps, batch)


def segments(
    showers: Showers, order: NDArray[np.int64], share: slice | None = None
) -> Iterator[Segment]:
    """The showers of ``order`` (steps, batch), read from memory or from a mapped file.

    Args:
        showers: of which some are trained on.
        order: their rows.
        share: which showers of each batch are read; all of them by default.
    """
    steps, batch = order.shape
    share = share or slice(0, batch)
    order = order[:, share]
    per_step = order.shape[1] * showers.cells[:1].nbytes
    length = max(1, SEGMENT_BYTES // max(per_step, 1))

    def read(first: int) -> Segment:
        rows = order[first : first + length]
        cells = showers.cells[rows.ravel()].reshape(*rows.shape, *showers.cells.shape[1:])
        return Segment(first, cells, showers.conditions[rows.ravel()], batch, share)

    with ThreadPoolExecutor(max_workers=1) as ahead:
        following = ahead.submit(read, 0)
        for first in range(0, steps, length):
            segment = following.result()
            if first + length < steps:
                following = ahead.submit(read, first + length)
            yield segment
