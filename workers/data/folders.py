"""Folders that the workers of a machine share: made for one user, and locked for one writer."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
