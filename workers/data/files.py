"""One shower file: opened, its layout checked, read block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import h5py
import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.documents import DAMAGE
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from workers.data.layouts import layout_of
from workers.data.particles import places
from workers.data.remote import local_path

Index = NDArray[np.int64]

#: Events read at once: bounds the memory beside the result.
BLOCK = 256
#: A gap of so many events that nobody wants is skipped, if it also skips a chunk of the file.
MIN_GAP = 16
#: Bytes of decompressed chunks that are kept of a file, at most.
MOST_CACHED = 2**30


class ShowerFile:
    """An open HDF5 file of showers, in GeV and rad; a context manager.

    Args:
        name: path of the file, or URL of a remote one (:mod:`workers.data.remote`).
        geometry: of the showers; its ``storage`` says how the file is laid out.

    Raises:
        DataError: naming file, rule and value, if the file cannot be read or does not fit.
    """

    def __init__(self, name: str, geometry: Geometry) -> None:
        path = local_path(name)
        if not path.is_file():
            raise DataError(f"{name}: no such file; check the path")
        self.name = name
        self.geometry = geometry
        self.layout = layout_of(geometry)
        try:
            self._file = h5py.File(path, "r")
        except OSError as failure:
            raise DataError(f"{name}: not a readable HDF5 file ({failure})") from failure
        try:
            with self._reading("its data sets"):
                self._check_layout()
                self._cells = _cached(self._file, geometry.storage.showers)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> ShowerFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return int(self._cells.shape[0])

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type in which the file holds its cells."""
        kind: np.dtype[np.generic] = self._cells.dtype
        return kind

    @property
    def gev_per_unit(self) -> float:
        """Deposited GeV per unit of the file's cells."""
        return self.geometry.storage.gev_per_unit

    # -- reading --------------------------------------------------------------------------

    def conditions(self, start: int = 0, stop: int | None = None) -> Conditions:
        """Conditions of the events from ``start`` to ``stop``, all by default."""
        storage, stop = self.geometry.storage, len(self) if stop is None else stop
        energy = self._columns(storage.energy, start, stop)[:, storage.energy_column]
        if storage.theta:
            theta = self._columns(storage.theta, start, stop)[:, 0]
        else:  # all showers have the geometry's one angle
            theta = np.full(len(energy), self.geometry.theta_rad[0])
        particle = None
        if storage.particle:
            stored = self._columns(storage.particle, start, stop)[:, 0].astype(np.int64)
            particle = places(stored, self.geometry.particles)
        # float64 until here, so that MeV round only once.
        return Conditions.of(energy.astype(np.float64) * self.layout.energy_unit, theta, particle)

    def read(self, start: int, stop: int) -> Showers:
        """The showers of the events from ``start`` to ``stop``; cells may hold anything."""
        storage = self.geometry.storage
        with self._reading(f"events {start} to {stop - 1}"):
            stored = np.asarray(self._cells[start:stop], dtype=np.float32)
        cells = self.layout.cells(stored, self.geometry)
        if storage.gev_per_unit != 1.0:
            cells *= np.float32(storage.gev_per_unit)
        return Showers(cells, self.conditions(start, stop))

    def blocks(self, wanted: Index) -> Iterator[tuple[Index, Showers]]:
        """The wanted events (ascending) in blocks, each with its event numbers."""
        chunks = self._cells.chunks
        gap = max(MIN_GAP, chunks[0] if chunks else 1)
        ends = np.flatnonzero((np.diff(wanted) > gap) | (np.diff(wanted // BLOCK) > 0)) + 1
        for events in np.split(wanted, ends):
            if len(events):
                block = self.read(int(events[0]), int(events[-1]) + 1)
                yield events, block[events - events[0]]

    def _columns(self, key: str, start: int, stop: int) -> NDArray[np.generic]:
        with self._reading(f"{key} of events {start} to {stop - 1}"):
            stored = np.asarray(self._file[key][start:stop])
            return stored.reshape(len(stored), int(np.prod(stored.shape[1:])))

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """Damage shows as any of these errors, wherever the file is touched first."""
        try:
            yield
        except (*DAMAGE, RuntimeError) as failure:
            if isinstance(failure, DataError):
                raise
            reason = " ".join(str(failure).split()) or type(failure).__name__
            raise DataError(
                f"{self.name}: {what} cannot be read ({reason}); is the file whole?"
            ) from failure

    # -- checking -------------------------------------------------------------------------

    def _check_layout(self) -> None:
        storage = self.geometry.storage
        keys = [storage.showers, storage.energy]
        keys += [key for key in (storage.theta, storage.particle) if key]
        if not all(map(self._is_data_set, keys)):
            # A group, or a link that leads nowhere, has a name as well.
            names = sorted(map(str, self._file))
            got = [n if self._is_data_set(n) else f"{n} (no data set)" for n in names]
            raise DataError(
                f"{self.name}: needs the data sets {', '.join(keys)} of geometry "
                f"{self.geometry.name!r}, got {', '.join(got) or 'none'}; "
                "set [storage] in the geometry file"
            )
        if self.geometry.has_angle and not storage.theta:
            low, high = self.geometry.theta
            raise DataError(
                f"{self.name}: geometry {self.geometry.name!r} has angles from {low:g} to {high:g} "
                "degrees, and no data set of them; set storage.theta in the geometry file"
            )
        for key in keys:
            if self._file[key].dtype.kind not in "fiu":
                raise DataError(
                    f"{self.name}: {key} must hold numbers, got {self._file[key].dtype}; "
                    "set [storage] in the geometry file"
                )
        self._check_shapes(keys[1:])

    def _is_data_set(self, key: str) -> bool:
        return isinstance(self._file.get(key), h5py.Dataset)

    def _check_shapes(self, keys: list[str]) -> None:
        storage, geometry = self.geometry.storage, self.geometry
        shape = self._file[storage.showers].shape
        allowed = self.layout.shapes(geometry)
        if shape[1:] not in allowed:
            raise DataError(
                f"{self.name}: {storage.showers} must be (n, {', '.join(map(str, allowed[0]))}) "
                f"for geometry {geometry.name!r}, got {shape}; choose the geometry of these showers"
            )
        for key in keys:
            there = self._file[key].shape
            if there[:1] != shape[:1]:
                raise DataError(
                    f"{self.name}: {key} must have one entry per shower, got {there[:1]} "
                    f"for {shape[0]} showers; is the file whole?"
                )
            column = storage.energy_column if key == storage.energy else 0
            if column >= np.prod(there[1:], dtype=int):
                raise DataError(
                    f"{self.name}: {key} must have more than {column} columns, got {there}; "
                    "set storage.energy_column in the geometry file"
                )
        self._check_particles()

    def _check_particles(self) -> None:
        key = self.geometry.storage.particle
        if key and self._file[key].dtype.kind == "f":
            raise DataError(
                f"{self.name}: {key} must hold whole numbers, got {self._file[key].dtype}; "
                "store places in the geometry's particles, or PDG codes"
            )


def _cached(file: h5py.File, key: str) -> h5py.Dataset:
    """A data set of which the chunks that hold the same events stay decompressed.

    Without, HDF5 keeps a MiB of them, and a chunk of more is decompressed for each block.
    """
    data = file[key]
    if data.chunks is None:
        return data
    across = zip(data.shape[1:], data.chunks[1:], strict=True)
    count = math.prod(-(-length // chunk) for length, chunk in across)
    size = count * math.prod(data.chunks) * data.dtype.itemsize
    if size > MOST_CACHED:
        return data
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    # Slots: a hundred times as many as chunks, as HDF5 advises against collisions.
    access.set_chunk_cache(100 * count + 1, size, 1.0)
    del data  # one that is open keeps its cache
    return h5py.Dataset(h5py.h5d.open(file.id, key.encode(), access))


def check(events: Index, showers: Showers, file: ShowerFile, *, anywhere: bool = False) -> None:
    """Raise :class:`DataError` unless these can be full-simulation showers.

    The error names the file and the first event that cannot. With ``anywhere`` conditions may lie
    outside of the geometry's ranges.
    """
    try:
        showers.check(file.geometry, file.name, anywhere=anywhere)
    except DataError:
        for row, event in enumerate(events):
            where = f"{file.name}, event {event}"
            showers[row : row + 1].check(file.geometry, where, anywhere=anywhere)
        raise
