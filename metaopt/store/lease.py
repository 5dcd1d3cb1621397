"""The lease of a study: one controller at a time, whatever starts at the same instant."""

from __future__ import annotations

import os
import socket
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import delete, extract, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from metaopt.store.connection import Connection
from metaopt.store.tables import LeaseRow
from search_spaces.errors import StoreError

#: A controller that has not renewed its lease for this long is taken for dead [s].
LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class Holder:
    """Who drives a study.

    Attributes:
        host, pid: the process.
        silent: since when its lease has run out [s]; 0 while it is renewed, and where the
            process is seen to live: on this machine, busy with a long epoch of its own.
        dead: whether it is known to have died: of a process of this machine.
    """

    host: str
    pid: int
    silent: float
    dead: bool


class Lease:
    """The lease of the study of a name, which need not exist yet, for one controller."""

    def __init__(self, connection: Connection, study: str) -> None:
        self._connection = connection
        self._study = study
        self._owner = uuid.uuid4().hex
        #: When it was last taken or renewed [s]; None while it is not held.
        self._renewed: float | None = None

    def hold(self) -> None:
        """Take the lease, or renew it where it is time to.

        Raises:
            StoreError: another living controller holds it.
        """
        now = time.monotonic()
        if self._renewed is None or now - self._renewed > LEASE_SECONDS / 6:
            self._take()
            self._renewed = now

    def confirm(self) -> None:
        """Renew the lease if it is held, as after a time in which it may have been lost.

        Raises:
            StoreError: another living controller holds it now.
        """
        if self._renewed is not None:
            self._take()

    def _take(self) -> None:
        """Take or renew the lease.

        The change is one statement that names the holder it replaces, so that of two
        controllers that saw the same dead holder, or none, one gets the lease.

        """
        while True:
            with self._connection.explained(), self._connection.session() as session:
                row = session.get(LeaseRow, self._study)
                now = _now(session)
                if row is not None and row.owner != self._owner and _alive(row, now):
                    raise StoreError(
                        f"study {self._study!r} is being run by process {row.pid} on {row.host}; "
                        "wait for it, stop it, or give another --study"
                    )
                if self._replace(session, row, now):
                    return

    def holder(self) -> Holder | None:
        """Who has not given the lease back; None where nobody drives the study."""
        with self._connection.explained(), self._connection.session() as session:
            row = session.get(LeaseRow, self._study)
            if row is None:
                return None
            lives = _process_lives(row)
            seen = lives and row.host == socket.gethostname()
            silent = 0.0 if seen else max(_now(session) - row.expires, 0.0)
            return Holder(row.host, row.pid, silent, not lives)

    def release(self) -> None:
        """Give the lease back; one that cannot be given back ends by itself."""
        self._renewed = None
        ours = LeaseRow.study == self._study, LeaseRow.owner == self._owner
        with (
            suppress(StoreError),
            self._connection.explained(),
            self._connection.session() as session,
        ):
            session.execute(delete(LeaseRow).where(*ours))
            session.commit()

    def _replace(self, session: Session, row: LeaseRow | None, now: float) -> bool:
        """Whether the lease was as it was read, and is now this one's."""
        values = {
            "owner": self._owner,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "expires": now + LEASE_SECONDS,
        }
        if row is None:
            try:
                session.execute(insert(LeaseRow).values(study=self._study, **values))
            except IntegrityError:
                return False
            session.commit()
            return True
        unchanged = (
            LeaseRow.study == self._study,
            LeaseRow.owner == row.owner,
            LeaseRow.expires == row.expires,
        )
        session.rollback()  # SQLite changes nothing on an old view of the file
        changed = session.connection().execute(update(LeaseRow).where(*unchanged).values(**values))
        session.commit()
        return changed.rowcount == 1


def _now(session: Session) -> float:
    """Seconds since 1970: the server's, as clocks of machines that share one differ."""
    if session.get_bind().dialect.name != "postgresql":
        return time.time()
    return float(session.scalars(select(extract("epoch", func.clock_timestamp()))).one())


def _alive(row: LeaseRow, now: float) -> bool:
    """Whether the lease is in force: on this host, the holder's process can be asked."""
    return row.expires >= now and _process_lives(row)


def _process_lives(row: LeaseRow) -> bool:
    """Whether the holder's process may live: on another host, nothing says that it does not."""
    if row.host != socket.gethostname():
        return True
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
