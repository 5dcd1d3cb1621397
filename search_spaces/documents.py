"""TOML and JSON that a user gives, bounded: a file costs little, whoever wrote it.

::

    size      4 MB; the rest is not read
    depth     32 tables or lists within each other
    numbers   finite, whole ones within 64 bits
"""

from __future__ import annotations

import json
import math
import os
import re
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from search_spaces.errors import InputError

MAX_BYTES = 4_000_000
MAX_DEPTH = 32
#: What reading a damaged file raises, whichever library reads it: text, JSON, .npz or HDF5.
DAMAGE = (
    OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, RecursionError,
    MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip

#: More names joined by dots than tables may nest; the parser's time grows with their square.
_LONG_KEY = re.compile(rf"(?:\.[ \t]*+[^\s.,=\[\]{{}}#]++[ \t]*+){{{MAX_DEPTH}}}")


def read_toml(path: Path, error: type[InputError]) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        InputError: of the class ``error``: the file cannot be read, is not TOML (with the
            line), or breaks a bound of this module.
    """
    text = read_text(path, error)
    if _LONG_KEY.search(text):
        raise error(_too_deep(path))
    tables: dict[str, Any] = _parsed(tomllib.loads, text, path, "TOML", error)
    return tables


def read_json(path: Path, error: type[InputError]) -> Any:
    """The content of a JSON file.

    Raises:
        InputError: of the class ``error``: the file cannot be read, is not JSON (with the
            line), or breaks a bound of this module.
    """
    return _parsed(json.loads, read_text(path, error), path, "JSON", error)


def read_text(path: Path, error: type[InputError], most: int = MAX_BYTES) -> str:
    """The text of a file of at most so many bytes.

    Raises:
        InputError: of the class ``error``: no such file, too large, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)  # a device or a pipe has no size to be asked
            size = max(os.fstat(file.fileno()).st_size, len(content))
    except OSError as failure:
        raise error(f"{path}: cannot be read ({failure.strerror}); check the path") from failure
    if len(content) > most:
        raise error(
            f"{path}: must be at most {most / 1e6:g} MB of text, got {size / 1e6:.3g} MB; "
            "is it the right file?"
        )
    try:
        return content.decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as failure:
        raise error(
            f"{path}: must be UTF-8 text, got the byte 0x{content[failure.start]:02x} at "
            f"{failure.start}; save it as UTF-8, or is it another kind of file?"
        ) from failure


def _parsed(
    parse: Callable[[str], Any], text: str, path: Path, kind: str, error: type[InputError]
) -> Any:
    try:
        data = parse(text)
    except RecursionError as failure:
        raise error(_too_deep(path)) from failure
    except ValueError as failure:
        reason = str(failure).replace("Cannot overwrite a value", "this key stands there twice")
        raise error(f"{path}: not a {kind} file: {reason}; mend it there") from failure
    _check(data, path, error)
    return data


def _check(data: Any, path: Path, error: type[InputError]) -> None:
    """Raise ``error`` for a number that is none, or for data that nest too deep."""
    level = [("", data)]
    for _ in range(MAX_DEPTH + 1):
        for key, value in level:
            if isinstance(value, float) and not math.isfinite(value):
                raise error(f"{path}: {key} must be a finite number, got {value}; give one")
            if type(value) is int and not -(2**63) <= value < 2**63:
                raise error(f"{path}: {key} must fit in 64 bits, got a longer number; give one")
        level = [inner for key, value in level for inner in _inside(key, value)]
        if not level:
            return
    raise error(_too_deep(path))


def _inside(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"{key}.{name}" if key else str(name), v) for name, v in value.items())
    elif isinstance(value, list):
        yield from ((f"{key}[{i}]", v) for i, v in enumerate(value))


def _too_deep(path: Path) -> str:
    return f"{path}: tables and lists must nest at most {MAX_DEPTH} deep, got more; flatten them"
