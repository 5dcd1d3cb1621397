"""Shower files: HDF5 to :class:`~objectives.showers.Showers`, in GeV and rad.

Events are split into training, validation and test once, by a permutation
seeded by the digest of the data: the same files give the same split on every
machine, wherever they lie.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from workers.trial import DataSpec

Part = Literal["training", "validation", "test"]
Index = NDArray[np.int64]

#: Events read at once: bounds the memory beside the result.
BLOCK = 256
#: Events of each file whose cells are checked before the first trial.
CHECKED_EVENTS = 2048


def survey(files: Sequence[str], geometry: Geometry) -> tuple[int, str]:
    """Check the files against the geometry: (number of events, digest).

    Keys, shapes, energies and angles are checked for every event, cells for
    ``CHECKED_EVENTS`` events of each file. The digest is the SHA-256 of all primary
    energies and of the checked cells: not of paths or compression.

    Raises:
        DataError: naming file, rule and value.
    """
    if not files:
        raise DataError("no data files; give HDF5 files or a glob that matches some")
    digest = hashlib.sha256()
    total = 0
    for name in files:
        with _open(name, geometry) as file:
            n = _check_layout(file, name, geometry)
            digest.update(_energies(file, geometry).tobytes())
            step = max(n // CHECKED_EVENTS, 1)
            for start in range(0, n, BLOCK * step):
                block = _read(file, name, geometry, start, min(start + BLOCK, n))
                block.check(geometry, name)
                digest.update(block.cells.tobytes())
            total += n
    return total, digest.hexdigest()


def load(data: DataSpec, geometry: Geometry, part: Part, limit: int = 0) -> Showers:
    """The showers of one part of the split, at most ``limit`` of them (0 = all).

    Memory: the result and one block of ``BLOCK`` events.

    Raises:
        DataError: a file cannot be read or does not fit the geometry.
    """
    sizes = []
    for name in data.files:
        with _open(name, geometry) as file:
            sizes.append(_check_layout(file, name, geometry))
    chosen = split_indices(sum(sizes), data, part)
    if limit:
        chosen = chosen[:limit]
    # Events are stored in reading order, then put back into the split's own order,
    # which is random: files are often sorted by energy.
    order = np.argsort(chosen)
    blocks = list(_blocks(data.files, sizes, chosen[order], geometry))
    if not blocks:
        raise DataError(f"the {part} split is empty; give more events or a larger share")
    back = np.argsort(order)
    conditions = (b.conditions for b in blocks)
    columns = zip(*((c.energy, c.theta, c.particle) for c in conditions), strict=True)
    showers = Showers(
        np.concatenate([b.cells for b in blocks])[back],
        Conditions.of(*(np.concatenate(column)[back] for column in columns)),
    )
    showers.check(geometry, f"{part} split of {', '.join(data.files)}")
    return showers


def split_indices(n: int, data: DataSpec, part: Part) -> Index:
    """Indices of the events of one part; the three parts are disjoint and cover all."""
    seed = int(data.digest[:16] or "0", 16)
    permutation = np.random.default_rng(seed).permutation(n)
    first = math.floor(data.split[0] * n)
    second = first + math.floor(data.split[1] * n)
    bounds = {"training": (0, first), "validation": (first, second), "test": (second, n)}
    start, stop = bounds[part]
    return permutation[start:stop]


def _blocks(
    files: Sequence[str], sizes: Sequence[int], chosen: Index, geometry: Geometry
) -> Iterator[Showers]:
    """The chosen events (ascending global indices) in blocks."""
    offset = 0
    for name, size in zip(files, sizes, strict=True):
        local = chosen[(chosen >= offset) & (chosen < offset + size)] - offset
        offset += size
        with _open(name, geometry) as file:
            for start in range(0, size, BLOCK):
                wanted = local[(local >= start) & (local < start + BLOCK)]
                if len(wanted):
                    yield _read(file, name, geometry, start, min(start + BLOCK, size))[
                        wanted - start
                    ]


def _open(name: str, geometry: Geometry) -> h5py.File:
    if not Path(name).is_file():
        raise DataError(f"{name}: no such file; check the path")
    try:
        file = h5py.File(name, "r")
    except OSError as failure:
        raise DataError(f"{name}: not a readable HDF5 file ({failure})") from failure
    storage = geometry.storage
    wanted = [storage.showers, storage.energy] + ([storage.theta] if storage.theta else [])
    missing = [key for key in wanted if key not in file]
    if missing:
        keys = ", ".join(sorted(file)) or "none"
        file.close()
        raise DataError(
            f"{name}: needs the data sets {', '.join(wanted)} of geometry {geometry.name!r}, "
            f"got {keys}; set [storage] in the geometry file"
        )
    return file


def _check_layout(file: h5py.File, name: str, geometry: Geometry) -> int:
    """The number of events, after checking every data set's shape."""
    storage = geometry.storage
    shape = file[storage.showers].shape
    # Some layouts carry a channel axis of length 1.
    cells = shape[1:-1] if len(shape) == 5 and shape[-1] == 1 else shape[1:]
    if cells != geometry.shape:
        raise DataError(
            f"{name}: {storage.showers} must be (n, {', '.join(map(str, geometry.shape))}) for "
            f"geometry {geometry.name!r}, got {shape}; choose the geometry of these showers"
        )
    for key in (storage.energy, storage.theta):
        if key and file[key].shape[:1] != shape[:1]:
            raise DataError(
                f"{name}: {key} must have one entry per shower, got {file[key].shape[0]} "
                f"for {shape[0]} showers"
            )
    return int(shape[0])


def _energies(file: h5py.File, geometry: Geometry) -> NDArray[np.float32]:
    values = file[geometry.storage.energy][:]
    column = np.reshape(values, (len(values), -1))[:, geometry.storage.energy_column]
    return np.asarray(column, dtype=np.float32)


def _read(file: h5py.File, name: str, geometry: Geometry, start: int, stop: int) -> Showers:
    storage = geometry.storage
    try:
        cells = np.asarray(file[storage.showers][start:stop], dtype=np.float32)
        energy = np.asarray(file[storage.energy][start:stop], dtype=np.float32)
        theta = (
            np.asarray(file[storage.theta][start:stop], dtype=np.float32)
            if storage.theta
            else np.full(stop - start, np.pi / 2, dtype=np.float32)
        )
    except OSError as failure:
        raise DataError(
            f"{name}: events {start} to {stop} cannot be read ({failure}); is the file whole?"
        ) from failure
    cells = cells.reshape(stop - start, *geometry.shape)
    if storage.gev_per_unit != 1.0:
        cells *= np.float32(storage.gev_per_unit)
    energy = energy.reshape(stop - start, -1)[:, storage.energy_column]
    return Showers(cells, Conditions.of(energy, theta.reshape(stop - start)))
