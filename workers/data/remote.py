"""Showers behind a URL: fetched once per machine, and read from there like any other file.

A copy lies in the folder ``METAOPT_CACHE``, by default among the machine's temporary files,
in a folder of its own for each URL. Its name is a digest of what the store says of the
object (size, ETag, time of change): an object that has changed is fetched again. It is
written under another name, and gets its own when it is whole; a lock makes workers that
start together wait for one of them, and the next one goes on where a dead one ended.

A URL never holds a password or a signature, so that it can stand in every record of a
study; stores take those from the environment or from files of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

from search_spaces.errors import DataError, MissingExtraError
from workers.data.folders import locked, make_private, remove_unused, temporary

#: Environment variable with the folder of copies.
CACHE_VARIABLE = "METAOPT_CACHE"
#: Packages that read a protocol beside fsspec's own ones.
PACKAGES = {
    "abfs": "adlfs",
    "gs": "gcsfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "root": "fsspec-xrootd",
    "s3": "s3fs",
    "webdav": "webdav4[fsspec]",
}
#: Bytes that are asked for at once.
BLOCK = 8 * 2**20
#: For so long a copy is taken for the present one without a question to the store [s].
FRESH_SECONDS = 600.0
#: What stores say of an object that changes with it.
_CHANGING = (
    *("size", "ETag", "etag", "Content-MD5", "Last-Modified", "LastModified"),
    *("last_modified", "mtime", "created", "updated"),
)
#: What a copy's folder holds.
_FILES = re.compile(r"lock|[0-9a-f]{16}(\.h5|(\.[0-9a-f]{8})?\.part)")
#: Keys of a URL's query that carry the right to read; XRootD's and dCache's is "authz".
_SECRET = re.compile(
    "secret|signature|token|password|credential|(access|api).?key|authz|bearer|macaroon|^sig$",
    re.IGNORECASE,
)


def is_remote(name: str) -> bool:
    """Whether a file's name is the URL of a remote one."""
    return "://" in name and not name.startswith("file://")


def local_path(name: str) -> Path:
    """A file of this machine with the contents of a file or URL.

    Raises:
        DataError: the object cannot be had, or there is no room for it.
        MissingExtraError: the protocol's package is not installed.
    """
    return _copy(name) if is_remote(name) else Path(name.removeprefix("file://"))


def matches(pattern: str) -> list[str]:
    """The URLs that a pattern with ``*``, ``?`` or ``[`` matches, sorted; others as they are.

    Raises:
        DataError: the store cannot be asked.
        MissingExtraError: the protocol's package is not installed.
    """
    _check(pattern)
    if not re.search(r"[*[]|\?(?!\w+=)", pattern):
        return [pattern]
    store, path = _store(pattern)
    with _asking(pattern):
        return sorted(str(store.unstrip_protocol(found)) for found in store.glob(path))


def _copy(url: str) -> Path:
    _check(url)
    try:
        folder = _folder() / hashlib.sha256(url.encode()).hexdigest()[:16]
        folder.mkdir(exist_ok=True)
        with locked(folder) as alone:
            return _present(folder) or _newest(url, folder, alone)
    except ConnectionError as failure:
        raise DataError(f"{url}: {failure}; the same command goes on when it does") from failure
    except OSError as failure:
        raise DataError(
            f"{url}: cannot be kept on this machine ({failure.strerror or failure}); free some "
            f"space, or set {CACHE_VARIABLE} to a folder with room, now {_place()}"
        ) from failure


def _place() -> Path:
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser().resolve() if given else temporary("fetched")


def _folder() -> Path:
    place = _place()
    if CACHE_VARIABLE in os.environ:
        place.mkdir(parents=True, exist_ok=True)
    else:
        make_private(place)
    return place


# -- what is there ------------------------------------------------------------------------


def _present(folder: Path) -> Path | None:
    """The copy that was compared with its object not long ago."""
    copy = _last(folder)
    if copy is None or time.time() - copy.stat().st_mtime > FRESH_SECONDS:
        return None
    return copy


def _last(folder: Path) -> Path | None:
    copies = sorted(folder.glob("*.h5"), key=lambda p: p.stat().st_mtime)
    return copies[-1] if copies else None


