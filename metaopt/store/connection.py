"""An open database: Optuna's storage, and sessions for our own tables beside it."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from metaopt.store.faults import explain
from metaopt.store.tables import Base
from metaopt.store.urls import masked, parse
from search_spaces.errors import MissingExtraError, StoreError

#: How long a writer waits for another one [s].
BUSY_SECONDS = 30
#: What libpq waits for: a connection, and the answer of a network that may be gone [s, ms].
PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
#: Openings of a new database when other processes make its tables at the same time.
ATTEMPTS = 20


class Connection:
    """A database, opened, with the tables of a study store.

    Args:
        url: a SQLAlchemy URL, such as ``sqlite:///results/metaopt.db``.
        create: whether a missing SQLite file (and its folder) is made.

    Raises:
        StoreError: the database cannot be opened, or is not one of ours.
        MissingExtraError: the database's driver is not installed.
    """

    def __init__(self, url: str, create: bool = False) -> None:
        self.url = url
        parsed = parse(url)
        logging.getLogger("optuna").setLevel(logging.WARNING)
        with self.explained():
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                _check_file(Path(parsed.database), create)
            self.storage = _open(parsed)

    def explained(self) -> AbstractContextManager[None]:
        """Turn a database error into one line without the password."""
        return explained(self.url)

    def session(self) -> Session:
        """A session on the database, for our own tables."""
        return Session(self.storage.engine)

    def close(self) -> None:
        """Give the connections back."""
        self.storage.remove_session()
        self.storage.engine.dispose()


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn an error of the database at a URL into one line without the password."""
    try:
        yield
    except ImportError as failure:
        raise MissingExtraError(
            f"{masked(url)} needs a database driver that is not installed; "
            "for postgresql+psycopg://: pip install 'metaopt[postgres]'"
        ) from failure
    except StoreError:
        raise
    except KeyError as failure:
        if "does not exist" not in str(failure):  # Optuna's word for what it does not find
            raise
        raise StoreError(
            f"the study store {masked(url)} has this study no more: somebody deleted it; the same "
            "command begins it anew"
        ) from failure
    except (SQLAlchemyError, OptunaError, sqlite3.Error, RuntimeError, OSError) as failure:
        raise explain(url, failure) from failure


def connect_arguments(url: URL) -> dict[str, Any]:
    """What the driver is told, unless the URL says it."""
    if url.get_backend_name() == "sqlite":
        told: dict[str, Any] = {"timeout": BUSY_SECONDS, "factory": _File}
    elif url.get_driver_name() in ("psycopg", "psycopg2"):
        told = dict(PATIENCE)
    else:
        told = {}
    return {key: value for key, value in told.items() if key not in url.query}


def _open(url: URL) -> RDBStorage:
    """Optuna's storage and our tables, made where they are missing."""
    for _ in range(ATTEMPTS):
        try:
            return _open_once(url)
        except (SQLAlchemyError, OptunaError) as failure:
            if not _made_meanwhile(failure):
                raise
            time.sleep(0.1)
    return _open_once(url)


def _open_once(url: URL) -> RDBStorage:
    storage = optuna_storage(url, connect_arguments(url))
    Base.metadata.create_all(storage.engine)
    return storage


def optuna_storage(url: URL, arguments: dict[str, Any]) -> RDBStorage:
    """Optuna's storage, made where it is missing; the driver is told the arguments."""
    text = url.render_as_string(hide_password=False)  # quoted: Optuna would format braces
    options = {"pool_pre_ping": True, "connect_args": arguments}
    return RDBStorage(text, engine_kwargs=options)


def _made_meanwhile(failure: Exception) -> bool:
    """Whether another process made the same tables, or their first rows, at the same time."""
    return isinstance(failure, IntegrityError) or "already exists" in str(failure)


def _check_file(path: Path, create: bool) -> None:
    if path.is_dir():
        raise StoreError(f"the study store {path} is a folder; name a file in it")
    if path.is_file():
        _check_owner(path)
        return
    if not create:
        raise StoreError(f"no study store {path}; `metaopt run` makes one, or give --storage")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise StoreError(
            f"{path.parent} cannot be made ({failure.strerror}); give another --storage"
        ) from failure


def _check_owner(path: Path) -> None:
    """Refuse another program's database before anything is written to it."""
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = sorted(name for (name,) in rows)
    if tables and "studies" not in tables:
        raise StoreError(
            f"{path} is the database of another program (with the table {tables[0]!r}); "
            "give a study store or a new file as --storage"
        )


class _File(sqlite3.Connection):
    """A SQLite file that the dashboard reads while the controller writes.

    Write-ahead logging allows that, and with synchronous=NORMAL a commit costs no disk
    flush: 12 times faster on a busy disk.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=NORMAL")

    def __del__(self) -> None:
        """Close; from Python 3.13 on, one that the garbage collector finds open is warned of."""
        with suppress(sqlite3.Error):
            self.close()
