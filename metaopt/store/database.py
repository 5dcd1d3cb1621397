"""Opening a study store, and finding studies in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import RDBStorage
from sqlalchemy import delete
from sqlalchemy.orm import Session

import metaopt
from metaopt.store.connection import Connection
from metaopt.store.lease import Lease
from metaopt.store.study import DOCUMENT, StoredStudy
from metaopt.store.tables import EpochRow
from metaopt.store.urls import is_there, masked
from metaopt.store.views import StudyView
from search_spaces.errors import StoreError
from search_spaces.records import suggestion

__all__ = ["StudyStore", "is_there", "masked"]

#: The form of what is recorded of a study: counts up when an older metaopt cannot read it.
FORM = 1


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
        self._connection = Connection(url, create)

    @property
    def backend(self) -> RDBStorage:
        """The Optuna storage, for the dashboard."""
        return self._connection.storage

    def close(self) -> None:
        """Give the connections back."""
        self._connection.close()

    def names(self) -> list[str]:
        """Names of all studies, oldest first."""
        with self._connection.explained():
            return optuna.get_all_study_names(self.backend)

    def studies(self) -> list[StudyView]:
        """All studies."""
        return [self._load(name).view() for name in self.names()]

    def study(self, name: str) -> StoredStudy:
        """A study by name.

        Raises:
            StoreError: there is none, or a newer metaopt recorded it in another form.
        """
        names = self.names()
        if name not in names:
            hint = suggestion(name, names) if names else "there are none yet: `metaopt run`"
            raise StoreError(f"no study {name!r} in {masked(self._connection.url)}; {hint}")
        study = self._load(name)
        document = study.document
        form = document.get("form", 1)
        if form > FORM:
            raise StoreError(
                f"study {name!r} was recorded by metaopt {document['versions']['metaopt']} in "
                f"form {form}, and metaopt {metaopt.__version__} reads forms up to {FORM}; "
                "install that version, or give another --study"
            )
        return study

    def create(self, name: str, document: Mapping[str, Any]) -> StoredStudy:
        """A new study, with the record of what it is about.

        Raises:
            StoreError: another process made it meanwhile, or is about to.
        """
        lease = Lease(self._connection, name)
        lease.hold()  # until the record is written: a study without one is nobody's
        try:
            with self._connection.explained():
                study = self._make(name)
                self._forget_epochs(name)
                study.set_user_attr(DOCUMENT, {"form": FORM, **document})
                return StoredStudy(study, self._connection)
        finally:
            lease.release()

    def _make(self, name: str) -> optuna.Study:
        """A new study, or one whose maker died before it said what the study is about."""
        try:
            return optuna.create_study(study_name=name, storage=self.backend, direction="minimize")
        except DuplicatedStudyError:
            study = self._load(name)
            if not study.blank:
                raise StoreError(
                    f"study {name!r} was begun by another process a moment ago; wait for it, "
                    "and the same command goes on, or give another --study"
                ) from None
            return optuna.load_study(study_name=name, storage=self.backend)

    def _forget_epochs(self, name: str) -> None:
        """Remove what a study of that name has left that was deleted, as in the dashboard."""
        with self.session() as session:
            session.execute(delete(EpochRow).where(EpochRow.study == name))
            session.commit()

    def session(self) -> Session:
        """A session on the database, for our own tables."""
        return self._connection.session()

    def _load(self, name: str) -> StoredStudy:
        with self._connection.explained():
            study = optuna.load_study(study_name=name, storage=self.backend)
            return StoredStudy(study, self._connection)
