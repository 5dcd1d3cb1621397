"""What the service asks of shower files: a survey of them, and the showers of a part."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from objectives.showers import Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from workers.data import cache
from workers.data.events import Events
from workers.data.files import BLOCK, ShowerFile, check
from workers.data.splits import Part
from workers.trial import DataSpec

#: Events of each file whose cells are checked before the first trial.
CHECKED_EVENTS = 2048
#: Decoded showers up to this size are decoded by every worker for itself [bytes].
SMALL = 64 * 2**20


def survey(files: Sequence[str], geometry: Geometry) -> tuple[int, str]:
    """Check the files against the geometry: (number of events, digest).

    Keys, shapes, energies, angles and particles are checked for every event, cells for
    ``CHECKED_EVENTS`` events of each file. The digest is the SHA-256 of all primary
    energies, of the particles where there are several, and of the checked cells: not of
    paths or compression.

    Raises:
        DataError: naming file, rule and value.
    """
    if not files:
        raise DataError("no data files; give HDF5 files or a glob that matches some")
    digest = hashlib.sha256()
    total = 0
    for name in files:
        with ShowerFile(name, geometry) as file:
            n = len(file)
            conditions = file.conditions()
            conditions.check(geometry, name)
            digest.update(conditions.energy.tobytes())
            if geometry.storage.particle:
                digest.update(conditions.particle.tobytes())
            step = max(n // CHECKED_EVENTS, 1)
            for start in range(0, n, BLOCK * step):
                events = np.arange(start, min(start + BLOCK, n))
                block = file.read(start, min(start + BLOCK, n))
                check(events, block, file)
                digest.update(block.cells.tobytes())
            total += n
    return total, digest.hexdigest()


def load(
    data: DataSpec, geometry: Geometry, part: Part, limit: int = 0, shared: str = ""
) -> Showers:
    """The showers of one part of the split, at most ``limit`` of them (0 = all).

    Args:
        data: files and split.
        geometry: of the showers.
        part: of the split.
        limit: how many of the part's first showers.
        shared: folder for the decoded copy that all workers of the machine share; with it,
            cells larger than ``SMALL`` are a memory map. See :mod:`workers.data.cache`.

    Memory: one block of ``BLOCK`` events, and the result if it is not a map.

    Raises:
        DataError: a file cannot be read or does not fit the geometry, or a disk is full.
    """
    events = Events.of(data, geometry, part, limit)
    # Without a digest nothing tells one data set from another.
    if shared and data.digest and events.nbytes > SMALL:
        return cache.mapped(events, Path(shared))
    cells = np.empty(events.shape, dtype=np.float32)
    return Showers(cells, events.decode(cells))
