"""Paths as users write them: with ``~`` for their folder, and patterns of data files."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from search_spaces.errors import ConfigError


def expanded(path: str) -> str:
    """The path with the user's folder for the ``~`` that it begins with."""
    # Path.expanduser raises for a "~" of nobody, which stays as it is.
    return os.path.expanduser(path)  # noqa: PTH111


def matches(pattern: str) -> list[str]:
    """The files that an entry of ``data.files`` means, as paths or URLs.

    Raises:
        ConfigError: there is none.
        DataError: a remote store cannot be asked, or a URL holds a secret.
    """
    if "://" in pattern:
        from workers.data import remote

        if not (urls := remote.matches(pattern)):
            raise ConfigError(f"data.files: no object matches {pattern!r}; check the URL")
        return urls
    path = expanded(pattern)
    # The name of a file may hold brackets. Path.glob takes no absolute pattern.
    found = [path] if Path(path).is_file() else sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    if not found:
        raise ConfigError(f"data.files: no file matches {pattern!r}; check the path")
    return [str(Path(f).resolve()) for f in found]
