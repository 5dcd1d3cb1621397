"""What a database is, before anything is made in it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection as SQLConnection
from sqlalchemy import create_engine, text
from sqlalchemy import inspect as inspector_of

from metaopt.store.connection import connect_arguments, explained
from metaopt.store.database import StudyStore
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
    """Look at a database that is there; a study store is opened, as `metaopt run` does.

    Raises:
        StoreError: it cannot be used.
        MissingExtraError: its driver is not installed.
    """
    parsed = parse(url)
    file = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
    if file is not None and not file.is_file():
        StudyStore(url).close()  # a folder: it says so
    with explained(url):
        engine = create_engine(parsed, connect_args=connect_arguments(parsed))
        try:
            with engine.connect() as connection:
                kind, schema, tables = _look(connection)
        finally:
            engine.dispose()
    if "studies" not in tables and (file is None or not tables):
        return StoreFacts(kind, "", 0, file)
    with closing(StudyStore(url)) as store:
        return StoreFacts(kind, schema, len(store.names()), file)


def _look(connection: SQLConnection) -> tuple[str, str, list[str]]:
    """Kind, schema and tables."""
    tables = inspector_of(connection).get_table_names()
    dialect = connection.dialect
    version = ".".join(map(str, (dialect.server_version_info or ())[:2]))
    known = "alembic_version" in tables
    schema = connection.scalar(text("SELECT version_num FROM alembic_version")) if known else ""
    return f"{dialect.name} {version}".strip(), schema or "", tables
