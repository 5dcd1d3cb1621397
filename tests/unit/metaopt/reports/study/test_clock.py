"""Time without pauses, and slots."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from metaopt.reports.study.clock import Clock, idle_share, unit_of
from metaopt.store.views import INTERRUPTED, TrialView

Make = Callable[..., TrialView]


def test_slots_hold_one_trial_at_a_time_and_pauses_do_not_count(trial: Make) -> None:
    trials = [
        trial(0, 0.001, 100), trial(1, 10, 60), trial(2, 70, 100),
        trial(3, 90_000, 90_100),  # a day later
    ]  # fmt: skip
    clock = Clock.of(trials)
    runs = clock.runs(trials)
    assert [run.slot for run in runs] == [0, 1, 1, 0]
    assert clock.total == pytest.approx(200, abs=0.01)
    assert (runs[3].start, runs[3].end) == pytest.approx((100, 200), abs=0.01)
    # Slot 0 was busy for 200 s of 200, slot 1 for 80.
    assert idle_share(runs, clock.total) == pytest.approx(0.3, abs=0.001)


def test_a_dead_controllers_trial_ends_when_it_was_last_heard_of(trial: Make) -> None:
    left = trial(0, 1, 50_000, state="fail", outcome=INTERRUPTED, seconds=30.0)
    never = trial(1, 1, 50_000, state="fail", outcome=INTERRUPTED)
    assert Clock.of([left, never]).total == pytest.approx(30)
    assert len(Clock.of([left]).runs([left, never])) == 1
    assert Clock.of([never]).total == 0


def test_a_time_is_told_in_the_unit_that_reads_best() -> None:
    assert [unit_of(s)[1] for s in (30, 300, 30_000, 300_000)] == ["s", "min", "h", "days"]
