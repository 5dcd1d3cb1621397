"""What goes wrong with a database, in one line: the rule, the store, the remedy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from metaopt.store.urls import masked, scrubbed
from search_spaces.errors import StoreError

KEPT = "nothing recorded is lost, and the same command goes on"
#: Words of a database, in lower case, and what to do.
REMEDIES = {
    "database is locked": f"end the process that keeps it locked; {KEPT}",
    "readonly database": "let this user write the file and its folder, or give another --storage",
    "unable to open database file": (
        "let this user read and write the file and its folder, or give another --storage"
    ),
    "disk is full": f"make room on its disk; {KEPT}",
    "no space left": f"make room on the server's disk; {KEPT}",
    "disk i/o error": f"its disk may be full or broken: mend it; {KEPT}",
    "not a database": "give the file of a study store, or a new one",
    "malformed": "the file is damaged: bring back a copy, or give another --storage",
    "table schema": "install the version of Optuna that made it, or give another --storage",
    "no such column": "another program's database, or a damaged one: give another --storage",
    "no password supplied": (
        "name the user in the URL and give METAOPT_STORAGE_PASSWORD, or write ~/.pgpass"
    ),
    "password": "check user and password; METAOPT_STORAGE_PASSWORD and ~/.pgpass are read too",
    "does not exist": "make it (createdb), or check the URL",
    "permission denied": "let this database user create and write tables, or check the URL",
    "failed to resolve": f"check the host; {KEPT}",
    "already finished": "another controller took the study over; leave it to that one",
    "connection": f"start the server, or check host and port; {KEPT}",
}
OTHERWISE = "check the URL, the file and its permissions"


def explain(url: str, failure: BaseException) -> StoreError:
    """The error to raise for a failure of a database: one line, without the password."""
    cause = _origin(failure)
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    line = scrubbed(lines[0], url).rstrip(".")
    remedy = next((r for words, r in REMEDIES.items() if words in line.lower()), OTHERWISE)
    return StoreError(f"the study store {masked(url)} cannot be used: {line}; {remedy}")


def is_away(failure: BaseException) -> bool:
    """Whether a database server did not answer or dropped the connection.

    What a server calls operational passes: restarts, failovers, deadlocks, too many clients.
    SQLite's files do not: its busy timeout has passed by then.
    """
    return any(
        isinstance(cause, DBAPIError)
        and not isinstance(cause.orig, sqlite3.Error)
        and (cause.connection_invalidated or isinstance(cause, OperationalError | InterfaceError))
        for cause in _causes(failure)
    )


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__


def _origin(failure: BaseException) -> BaseException:
    """The database's own error, below SQLAlchemy's and Optuna's, which repeat the statement."""
    for cause in _causes(failure):
        if isinstance(cause, DBAPIError) and cause.orig is not None:
            return cause.orig
    return failure
