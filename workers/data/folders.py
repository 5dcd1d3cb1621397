"""Folders that the workers of a machine share: made for one user, and locked for one writer."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Days without use after which what was kept for later may be removed.
KEPT_DAYS = 7


def temporary(what: str) -> Path:
    """This user's folder among the machine's temporary files; ``TMPDIR`` says where these are."""
    return Path(tempfile.gettempdir()) / f"metaopt-{what}-{os.getuid()}"


def make_private(folder: Path) -> None:
    """Make a folder in which nobody else may write.

    Raises:
        PermissionError: it is there, and another user's.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "belongs to another user")


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Wait for the folder's other writers; false where the file system has no locks.

    The kernel opens the lock of a writer that died.
    """
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            alone = True
        except OSError:
            alone = False
        yield alone


def remove_unused(place: Path, ours: Callable[[Path], bool], days: float = KEPT_DAYS) -> None:
    """Remove the folders in a place that nobody has used for so many days.

    Args:
        place: any folder; it may be one in which people keep files of their own.
        ours: whether metaopt made a folder; others stay.
        days: without use.
    """
    oldest = time.time() - days * 86400
    for entry in place.iterdir():
        with suppress(FileNotFoundError):  # another process removes or renames as well
            made = entry.is_dir() and not entry.is_symlink() and ours(entry)
            if made and _last_use(entry) < oldest:
                shutil.rmtree(entry, ignore_errors=True)


def _last_use(folder: Path) -> float:
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
