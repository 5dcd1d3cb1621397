"""New shower files, laid out as a geometry's ``[storage]`` says: what :mod:`files` reads again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from objectives.showers import Showers
from search_spaces.errors import ConfigError
from search_spaces.geometry import Geometry
from search_spaces.whole import whole
from workers.data.layouts import check_keys, flatten, layout_of
from workers.data.particles import PDG

#: Most showers of one chunk of a file, its most bytes, and its compression: a fast one, as showers
#: come fast. A chunk of more showers than come at once would be compressed again for each of them.
CHUNK, CHUNK_BYTES, GZIP_LEVEL = 16, 4 * 2**20, 1


class ShowerWriter:
    """Data sets of n showers in an open file, filled from the first shower to the last.

    Args:
        file: open for writing.
        geometry: of the showers; its ``storage`` says keys, units and layout.
        events: number of showers.

    Raises:
        GeometryError: two data sets have one name.
    """

    def __init__(self, file: h5py.File, geometry: Geometry, events: int) -> None:
        check_keys(geometry)
        storage, layout = geometry.storage, layout_of(geometry)
        self.geometry, self.written, self._unit = geometry, 0, layout.energy_unit
        shape = layout.shapes(geometry)[0]
        fitting = CHUNK_BYTES // (4 * math.prod(shape))
        self._cells = file.create_dataset(
            storage.showers,
            (events, *shape),
            "f4",
            chunks=(min(max(fitting, 1), CHUNK, events), *shape),
            compression="gzip",
            compression_opts=GZIP_LEVEL,
            shuffle=True,
        )
        columns = (events, storage.energy_column + 1) if storage.energy_column else (events,)
        self._energy = file.create_dataset(storage.energy, columns, "f4")
        self._theta = file.create_dataset(storage.theta, (events,), "f4") if storage.theta else None
        self._particle = (
            file.create_dataset(storage.particle, (events,), "i4") if storage.particle else None
        )

    def append(self, showers: Showers) -> None:
        """Write the next showers; cells that a layer does not have are written as zero."""
        geometry, given = self.geometry, showers.conditions
        rows = slice(self.written, self.written + len(showers))
        self._cells[rows] = _stored(showers.cells, geometry)
        energy = given.energy.astype(np.float64) / self._unit
        column = geometry.storage.energy_column
        self._energy[(rows, column) if self._energy.ndim > 1 else rows] = energy
        if self._theta is not None:
            self._theta[rows] = given.theta
        if self._particle is not None:
            codes = [PDG.get(name, place) for place, name in enumerate(geometry.particles)]
            self._particle[rows] = np.array(codes)[given.particle]
        self.written = rows.stop


@contextmanager
def new_file(path: Path) -> Iterator[h5py.File]:
    """A new HDF5 file, closed at the end.

    Raises:
        OSError: it cannot be written, as where a disk is full.
    """
    with _Disk(path) as disk, h5py.File(disk, "w") as file:
        yield file


class _Disk:
    """What HDF5 writes to: after the first failure nothing more is written, and nothing fails.

    HDF5 writes what it still holds when a file is closed, and where that fails again it crashes
    the process at its end.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self._failed = False
        self.seek, self.tell, self.readinto = self._file.seek, self._file.tell, self._file.readinto

    def __enter__(self) -> _Disk:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError) if self._failed else nullcontext():
            self._file.close()

    def read(self, size: int = -1) -> bytes:
        """By which h5py knows a file."""
        return self._file.read(size)

    def write(self, data: bytes) -> int:
        """Write at the present place."""
        self._do(lambda: self._file.write(data))
        return len(data)

    def truncate(self, size: int) -> int:
        """Change the length."""
        self._do(lambda: self._file.truncate(size))
        return size

    def flush(self) -> None:
        """Hand all to the system."""
        self._do(self._file.flush)

    def _do(self, work: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            work()
        except OSError:
            self._failed = True
            raise


@contextmanager
def appearing(out: Path) -> Iterator[Path]:
    """The name under which a new file is written until it is whole.

    With the end of the context it has its own name; after a failure it is gone. A kill leaves
    at most a file that ends in ``.part``.

    Raises:
        ConfigError: a file of that name is there, or none can be written.
    """
    if out.exists() or not out.parent.is_dir():
        raise ConfigError(
            f"{out}: must be a new file in a folder that is there; choose another name"
        )
    try:
        with whole(out) as part:
            yield part
    except OSError as failure:
        raise ConfigError(
            f"{out}: cannot be written ({failure.strerror or failure}); choose another place"
        ) from failure


def _stored(cells: NDArray[np.float32], geometry: Geometry) -> NDArray[np.float32]:
    """Cells as the file has them, in its unit."""
    scaled = cells / np.float32(geometry.storage.gev_per_unit)
    if geometry.storage.format == "calochallenge":
        return flatten(scaled, geometry)
    return scaled if geometry.present is None else scaled * geometry.present
