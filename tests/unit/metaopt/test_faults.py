"""Whose fault it is that trials fail, and when it is useless to go on."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metaopt.agenda import Assignment
from metaopt.config import TrialTable
from metaopt.failures import MAX_LOST_IN_A_ROW, Failures
from metaopt.running import Running
from metaopt.store.views import MAX_ATTEMPTS, TrialView
from objectives.objective import WORST
from search_spaces.errors import DataError, ExecutorError, TrialFailedError
from workers.trial import NEVER_BEGAN, WORKER_DIED, Outcome, TrialResult

LOST = TrialResult(Outcome.LOST, reason="MemoryError: big", suspect=True)
FAILED, INTERRUPTED = "failed", "interrupted"


def ended(failures: Failures, *outcomes: str) -> type[Exception] | None:
    """What a run fails with after trials that ended as told: "further" is a new epoch of one."""
    for outcome in outcomes:
        state = outcome if outcome in ("complete", "pruned") else "fail"
        trial = TrialView(0, state, "" if state != "fail" else outcome, {}, 0, reason="why")
        if outcome == "further":
            failures.came_further()
        else:
            failures.ended(trial, lost=outcome == "lost")
    return None if failures.failure is None else type(failures.failure)


def test_workers_lost_in_a_row_end_a_run() -> None:
    five = ["lost"] * (MAX_LOST_IN_A_ROW - 1)
    assert ended(Failures(3), *five) is None
    for between in ("further", "complete", INTERRUPTED):
        assert ended(Failures(3), *five, between, *five) is None
        assert ended(Failures(3), *five, between, *five, "lost") is ExecutorError


def test_configurations_that_fail_in_a_row_end_a_run() -> None:
    assert ended(Failures(3), FAILED, FAILED) is None
    for between in ("complete", "pruned"):
        assert ended(Failures(3), FAILED, FAILED, between, FAILED, FAILED) is None
    for between in ("lost", INTERRUPTED, "further"):
        assert ended(Failures(3), FAILED, FAILED, between) is None
        assert ended(Failures(3), FAILED, FAILED, between, FAILED) is TrialFailedError
    # A worker that was lost too often is told as the configuration's failure: it counts once.
    failures = Failures(1)
    failures.ended(TrialView(0, "fail", FAILED, {}, 0), lost=True)
    assert failures.failure is None


def test_the_first_failure_is_kept() -> None:
    failures = Failures(1)
    failures.unreadable("disk full")
    assert ended(failures, FAILED) is DataError
    assert str(failures.failure) == (
        "disk full. The study is kept: mend this, and the same command resumes the study"
    )


def running(**changes: Any) -> Running:
    assignment = Assignment({"x": 1.0}, 0, **changes)
    return Running(assignment, Path("checkpoint"))


def before(outcome: str, reason: str) -> TrialView:
    return TrialView(0, "fail", outcome, {}, 0, reason=reason)


def test_a_lost_trial_fails_once_its_attempts_are_used_up() -> None:
    assert running(attempt=MAX_ATTEMPTS - 1).judged(LOST) == LOST
    failed = running(attempt=MAX_ATTEMPTS, epochs=4).judged(LOST)
    assert failed == replace(
        LOST,
        outcome=Outcome.FAILED,
        score=WORST,
        reason="3 attempts ended after epoch 4: MemoryError: big",
    )
    unfit = replace(LOST, reason=f"{NEVER_BEGAN}: no such folder")
    assert running(attempt=MAX_ATTEMPTS).judged(unfit) == unfit
    for epoch, outcome in ((4, Outcome.FAILED), (5, Outcome.LOST)):
        trial = running(attempt=MAX_ATTEMPTS, epochs=4)
        trial.rungs.append((epoch, 1.0))
        assert trial.judged(LOST).outcome is outcome


def test_the_same_exception_twice_is_the_configurations_own() -> None:
    def outcome(result: TrialResult, *known: str) -> Outcome:
        return running(attempt=2, before=before(*known)).judged(result).outcome

    assert outcome(LOST, "lost", LOST.reason) is Outcome.FAILED
    assert outcome(LOST, "lost", "another") is Outcome.LOST
    assert outcome(LOST, INTERRUPTED, LOST.reason) is Outcome.LOST
    assert outcome(replace(LOST, suspect=False), "lost", LOST.reason) is Outcome.LOST


@pytest.mark.parametrize(
    ("begun", "heard", "ends"),
    [
        (9, 0, None),
        (11, 0, TrialResult(Outcome.FAILED, WORST, reason="took longer than trial.time_limit")),
        (0, 59, None),
        (0, 61, TrialResult(Outcome.LOST, reason=f"{WORKER_DIED}: silent for trial.silence_limi")),
    ],
)
def test_a_trial_that_hangs_or_takes_too_long_is_over(
    begun: float, heard: float, ends: TrialResult | None
) -> None:
    trial, now = running(), time.monotonic()
    trial.started, trial.heard = now - begun, now - heard
    found = trial.past(TrialTable(time_limit="10s", silence_limit="1m"))
    assert (found is None) == (ends is None)
    if found is not None and ends is not None:
        assert (found.outcome, found.score) == (ends.outcome, ends.score)
        assert found.reason.startswith(ends.reason)
        trial.overdue = found
        assert trial.judged(TrialResult(Outcome.LOST, reason="killed")) == found
    assert trial.past(TrialTable(silence_limit="")) is None
