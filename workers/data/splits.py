"""Which events are for training, for validation and for the test.

The split is a permutation seeded by the digest of the data: the same files give the
same split on every machine, wherever they lie. By event, every file gives some events
to each part. By file, as the 3DGAN papers have it, whole files go to one part: then
no part sees the files of another, whatever differs between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import DataError
from workers.trial import DataSpec

Part = Literal["training", "validation", "test"]
PARTS: tuple[Part, ...] = ("training", "validation", "test")
Index = NDArray[np.int64]


def part_events(sizes: Sequence[int], data: DataSpec, part: Part) -> Index:
    """Events of one part, in random order: files are often sorted by energy.

    Args:
        sizes: events of each file; events are numbered through all of them.
        data: split, digest, and whether the split is by event or by file.
        part: which one; the three are disjoint and cover all.

    Raises:
        DataError: fewer than three files cannot be split by file.
    """
    rng = np.random.default_rng(int(data.digest[:16] or "0", 16))
    if data.by == "event":
        return _portion(rng.permutation(sum(sizes)), _bounds(sum(sizes), data.split), part)
    if len(sizes) < len(PARTS):
        raise DataError(
            f"a split by file needs at least 3 files, got {len(sizes)}; give more files, or "
            'set by = "event" in [data]'
        )
    files = _portion(rng.permutation(len(sizes)), _file_bounds(len(sizes), data.split), part)
    of_file = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return rng.permutation(np.concatenate([of_file[f] for f in files]))


def _portion(order: Index, bounds: tuple[int, int], part: Part) -> Index:
    return np.split(order, bounds)[PARTS.index(part)]


def _bounds(n: int, split: tuple[float, float, float]) -> tuple[int, int]:
    """Where the second and the third part of n events begin."""
    first = math.floor(split[0] * n)
    return first, first + math.floor(split[1] * n)


def _file_bounds(n: int, split: tuple[float, float, float]) -> tuple[int, int]:
    """The same for n files, of which each part gets at least one."""
    first = min(max(round(split[0] * n), 1), n - 2)
    return first, min(max(round((split[0] + split[1]) * n), first + 1), n - 1)
