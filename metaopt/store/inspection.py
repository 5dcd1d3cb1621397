"""What a database is, before anything is made in it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as SQLConnection
from sqlalchemy import create_engine, text
from sqlalchemy import inspect as inspector_of
from sqlalchemy.engine import URL

from metaopt.store.connection import (
    BUSY_SECONDS,
    connect_arguments,
    explained,
    optuna_storage,
)
from metaopt.store.database import StudyStore
from metaopt.store.tables import LeaseRow
from metaopt.store.urls import parse


@dataclass(frozen=True)
class StoreFacts:
    """A database.

    Attributes:
        kind: such as "sqlite 3.45" or "postgresql 17".
        schema: revision of the study store's tables; empty where there are none yet.
        studies: how many there are.
        file: of SQLite.
    """

    kind: str
    schema: str
    studies: int
    file: Path | None


def inspect(url: str) -> StoreFacts:
    """Look at a database that is there; one with our tables is opened, as `metaopt run` does.

    Raises:
        StoreError: it cannot be used.
        MissingExtraError: its driver is not installed.
    """
    parsed = parse(url)
    file = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
    if file is not None and not file.is_file():
        StudyStore(url).close()  # a folder: it says so
    # What we tell SQLite's driver has the file keep a write-ahead log from then on.
    arguments = connect_arguments(parsed) if file is None else {"timeout": BUSY_SECONDS}
    with explained(url):
        engine = create_engine(parsed, connect_args=arguments)
        try:
            with engine.connect() as connection:
                kind, schema, tables = _look(connection)
        finally:
            engine.dispose()
        if "studies" in tables and LeaseRow.__tablename__ not in tables:
            return StoreFacts(kind, schema, _studies_of_optuna(parsed, arguments), file)
    if "studies" not in tables and (file is None or not tables):
        return StoreFacts(kind, "", 0, file)
    with closing(StudyStore(url)) as store:
        return StoreFacts(kind, schema, len(store.names()), file)


def _studies_of_optuna(url: URL, arguments: dict[str, Any]) -> int:
    """How many studies plain Optuna made, in a database without our tables."""
    storage = optuna_storage(url, arguments)
    try:
        return len(storage.get_all_studies())
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _look(connection: SQLConnection) -> tuple[str, str, list[str]]:
    """Kind, schema and tables."""
    tables = inspector_of(connection).get_table_names()
    dialect = connection.dialect
    version = ".".join(map(str, (dialect.server_version_info or ())[:2]))
    known = "alembic_version" in tables
    schema = connection.scalar(text("SELECT version_num FROM alembic_version")) if known else ""
    return f"{dialect.name} {version}".strip(), schema or "", tables
