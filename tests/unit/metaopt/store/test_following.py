"""Looking on: what has changed, once, and who runs the study."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from metaopt.store import following, reading
from metaopt.store.database import StudyStore
from metaopt.store.lease import LEASE_SECONDS
from metaopt.store.sitting import Sitting
from metaopt.store.tables import LeaseRow
from search_spaces.loader import load_space
from workers.trial import Outcome, Progress, TrialResult

POINT = {"rate": 0.5, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}
SPACE = load_space("toy")
DONE = TrialResult(Outcome.COMPLETE, 1.25, 0.02, epochs=1, seconds=4.5)

Open = Callable[[str], StudyStore]


@pytest.mark.parametrize("few", [0, 200])
def test_an_ended_trial_is_read_once_whichever_ends_first(
    storage: str, open_store: Open, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FEW", few)
    store = open_store(storage)
    study = store.create("s", {})
    store.create("other", {}).start(SPACE, POINT, 0, {})
    looker = open_store(storage).study("s").following()

    def look() -> list[tuple[int, str]]:
        return [(trial.number, trial.state) for trial in looker.changed()]

    assert look() == []
    for proposal in range(3):
        study.start(SPACE, POINT, proposal, {})
    assert look() == look() == [(0, "running"), (1, "running"), (2, "running")]
    study.finish(1, DONE)
    assert look() == [(0, "running"), (1, "complete"), (2, "running")]
    study.report(2, Progress(1, 1.5, {}, {}, 1.0, 100))
    assert look() == [(0, "running"), (2, "running")]
    study.finish(0, DONE)
    study.start(SPACE, POINT, 3, {})
    assert look() == [(0, "complete"), (2, "running"), (3, "running")]
    study.finish(3, DONE)
    study.finish(2, DONE)
    assert look() == [(2, "complete"), (3, "complete")]
    assert look() == []


@pytest.mark.parametrize("after", ["PARAMETERS", "RUNGS"])
def test_a_trial_that_ends_while_it_is_read_is_whole_at_the_next_look(
    storage: str, open_store: Open, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = open_store(storage).create("s", {})
    study.start(SPACE, POINT, 0, {})
    looker, rows = open_store(storage).study("s").following(), reading._rows

    def ends_after(session: Any, source: Any, wanted: Any) -> Any:
        found = rows(session, source, wanted)
        if source is getattr(reading, after):
            monkeypatch.setattr(reading, "_rows", rows)
            study.finish(0, DONE)
        return found

    monkeypatch.setattr(reading, "_rows", ends_after)
    assert [trial.state for trial in looker.changed()] == ["running"]
    assert [(t.state, t.score, t.seconds) for t in looker.changed()] == [("complete", 1.25, 4.5)]


def test_the_holder_is_known_until_it_gives_the_lease_back(storage: str, open_store: Open) -> None:
    store = open_store(storage)
    study = store.create("s", {})
    study.returned()  # after an outage, one that only looks on takes no lease
    assert study.holder() is None
    study.hold()
    holder = study.holder()
    assert holder and holder.pid == os.getpid() and not holder.dead and holder.silent == 0
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    with store.session() as session:
        row = session.get(LeaseRow, "s")
        assert row is not None
        row.pid, row.expires = ended.pid, row.expires - LEASE_SECONDS - 100
        session.commit()
    holder = study.holder()
    assert holder and holder.dead and 99 < holder.silent < 160
    study.release()
    assert study.holder() is None


def test_a_run_is_recorded_and_read_by_older_versions(storage: str, open_store: Open) -> None:
    study = open_store(storage).create("s", {})
    assert study.sitting() is None
    sitting = Sitting("genetic", 60, 4, 1000.0, 3600.0)
    study.record_sitting(sitting)
    assert study.sitting() == sitting
    assert Sitting.of({**vars(sitting), "of a newer version": 1}) == sitting
