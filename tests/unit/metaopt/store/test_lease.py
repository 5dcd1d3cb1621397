"""The lease of a study: one holder, also of processes that start at the same instant."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from metaopt.store import lease
from metaopt.store.database import StudyStore
from metaopt.store.lease import LEASE_SECONDS
from metaopt.store.tables import LeaseRow
from search_spaces.errors import StoreError

Open = Callable[[str], StudyStore]

#: Above any process id.
NOBODY = 2**22 + 1

Contenders = list[subprocess.Popen[str]]

#: Opens the store named by each line, makes or finds study s, and wants to run it.
CONTENDER = """
import sys
from metaopt.store.database import StudyStore
from search_spaces.errors import StoreError
print("ready", flush=True)
for line in sys.stdin:
    url, task = line.split()
    store = StudyStore(url, create=True)
    try:
        study = store.create("s", {}) if task == "create" else store.study("s")
        study.hold()
        print("holds", flush=True)
    except StoreError as failure:
        print(failure, flush=True)
    store.close()
"""


def test_a_second_controller_is_refused_until_the_lease_ends(
    storage: str, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = open_store(storage).create("s", {})
    study.hold()
    other = open_store(storage).study("s")
    with pytest.raises(StoreError, match=f"being run by process {os.getpid()}"):
        other.hold()
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.0)
    study.hold()  # renewing is no second, and this one ends at once
    monkeypatch.undo()
    other.hold()
    study.release()  # what it has lost is not its own to give back
    with pytest.raises(StoreError, match="being run by"):
        study.hold()


def test_a_dead_controllers_lease_is_taken_over(storage: str, open_store: Open) -> None:
    store = open_store(storage)
    store.create("s", {}).hold()
    # Nothing says that a process of another machine is dead, until its lease runs out.
    change(store, pid=NOBODY, host="elsewhere")
    with pytest.raises(StoreError, match=f"by process {NOBODY} on elsewhere"):
        store.study("s").hold()
    dead(store, "expires")
    store.study("s").hold()
    dead(store, "pid")
    store.study("s").hold()


def dead(store: StudyStore, how: str) -> None:
    """Make it look as if the holder had died."""
    expires, pid = {"expires": time.time() - LEASE_SECONDS}, {"pid": NOBODY}
    change(store, **(expires if how == "expires" else pid))


def change(store: StudyStore, **to: Any) -> None:
    with store.session() as session:
        session.execute(update(LeaseRow).values(to))
        session.commit()


@pytest.mark.parametrize("held", [True, False])
def test_of_two_that_saw_the_same_holder_or_none_one_gets_the_study(
    storage: str, open_store: Open, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    store = open_store(storage)
    study = store.create("s", {})
    if held:
        study.hold()
        dead(store, "pid")
    first, second, now = store.study("s"), open_store(storage).study("s"), lease._now

    def between(session: Session) -> float:
        monkeypatch.setattr(lease, "_now", now)
        second.hold()
        return now(session)

    monkeypatch.setattr(lease, "_now", between)
    with pytest.raises(StoreError, match="being run by"):
        first.hold()
    second.release()
    first.hold()


@pytest.fixture(scope="module")
def contenders() -> Iterator[Contenders]:
    """Two processes that are about to start a study."""
    command = [sys.executable, "-c", CONTENDER]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        found = [
            stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
            for _ in range(2)
        ]
        for process in found:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield found
        for process in found:
            process.stdin.close()  # type: ignore[union-attr]


def test_of_controllers_that_start_at_the_same_instant_one_gets_the_study(
    storage: str, open_store: Open, contenders: Contenders
) -> None:
    """Also where the database is new to both, and where both see the same dead holder."""
    for turn in range(6):
        task = "create" if turn == 0 else "resume"
        for process in contenders:
            process.stdin.write(f"{storage} {task}\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        answers = sorted(p.stdout.readline().strip() for p in contenders)  # type: ignore[union-attr]
        held = answers.index("holds")
        other = answers[1 - held]
        assert "being run by process" in other or "begun by another process" in other
        dead(open_store(storage), "expires" if turn % 2 else "pid")
