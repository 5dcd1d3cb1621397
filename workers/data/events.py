"""The events of one part of a data set: chosen once, decoded block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from workers.data.files import ShowerFile, check
from workers.data.splits import PARTS, Part, part_events
from workers.trial import DataSpec

Index = NDArray[np.int64]
Array = NDArray[np.float32]


class Rows(Protocol):
    """Where decoded cells go: an array, or a file of one."""

    def __setitem__(self, rows: Index, cells: Array, /) -> None: ...


@dataclass(frozen=True, eq=False)
class Events:
    """Some events of a data set.

    Attributes:
        data, geometry, part: what they are of.
        sizes: events of each file.
        chosen: their numbers through all files, in the order of the split.
    """

    data: DataSpec
    geometry: Geometry
    part: Part
    sizes: tuple[int, ...]
    chosen: Index

    @classmethod
    def of(cls, data: DataSpec, geometry: Geometry, part: Part, limit: int = 0) -> Events:
        """The first ``limit`` events of a part (0 = all).

        Raises:
            DataError: a file cannot be read or does not fit, or the part is empty.
        """
        sizes = file_sizes(data, geometry)
        chosen = part_events(sizes, data, part)[: limit or None]
        if not len(chosen):
            raise DataError(f"the {part} split is empty; give more events or a larger share")
        return cls(data, geometry, part, sizes, chosen)

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of all their cells."""
        return len(self), *self.geometry.shape

    @property
    def nbytes(self) -> int:
        """Of all their cells, decoded."""
        return int(np.prod(self.shape)) * np.dtype(np.float32).itemsize

    def blocks(self) -> Iterator[tuple[Index, Showers]]:
        """Checked showers in the order of the files, with their places among the events.

        Memory: one block of :data:`~workers.data.files.BLOCK` events.

        Raises:
            DataError: naming the file and the event that cannot be read or used.
        """
        order = np.argsort(self.chosen)
        stops = np.cumsum(self.sizes)
        files = np.split(order, np.searchsorted(self.chosen[order], stops[:-1]))
        for name, places, size, stop in zip(self.data.files, files, self.sizes, stops, strict=True):
            if len(places):
                yield from self._of_file(name, places, size, stop - size)

    def _of_file(
        self, name: str, places: Index, size: int, first: int
    ) -> Iterator[tuple[Index, Showers]]:
        with ShowerFile(name, self.geometry) as file:
            if len(file) != size:
                raise DataError(f"{name}: must stay as it is, got {len(file)} events after {size}")
            done = 0
            for events, showers in file.blocks(self.chosen[places] - first):
                check(events, showers, file)
                yield places[done : done + len(events)], showers
                done += len(events)

    def decode(self, cells: Rows) -> Conditions:
        """Write all cells to their places in ``cells``, and return the conditions."""
        parts, places = [], []
        for rows, showers in self.blocks():
            cells[rows] = showers.cells
            parts.append(showers.conditions)
            places.append(rows)
        return Conditions.joined(parts)[np.argsort(np.concatenate(places))]


def file_sizes(data: DataSpec, geometry: Geometry) -> tuple[int, ...]:
    """Events of each file, after a check of its layout."""
    sizes = []
    for name in data.files:
        with ShowerFile(name, geometry) as file:
            sizes.append(len(file))
    return tuple(sizes)


def part_sizes(data: DataSpec, geometry: Geometry) -> dict[Part, int]:
    """Events of each part of the split.

    Raises:
        DataError: a file cannot be read or does not fit, or there are too few files.
    """
    sizes = file_sizes(data, geometry)
    return {part: len(part_events(sizes, data, part)) for part in PARTS}
