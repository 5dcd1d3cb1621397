"""Opening a study store, and finding studies in it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from metaopt.store.study import DOCUMENT, StoredStudy
from metaopt.store.tables import Base
from metaopt.store.views import StudyView
from search_spaces.errors import MissingExtraError, StoreError
from search_spaces.records import suggestion

#: How long a writer waits for another one [s].
BUSY_SECONDS = 30


def masked(url: str) -> str:
    """The URL without its password: the only form that is ever shown."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):  # a port that is no number
        return "the given storage URL"


class StudyStore:
    """A database of studies.

    Args:
        url: a SQLAlchemy URL, such as ``sqlite:///results/metaopt.db``.
        create: whether a missing SQLite file (and its folder) is made.

    Raises:
        StoreError: the database cannot be opened, or is not one.
        MissingExtraError: the database's driver is not installed.
    """

    def __init__(self, url: str, create: bool = False) -> None:
        self.url = url
        parsed = _parse(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database:
            _check_file(Path(parsed.database), create)
        logging.getLogger("optuna").setLevel(logging.WARNING)
        options = {"connect_args": {"timeout": BUSY_SECONDS}} if sqlite else {}
        with self._explained():
            self._storage = RDBStorage(url, engine_kwargs={"pool_pre_ping": True, **options})
            if sqlite:
                event.listen(self._storage.engine, "connect", _set_pragmas)
                self._storage.engine.dispose()  # connections made before the listener
            Base.metadata.create_all(self._storage.engine)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn a database error into one line without the password."""
        try:
            yield
        except (ImportError, ModuleNotFoundError) as failure:
            raise MissingExtraError(
                f"{masked(self.url)} needs a database driver that is not installed; "
                "pip install 'metaopt[postgres]'"
            ) from failure
        except (SQLAlchemyError, sqlite3.Error, RuntimeError, OSError) as failure:
            cause = getattr(failure, "orig", None) or failure
            line = (
                str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
            )
            raise StoreError(
                f"the study store {masked(self.url)} cannot be used: {line}; "
                "check the URL, the file and its permissions"
            ) from failure

    @property
    def backend(self) -> RDBStorage:
        """The Optuna storage, for the dashboard."""
        return self._storage

    def close(self) -> None:
        """Give the connections back."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def names(self) -> list[str]:
        """Names of all studies, oldest first."""
        with self._explained():
            return optuna.get_all_study_names(self._storage)

    def studies(self) -> list[StudyView]:
        """All studies."""
        return [self.study(name).view() for name in self.names()]

    def study(self, name: str) -> StoredStudy:
        """A study by name.

        Raises:
            StoreError: there is none.
        """
        names = self.names()
        if name not in names:
            hint = suggestion(name, names) if names else "there are none yet: `metaopt run`"
            raise StoreError(f"no study {name!r} in {masked(self.url)}; {hint}")
        with self._explained():
            study = optuna.load_study(study_name=name, storage=self._storage)
            return StoredStudy(study, self.session, self._explained)

    def create(self, name: str, document: Mapping[str, Any]) -> StoredStudy:
        """A new study, with the record of what it is about."""
        with self._explained():
            study = optuna.create_study(
                study_name=name, storage=self._storage, direction="minimize"
            )
            study.set_user_attr(DOCUMENT, dict(document))
            return StoredStudy(study, self.session, self._explained)

    def session(self) -> Session:
        """A session on the database, for our own tables."""
        return Session(self._storage.engine)


def is_there(url: str) -> bool:
    """Whether the store can be expected to exist: false only for an absent SQLite file."""
    parsed = _parse(url)
    absent = parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists()
    return not absent


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as failure:
        raise StoreError(
            "a storage URL reads like sqlite:///results/metaopt.db or "
            "postgresql+psycopg://user@host/database; the given one is neither"
        ) from failure


def _check_file(path: Path, create: bool) -> None:
    if path.is_dir():
        raise StoreError(f"the study store {path} is a folder; name a file in it")
    if not path.is_file():
        if not create:
            raise StoreError(f"no study store {path}; `metaopt run` makes one, or give --storage")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise StoreError(f"{path.parent} cannot be made ({failure.strerror})") from failure


def _set_pragmas(connection: sqlite3.Connection, _: object) -> None:
    # Write-ahead logging lets the dashboard read while the controller writes, and with
    # synchronous=NORMAL a commit costs no disk flush: 12 times faster on a busy disk.
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
