"""The study store on a real SQLite file."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import optuna
import pytest

from metaopt.store.database import StudyStore, masked
from metaopt.store.study import StoredStudy
from metaopt.store.tables import LeaseRow
from metaopt.strategies.base import State
from search_spaces.errors import MissingExtraError, StoreError
from search_spaces.loader import load_space
from workers.trial import Outcome, Progress, TrialResult

POINT = {"rate": 0.5, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}
SPACE = load_space("toy")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/new/store.db"


@pytest.fixture
def study(url: str) -> StoredStudy:
    return StudyStore(url, create=True).create("s", {"strategy": "random"})


def progress(epoch: int, score: float) -> Progress:
    return Progress(epoch, score, {"energy": 0.5}, {"real_fake": 0.7}, 1.0, 100)


def run(study: StoredStudy, result: TrialResult, proposal: int = 0, pruned: bool = False) -> int:
    number = study.start(SPACE, POINT, proposal, {"parents": "1, 2"})
    study.report(number, progress(1, 1.5))
    study.finish(number, result, pruned)
    return number


def test_a_complete_trial_reads_back_whole(study: StoredStudy) -> None:
    result = TrialResult(
        Outcome.COMPLETE, 1.25, 0.02, {"energy": 0.5}, {"ms_per_shower": 3.0}, "", 2, 200, 4.5
    )
    run(study, result)
    (trial,) = study.trials()
    assert trial.complete and trial.score == 1.25 and trial.error == 0.02
    assert trial.point == POINT and trial.rungs == ((1, 1.5),) and trial.note == {"parents": "1, 2"}
    assert trial.groups == {"energy": 0.5} and trial.metrics == {"ms_per_shower": 3.0}
    assert trial.epochs == 2 and trial.seconds == 4.5 and trial.proposal == 0
    (epoch,) = study.epochs(0)
    assert epoch["losses"] == {"real_fake": 0.7} and epoch["score"] == 1.5


def test_plain_optuna_reads_the_study(study: StoredStudy, url: str) -> None:
    run(study, TrialResult(Outcome.COMPLETE, 1.25, groups={"energy": 0.5}))
    plain = optuna.load_study(study_name="s", storage=url)
    assert plain.best_value == 1.25 and plain.best_params == POINT
    assert plain.trials[0].intermediate_values == {1: 1.5}
    assert plain.trials[0].user_attrs["L_energy"] == 0.5


def test_what_strategies_see(study: StoredStudy) -> None:
    run(study, TrialResult(Outcome.COMPLETE, 1.2), 0)
    run(study, TrialResult(Outcome.STOPPED, 1.5), 1, pruned=True)
    run(study, TrialResult(Outcome.FAILED, 2.8, reason="NaN"), 2)
    run(study, TrialResult(Outcome.LOST, reason="killed"), 3)
    run(study, TrialResult(Outcome.STOPPED, 1.5), 4)
    seen = [t.observation for t in study.trials()]
    assert [(o.state, o.score) for o in seen if o] == [
        (State.COMPLETE, 1.2), (State.PRUNED, 1.5), (State.FAILED, 2.8),
    ]  # fmt: skip
    assert [t.repeatable for t in study.trials()] == [False, False, False, True, True]


def test_a_lost_trial_is_repeated_three_times_at_most(study: StoredStudy) -> None:
    previous = None
    for attempt in (1, 2, 3):
        number = study.start(SPACE, POINT, 0, {}, previous)
        previous = study.finish(number, TrialResult(Outcome.LOST, reason="killed"))
        assert previous.attempt == attempt
        assert previous.repeatable == (attempt < 3)
    assert study.trials()[2].retry_of == 1


def test_a_trial_left_behind_reads_as_interrupted(study: StoredStudy, url: str) -> None:
    study.start(SPACE, POINT, 5, {})
    again = StudyStore(url).study("s")
    again.abandon(again.trials()[0])
    (trial,) = again.trials()
    assert trial.outcome == "interrupted" and trial.repeatable and trial.proposal == 5


def test_a_second_controller_is_refused_until_the_lease_ends(study: StoredStudy, url: str) -> None:
    study.hold("first")
    other = StudyStore(url).study("s")
    with pytest.raises(StoreError, match=f"being run by process {os.getpid()}"):
        other.hold("second")
    study.hold("first")  # renewing is no second
    study.release("first")
    other.hold("second")


@pytest.mark.parametrize("change", ["expires", "pid"])
def test_a_dead_controllers_lease_is_taken_over(study: StoredStudy, url: str, change: str) -> None:
    study.hold("first")
    store = StudyStore(url)
    with store.session() as session:
        row = session.get(LeaseRow, "s")
        assert row is not None
        if change == "expires":
            row.expires = time.time() - 1
        else:
            row.pid = 2**22 + 1  # above any process id
        session.commit()
    store.study("s").hold("second")


def test_a_missing_study_is_answered_with_the_nearest(study: StoredStudy, url: str) -> None:
    assert study.name == "s"
    with pytest.raises(StoreError, match=r"no study 'ss'.*did you mean 's'"):
        StudyStore(url).study("ss")


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("sqlite:///{tmp}/none.db", "no study store"),
        ("sqlite:///{tmp}", "is a folder"),
        ("sqlite:///{tmp}/text.db", "file is not a database"),
        ("results/metaopt.db", "a storage URL reads like"),
        ("nosuch://host/db", "cannot be used|not installed"),
    ],
)
def test_a_store_that_does_not_open(tmp_path: Path, url: str, rule: str) -> None:
    (tmp_path / "text.db").write_text("this is not a database, but a text of some length" * 10)
    with pytest.raises((StoreError, MissingExtraError), match=rule):
        StudyStore(url.format(tmp=tmp_path))


def test_passwords_are_not_shown() -> None:
    assert "secret" not in masked("postgresql+psycopg://me:secret@host/db")
    assert "secret" not in masked("postgresql+psycopg://me:secret")


def test_the_dashboard_may_read_while_we_write(study: StoredStudy, url: str) -> None:
    run(study, TrialResult(Outcome.COMPLETE, 1.0))
    path = url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
