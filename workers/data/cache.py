"""Decoded showers on disk: one copy, which all workers of a machine map into memory.

An entry is a folder of plain .npy files: ``cells.npy`` (n, x, y, z) float32 [GeV] in the
order of the split, and the conditions. Workers map the cells read-only, so that the
machine keeps each page once, in its page cache, and may drop it: neither the number of
workers nor the size of the data is bounded by memory.

An entry takes 4 bytes per cell and shower, below the study's results: 0.2 GB for 3000
showers of 25 x 25 x 25 cells, 3.1 GB for 12,000 of 51 x 51 x 25. Only as many events are
decoded as a trial can use. Studies of the same data share an entry, whatever their
strategy. Entries of other data stay, as another study may be at work with them, until no
trial has begun with them for
:data:`~workers.data.folders.KEPT_DAYS`: the next writer removes them then.

An entry gets its name when it is whole and on the disk: a reader sees all of it or
nothing. A lock makes workers that start together wait for one writer; where a file
system has no locks, each writes its own, and one is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np

from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError
from search_spaces.records import encode
from workers.data.arrays import ArrayFile
from workers.data.events import Events
from workers.data.folders import locked, make_private, remove_unused, temporary
from workers.data.splits import PARTS

FORMAT = 1
_PART = ".part"
_CONDITIONS = ("energy", "theta", "particle")
_NAME = rf"[0-9a-f]{{16}}-({'|'.join(PARTS)})-[0-9a-f]{{8}}-\d+"


def mapped(events: Events, folder: Path) -> Showers:
    """The showers of some events, their cells a read-only memory map.

    They are decoded if no entry has them yet: in ``folder``; or in the machine's folder of
    temporary files, where ``folder`` cannot be made, as on a machine without the study's
    results, or its disk is full. ``TMPDIR`` says where that is.

    Raises:
        DataError: a shower file cannot be read or used, or there is no room on the disks.
    """
    failures = []
    for place in (folder, temporary("showers")):
        try:
            _make(place)
            return _entry(events, place)
        except OSError as failure:
            failures.append(f"{place}: {failure.strerror or failure}")
    raise DataError(
        f"{events.nbytes / 1e9:.3g} GB must be free on a disk for the {len(events)} decoded "
        f"{events.part} showers, got {'; '.join(failures)}; free some, or lower trial.showers"
    )


def _make(folder: Path) -> None:
    if folder == temporary("showers"):
        make_private(folder)
    else:
        folder.mkdir(exist_ok=True)


def _entry(events: Events, folder: Path) -> Showers:
    found = _find(events, folder)
    if found is None:
        with locked(folder) as alone:
            found = _find(events, folder)  # another worker may have written it meanwhile
            if found is None:
                if alone:
                    remove_unused(folder, _is_part, days=0)
                    remove_unused(folder, _is_entry)
                _write(events, folder)
                found = _find(events, folder)
    if found is None:
        raise OSError("what was written there cannot be read")
    return found


# -- reading ------------------------------------------------------------------------------


def _find(events: Events, folder: Path) -> Showers | None:
    """The events from the smallest entry that has them all; a damaged entry is removed."""
    entries = [(int(p.name.rpartition("-")[2]), p) for p in folder.glob(f"{_stem(events)}-*[0-9]")]
    for n, entry in sorted(entries):
        if n < len(events):
            continue
        try:
            showers = _map(entry, (n, *events.geometry.shape))
        except (FileNotFoundError, ValueError, EOFError):
            shutil.rmtree(entry, ignore_errors=True)
            continue
        with suppress(OSError):  # a folder that may only be read
            os.utime(entry)
        return showers[: len(events)]
    return None


def _map(entry: Path, shape: tuple[int, ...]) -> Showers:
    cells = np.load(entry / "cells.npy", mmap_mode="r", allow_pickle=False)
    columns = [np.load(entry / f"{name}.npy", allow_pickle=False) for name in _CONDITIONS]
    if cells.shape != shape or cells.dtype != np.float32:
        raise ValueError(f"cells must be {shape} float32, got {cells.shape} {cells.dtype}")
    return Showers(cells, Conditions.of(*columns))


def _stem(events: Events) -> str:
    """What the names of all entries with these events begin with."""
    geometry, data = events.geometry, events.data
    layout = [geometry.cells.identity, encode(geometry.storage), list(geometry.particles)]
    key = json.dumps([FORMAT, data.digest, list(data.split), data.by, *layout])
    return f"{data.digest[:16]}-{events.part}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


# -- writing ------------------------------------------------------------------------------


def _write(events: Events, folder: Path) -> None:
    """Decode into a folder of another name; then, at once, give it its own."""
    entry = folder / f"{_stem(events)}-{len(events)}"
    part = folder / f"{entry.name}.{secrets.token_hex(4)}{_PART}"
    try:
        part.mkdir()
        with ArrayFile(part / "cells.npy", events.shape) as cells:
            conditions = events.decode(cells)
        for name in _CONDITIONS:
            with (part / f"{name}.npy").open("wb") as file:
                np.save(file, getattr(conditions, name))
                file.flush()
                os.fsync(file.fileno())
        with suppress(FileExistsError):
            _rename(part, entry)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _rename(part: Path, entry: Path) -> None:
    try:
        part.rename(entry)
    except OSError:
        if entry.is_dir():
            raise FileExistsError(f"{entry} is another writer's") from None
        raise


def _is_entry(folder: Path) -> bool:
    """The folder may be one in which people keep showers of their own."""
    return bool(re.fullmatch(_NAME, folder.name))


def _is_part(folder: Path) -> bool:
    """What a writer left that died: the lock says that none is at work."""
    return bool(re.fullmatch(rf"{_NAME}\.[0-9a-f]{{8}}{re.escape(_PART)}", folder.name))
