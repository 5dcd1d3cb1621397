"""The lease of a study: one holder, also of processes that start at the same instant."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from metaopt.store import lease
from metaopt.store.database import StudyStore
from metaopt.store.lease import LEASE_SECONDS
from metaopt.store.tables import LeaseRow
from search_spaces.errors import StoreError

Open = Callable[[str], StudyStore]

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
    study.hold()  # renewing is no second
    study.release()
    other.hold()


@pytest.mark.parametrize("change", ["expires", "pid"])
def test_a_dead_controllers_lease_is_taken_over(
    storage: str, open_store: Open, change: str
) -> None:
    store = open_store(storage)
    store.create("s", {}).hold()
    dead(store, change)
    store.study("s").hold()


def dead(store: StudyStore, change: str) -> None:
    """Make it look as if the holder had died."""
    with store.session() as session:
        row = session.get(LeaseRow, "s")
        assert row is not None
        if change == "expires":
            row.expires = time.time() - LEASE_SECONDS
        else:
            row.pid = 2**22 + 1  # above any process id
        session.commit()


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
