"""Storage URLs: read in one place, and never shown with a password."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from metaopt.store import PASSWORD_VARIABLE, with_home
from search_spaces.errors import StoreError

#: What a password is replaced by.
HIDDEN = "***"


def parse(url: str) -> URL:
    """The parts of a storage URL; a password may come from ``METAOPT_STORAGE_PASSWORD``.

    Raises:
        StoreError: it is none. The text does not repeat it: it may hold a password.
    """
    parsed = _read(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError(
            "a study store must be a file, got SQLite in memory, which ends with the command; "
            "give sqlite:///results/metaopt.db"
        )
    password = os.environ.get(PASSWORD_VARIABLE)
    if password and parsed.username and parsed.password is None:
        return parsed.set(password=password)
    return parsed


def masked(url: str) -> str:
    """The URL without its passwords: the only form that is ever shown."""
    try:
        parsed = _read(url)
    except StoreError:  # a port that is no number, two '@'
        return "the given storage URL"
    for key in parsed.query:
        if _secret(key):
            parsed = parsed.update_query_dict({key: HIDDEN})
    return parsed.render_as_string(hide_password=True).replace(quote(HIDDEN), HIDDEN)


def _read(url: str) -> URL:
    # SQLAlchemy ends the password at the first '@', and the rest would be shown as a host.
    if url.partition("://")[2].partition("?")[0].count("@") > 1:
        raise StoreError(
            "a storage URL must have one '@' at most, between password and host; in the "
            f"password write it as %40, or give the password in {PASSWORD_VARIABLE}"
        )
    try:
        return make_url(with_home(url))
    except (ArgumentError, ValueError):
        # Without its cause, whose text may hold a piece of the URL.
        raise StoreError(
            "a storage URL reads like sqlite:///results/metaopt.db or "
            "postgresql+psycopg://user@host/database; the given one is neither"
        ) from None


def apart(url: str) -> tuple[str, str]:
    """The URL without its password, and the password or an empty text.

    Raises:
        StoreError: it is none, or its query holds a password.
    """
    parsed = parse(url)
    if any(_secret(key) for key in parsed.query):
        raise StoreError(
            "a storage URL that is sent elsewhere must not hold a password in its query, got "
            f"{masked(url)}; give the password in {PASSWORD_VARIABLE}"
        )
    bare = parsed._replace(password=None)  # .set(password=None) would change nothing
    return bare.render_as_string(hide_password=False), str(parsed.password or "")


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite store; None of a server's.

    Raises:
        StoreError: the URL is none.
    """
    parsed = parse(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def scrubbed(text: str, url: str) -> str:
    """A text of a driver without the URL's passwords, in any spelling."""
    for password in _passwords(parse(url)):
        spellings = {password, quote(password), quote(password, safe=""), quote_plus(password)}
        for spelling in spellings:
            text = text.replace(spelling, HIDDEN)
    return text


def is_there(url: str) -> bool:
    """Whether the store can be expected to exist: false only for an absent SQLite file."""
    file = sqlite_file(url)
    return file is None or file.exists()


def _passwords(url: URL) -> Iterator[str]:
    if url.password:
        yield str(url.password)
    for key, value in url.query.items():
        if _secret(key):
            yield from (value,) if isinstance(value, str) else value


def _secret(key: str) -> bool:
    """Whether a key of the query holds a password, such as libpq's password, sslpassword."""
    return re.search("password|passwd|pwd|secret|token", key, re.IGNORECASE) is not None
