"""Failures by cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.failures import failure_table, failures
from metaopt.store.views import FAILED, LOST, TrialView

Make = Callable[..., TrialView]
Of = Callable[[Sequence[TrialView]], StudyFacts]


def test_causes_that_differ_in_numbers_are_one(trial: Make) -> None:
    reasons = ["loss is nan in epoch 2", "loss is nan in epoch 14", "W_G <= 3 must hold"]
    failed = [trial(i, state="fail", outcome=FAILED, reason=r) for i, r in enumerate(reasons)]
    failed.append(trial(3, state="fail", outcome=LOST))
    assert failure_table(failed).rows == (
        ("the configuration's own", "2", "0, 1", "loss is nan in epoch 2"),
        ("the configuration's own", "1", "2", "W_G <= 3 must hold"),
        ("its worker was lost", "1", "3", "–"),
    )


def test_no_failure_is_told_too(trial: Make, facts_of: Of) -> None:
    assert failures(facts_of([trial(0)])).text == "No trial failed."