def _newest(url: str, folder: Path, alone: bool) -> Path:
    """The copy of the object as it is now, fetched where there is none."""
    try:
        store, path = _store(url)
        with _asking(url):
            about = store.info(path)
    except ConnectionError:
        if (copy := _last(folder)) is not None:
            return copy  # a study goes on while its store is out of reach
        raise
    copy = folder / f"{_version(about)}.h5"
    if not copy.exists():
        remove_unused(folder.parent, _is_ours)
        _fetch(url, copy, about.get("size"), alone)
        for older in folder.glob("*.h5"):
            if older != copy:
                older.unlink(missing_ok=True)
    os.utime(copy)
    return copy


def _version(about: Mapping[str, Any]) -> str:
    known = {key: str(about[key]) for key in _CHANGING if about.get(key) is not None}
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def _is_ours(folder: Path) -> bool:
    """``METAOPT_CACHE`` may be a folder in which people keep files of their own."""
    files = [file.name for file in folder.iterdir()]
    named = re.fullmatch("[0-9a-f]{16}", folder.name) is not None
    return named and bool(files) and all(map(_FILES.fullmatch, files))


# -- fetching -----------------------------------------------------------------------------


def _fetch(url: str, copy: Path, size: int | None, alone: bool) -> None:
    store, path = _store(url)
    # Where a file system has no locks, another worker may be at the same part.
    part = copy.with_suffix(".part" if alone else f".{secrets.token_hex(4)}.part")
    with part.open("ab") as target:
        if size is not None and target.tell() > size:
            target.truncate(0)
        with _asking(url):
            source = store.open(path, "rb", block_size=BLOCK)
        with source:
            _go_on(source, target)
            while block := _read(url, source):
                target.write(block)
        target.flush()
        os.fsync(target.fileno())
    got = part.stat().st_size
    if size is not None and got != size:
        raise DataError(f"{url}: must give {size} bytes, got {got}; run again to go on")
    part.rename(copy)


def _go_on(source: BinaryIO, target: BinaryIO) -> None:
    """Begin where the last attempt ended, if the store can give the rest alone."""
    try:
        if target.tell():
            source.seek(target.tell())
    except (OSError, ValueError):
        target.truncate(0)


def _read(url: str, source: BinaryIO) -> bytes:
    with _asking(url):
        return source.read(BLOCK)


def _store(url: str) -> tuple[Any, str]:
    import fsspec

    protocol = urlsplit(url).scheme
    try:
        store, path = fsspec.core.url_to_fs(url)
    except ImportError as failure:
        package = PACKAGES.get(protocol, f"a package for fsspec's {protocol}")
        raise MissingExtraError(
            f"{url}: {protocol}:// needs a package that is not installed; pip install {package}"
        ) from failure
    except ValueError as failure:
        raise DataError(
            f"{url}: the protocol must be one of fsspec's (s3, root, https, gs, ...), got "
            f"{protocol}; check the URL"
        ) from failure
    return store, path


@contextmanager
def _asking(url: str) -> Iterator[None]:
    """Each store raises errors of its own.

    Raises:
        DataError: there is no such object, or no right to read it.
        ConnectionError: anything else.
    """
    try:
        yield
    except Exception as outer:
        failure = _reason(outer)
        if isinstance(failure, FileNotFoundError):
            raise DataError(f"{url}: no such object; check the URL") from failure
        if isinstance(failure, PermissionError) or _status(failure) in (401, 403):
            raise DataError(
                f"{url}: no permission to read it; set the credentials of its store, such as "
                "AWS_ACCESS_KEY_ID or a proxy certificate, in the environment of every worker"
            ) from failure
        reason = (str(failure).strip().splitlines() or [""])[0]
        text = f"its store must answer, got {type(failure).__name__} {reason}".rstrip()
        raise ConnectionError(text) from failure


def _reason(failure: BaseException) -> BaseException:
    """What is behind "not found", which is all that fsspec's HTTP store says of any failure."""
    cause = failure.__cause__
    if not isinstance(failure, FileNotFoundError) or cause is None:
        return failure
    other = isinstance(cause, OSError) or _status(cause) not in (None, 404)
    return _reason(cause) if other else failure


def _status(failure: BaseException) -> int | None:
    with suppress(AttributeError):
        return int(failure.status)  # type: ignore[attr-defined]
    return None


def _check(url: str) -> None:
    """Raise :class:`DataError` where a URL would carry a secret into the records."""
    parts = urlsplit(url)
    if parts.password or any(_SECRET.search(key) for key, _ in parse_qsl(parts.query)):
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise DataError(
            f"{place}: a data URL must have no password, token or signature, since a study "
            "records it; leave it out, and give it to the store's package by the environment"
        )
