"""A stored study, on real SQLite files and a real PostgreSQL server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from metaopt.store.database import StudyStore
from metaopt.store.records import view_of
from metaopt.store.study import StoredStudy
from metaopt.strategies.base import State
from search_spaces.errors import StoreError
from search_spaces.loader import load_space
from workers.trial import Outcome, Progress, TrialResult

from ....optuna_store import opened

POINT = {"rate": 0.5, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}
SPACE = load_space("toy")
ENDS = (TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED)

Open = Callable[[str], StudyStore]


@pytest.fixture
def study(storage: str, open_store: Open) -> StoredStudy:
    return open_store(storage).create("s", {"strategy": "random"})


def progress(epoch: int, score: float) -> Progress:
    return Progress(epoch, score, {"energy": 0.5}, {"real_fake": 0.7}, 1.0, 100)


def run(study: StoredStudy, result: TrialResult, proposal: int = 0, pruned: bool = False) -> int:
    number = study.start(SPACE, POINT, proposal, {"parents": "1, 2"})
    study.report(number, progress(1, 1.5))
    study.finish(number, result, pruned)
    return number


def test_a_complete_trial_reads_back_whole(study: StoredStudy) -> None:
    result = TrialResult(
        Outcome.COMPLETE,
        1.25,
        0.02,
        groups={"energy": 0.5},
        metrics={"ms_per_shower": 3.0},
        epochs=2,
        seconds=4.5,
    )
    run(study, result)
    (trial,) = study.trials()
    assert trial.complete and trial.score == 1.25 and trial.error == 0.02
    assert trial.point == POINT and trial.rungs == ((1, 1.5),) and trial.note == {"parents": "1, 2"}
    assert list(trial.point) == list(POINT)
    assert trial.groups == {"energy": 0.5} and trial.metrics == {"ms_per_shower": 3.0}
    assert trial.epochs == 2 and trial.seconds == 4.5 and trial.proposal == 0
    assert trial.started is not None and trial.finished is not None
    (epoch,) = study.epochs(0)
    assert epoch["losses"] == {"real_fake": 0.7} and epoch["score"] == 1.5


def test_a_new_study_has_nothing_of_a_deleted_one_of_its_name(
    study: StoredStudy, storage: str, open_store: Open
) -> None:
    for epoch in (1, 2):
        study.start(SPACE, POINT, 0, {})
        study.report(0, progress(epoch, 1.5))
    with opened(storage) as backend:
        optuna.delete_study(study_name="s", storage=backend)
    store = open_store(storage)
    run(other := store.create("other", {}), TrialResult(Outcome.COMPLETE, 1.25))
    again = store.create("s", {})
    for _ in range(2):
        run(again, TrialResult(Outcome.COMPLETE, 1.25))
    assert [epoch["epoch"] for epoch in again.epochs(0)] == [1]
    assert [epoch["epoch"] for epoch in other.epochs(0)] == [1]  # others keep theirs


def test_a_study_that_is_deleted_while_it_runs_is_told_of_in_one_line(
    study: StoredStudy, storage: str
) -> None:
    number = study.start(SPACE, POINT, 0, {})
    with opened(storage) as backend:
        optuna.delete_study(study_name="s", storage=backend)
    result = TrialResult(Outcome.COMPLETE, 1.25)
    for step in (
        lambda: study.go_on_in(Path("results")),
        lambda: study.start(SPACE, POINT, 1, {}),
        lambda: study.report(number, progress(1, 1.5)),
        lambda: study.finish(number, result),
    ):
        with pytest.raises(StoreError, match="somebody deleted it; the same command begins it"):
            step()


def test_a_study_of_plain_optuna_may_have_attributes_of_our_names(
    storage: str, open_store: Open
) -> None:
    def objective(trial: optuna.Trial) -> float:
        own: dict[str, Any] = {"note": "a person's", "seconds": "5", "m_kind": "fast", "m_auc": 0.5}
        own |= dict.fromkeys(("proposal", "seed", "attempt", "retry_of", "epochs"), 1.5)
        own |= dict.fromkeys(("outcome", "reason"), 5)
        for name, value in own.items():
            trial.set_user_attr(name, value)
        return trial.suggest_float("x", 0, 1)

    store = open_store(storage)
    optuna.create_study(study_name="my study", storage=store.backend).optimize(objective, 2)
    (view,) = store.studies()
    assert view.counts == {"complete": 2} and view.best is None
    trial, _ = store.study("my study").trials()
    assert (trial.note, trial.seconds, trial.metrics) == ({}, 0.0, {"auc": 0.5})
    assert trial.score == trial.point["x"]
    assert (trial.proposal, trial.seed, trial.attempt, trial.retry_of) == (None, 0, 1, None)
    assert (trial.epochs, trial.outcome, trial.reason) == (0, "", "")


def test_a_trial_is_recorded_whole_as_it_starts(study: StoredStudy) -> None:
    first = study.finish(study.start(SPACE, POINT, 3, {}), TrialResult(Outcome.LOST))
    study.start(SPACE, POINT, 3, {"parents": "1"}, first, attempt=2, seed=7)
    trial = study.trials()[1]
    assert (trial.state, trial.proposal, trial.point) == ("running", 3, POINT)
    assert (trial.attempt, trial.retry_of, trial.seed) == (2, 0, 7)
    assert trial.note == {"parents": "1"}


def test_plain_optuna_reads_the_study(study: StoredStudy, storage: str) -> None:
    run(study, TrialResult(Outcome.COMPLETE, 1.25, groups={"energy": 0.5}))
    run(study, TrialResult(Outcome.STOPPED, 1.5), pruned=True)
    with opened(storage) as backend:
        plain = optuna.load_study(study_name="s", storage=backend)
        assert plain.best_value == 1.25 and plain.best_params == POINT
        assert plain.trials[0].intermediate_values == {1: 1.5} and plain.trials[1].value == 1.5
        assert plain.trials[0].user_attrs["L_energy"] == 0.5
        assert plain.trials[0].distributions == {
            "rate": optuna.distributions.FloatDistribution(0.01, 3.0, log=True),
            "fluctuation": optuna.distributions.FloatDistribution(0.0, 3.0),
            "sharpness": optuna.distributions.FloatDistribution(0.3, 3.0),
            "cells": optuna.distributions.CategoricalDistribution(("gamma", "smooth")),
        }


def test_what_strategies_see(study: StoredStudy) -> None:
    run(study, TrialResult(Outcome.COMPLETE, 1.2), 0)
    run(study, TrialResult(Outcome.STOPPED, 1.5), 1, pruned=True)
    # These two were told to stop at a rung, and ended by themselves.
    run(study, TrialResult(Outcome.FAILED, 2.8, reason="NaN"), 2, pruned=True)
    run(study, TrialResult(Outcome.LOST, reason="killed"), 3, pruned=True)
    run(study, TrialResult(Outcome.STOPPED, 1.5), 4)
    seen = [t.observation for t in study.trials()]
    assert [(o.state, o.score) for o in seen if o] == [
        (State.COMPLETE, 1.2), (State.PRUNED, 1.5), (State.FAILED, 2.8),
    ]  # fmt: skip
    assert [t.repeatable for t in study.trials()] == [False, False, False, True, True]
    assert [t.score for t in study.trials()] == [1.2, 1.5, 2.8, None, 1.5]
    assert [t.outcome for t in study.trials()] == ["", "", "failed", "lost", "interrupted"]
    assert [t.epochs for t in study.trials()] == [1] * 5


def test_a_trial_left_behind_reads_as_interrupted(
    study: StoredStudy, storage: str, open_store: Open
) -> None:
    number = study.start(SPACE, POINT, 5, {})
    for epoch in (1, 2):
        study.report(number, progress(epoch, 1.5))
    again = open_store(storage).study("s")
    for _ in range(2):  # an answer may be lost with the connection
        again.abandon(again.trials()[0])
    (trial,) = again.trials()
    assert trial.outcome == "interrupted" and trial.repeatable and trial.proposal == 5
    assert trial.epochs == 2


def test_what_is_repeated_after_a_lost_answer_is_recorded_once(study: StoredStudy) -> None:
    number = study.start(SPACE, POINT, 0, {})
    for _ in range(2):
        study.report(number, progress(1, 1.5))
    told = [study.finish(number, TrialResult(Outcome.COMPLETE, 1.25)) for _ in range(2)]
    assert told[0] == told[1] and told[0].complete
    assert len(study.epochs(number)) == 1 and len(study.trials()) == 1


def test_a_trial_that_another_controller_ended_is_not_told_again(
    study: StoredStudy, storage: str, open_store: Open, caplog: pytest.LogCaptureFixture
) -> None:
    number = study.start(SPACE, POINT, 0, {})
    other = open_store(storage).study("s")
    other.abandon(other.trials()[0])
    with pytest.raises(StoreError, match="another controller took the study over"):
        study.report(number, progress(1, 1.5))
    with pytest.raises(StoreError, match="ended by another controller"):
        study.finish(number, TrialResult(Outcome.COMPLETE, 1.25))
    assert study.trials()[0].outcome == "interrupted"
    assert not caplog.text  # it is no outage, to be waited for


def test_the_dashboard_may_read_while_we_write(tmp_path: Path, open_store: Open) -> None:
    open_store(f"sqlite:///{tmp_path}/store.db").create("s", {})
    connection = sqlite3.connect(f"{tmp_path}/store.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_trials_read_as_optuna_reads_them(storage: str, open_store: Open) -> None:
    """Whatever Optuna records: other programs' studies in the same database, odd numbers."""
    store = open_store(storage)
    other = optuna.create_study(study_name="other", storage=store.backend)
    rungs = [float("inf"), -float("inf"), float("nan"), 1e-300, 0.1 + 0.2]
    for number in range(3):
        trial = other.ask()
        trial.suggest_int("layers", 1, 4, log=True)
        trial.suggest_float("rate", 0.0, 1.0, step=0.25)
        trial.suggest_categorical("kind", ("a", None, 1.5, True))
        for step, value in enumerate(rungs):
            trial.report(value, step)
        trial.set_user_attr("S", number)
        other.tell(trial, (0.5, float("inf"), None)[number], state=ENDS[number])
    other.enqueue_trial({"rate": 0.5})
    run(store.create("s", {}), TrialResult(Outcome.COMPLETE, 1.25))
    for name, count in (("other", 4), ("s", 1)):
        read = [repr(trial) for trial in store.study(name).trials()]  # NaN equals nothing
        plain = optuna.load_study(study_name=name, storage=store.backend)
        assert read == [repr(view_of(t)) for t in plain.trials] and len(read) == count


def test_trials_that_ended_are_read_once_and_the_others_again(study: StoredStudy) -> None:
    numbers = [study.start(SPACE, POINT, k, {}) for k in range(3)]
    states = []
    for number in (1, 0, 2):
        states.append([t.state[0] for t in study.trials()])
        study.finish(numbers[number], TrialResult(Outcome.COMPLETE, 1.0))
    states.append([t.state[0] for t in study.trials()])
    assert states == [list("rrr"), list("rcr"), list("ccr"), list("ccc")]
    assert [t.number for t in study.trials()] == numbers
