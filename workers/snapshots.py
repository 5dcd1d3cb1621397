"""Folders ``epoch-0003`` of a saved state: each is whole, or as none.

A folder holds the model's own files and ``checkpoint.json``: what its writer says of it, and the
SHA-256 of each file. It is written beside and renamed once all of it is on the disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from search_spaces.documents import read_text
from search_spaces.errors import DataError

RECORD = "checkpoint.json"
#: Of a record: some kilobytes for each epoch [bytes].
MAX_RECORD = 256 * 2**20
_PREFIX = "epoch-"


def of_epoch(place: Path, epoch: int) -> Path:
    """The folder of the state after an epoch."""
    return place / f"{_PREFIX}{epoch:04d}"


def newest_first(place: Path) -> list[Path]:
    """All folders of a place, that of the last epoch first."""
    found = {p: p.name.removeprefix(_PREFIX) for p in place.glob(f"{_PREFIX}*")}
    return sorted((p for p, n in found.items() if n.isdecimal()), key=lambda p: -int(found[p]))


def write(
    folder: Path, part: str, save: Callable[[Path], object], record: Mapping[str, Any]
) -> None:
    """Write a state.

    Args:
        folder: in which it is to be.
        part: name of the folder beside it that it has meanwhile.
        save: writes the model's files to a folder.
        record: what is to be known of the state.
    """
    beside = folder.with_name(part)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    save(beside)
    files = {path.name: _digest(path) for path in sorted(beside.iterdir())}
    (beside / RECORD).write_text(json.dumps({**record, "files": files}), encoding="utf-8")
    for path in beside.iterdir():
        _sync(path)
    _sync_names(beside)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    _sync_names(folder.parent)


def keep(place: Path, kept: Collection[Path]) -> None:
    """Remove the other folders of a place."""
    for folder in newest_first(place):
        if folder not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def read(folder: Path) -> dict[str, Any]:
    """What is known of a state, all of whose files are as they were written.

    Raises:
        Exception: one of :data:`search_spaces.documents.DAMAGE`, if it is not whole.
    """
    record = dict(json.loads(read_text(folder / RECORD, DataError, MAX_RECORD)))
    for name, digest in dict(record["files"]).items():
        if _digest(folder / name) != digest:
            raise DataError(f"{folder / name}: must be as it was written; remove {folder}")
    return record


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Wait until a file, or what a folder holds, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_names(folder: Path) -> None:
    """The same of the names in a folder, where the file system knows how."""
    with suppress(OSError):
        _sync(folder)
