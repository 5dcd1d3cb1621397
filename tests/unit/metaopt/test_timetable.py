"""What fits into the time budget, and how long a run still takes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from metaopt.timetable import Timetable

SECONDS = [4.0, 8.0, 6.0]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time of day, which stands at 1,000 s when a budget begins."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("metaopt.timetable.time.monotonic", lambda: clock.now)
    return clock


def test_the_fastest_trial_and_typical_ones_after_it_must_end_in_time(
    clock: SimpleNamespace,
) -> None:
    table = Timetable(100.0)
    clock.now = 1080.0
    # 4 s, and rounds of 6 s on one or two slots, in 20 s.
    cases = [(0, 1), (2, 1), (3, 1), (3, 2), (4, 2), (5, 2), (2, 0), (3, 0)]
    fits = [table.fits(SECONDS, after, slots) for after, slots in cases]
    assert fits == [True, True, False, True, True, False, True, False]
    assert table.fits([], 99, 1)
    clock.now = 1096.0
    assert not table.fits(SECONDS, 0, 1)


def test_trials_that_follow_get_a_quarter_of_the_budget_at_most(clock: SimpleNamespace) -> None:
    table = Timetable(100.0)
    for clock.now, fits in ((1070.0, True), (1071.0, False)):
        assert table.fits(SECONDS, 1000, 1) == fits


def test_the_time_left_is_that_of_the_trials_or_of_the_budget(clock: SimpleNamespace) -> None:
    table = Timetable(100.0)
    clock.now = 1080.0
    started = [1077.0, 1050.0]  # 3 s to go, and overdue
    assert table.left(SECONDS, started, 2, 2) == 7.5
    assert table.left(SECONDS, started, 2, 0) == 15.0
    assert table.left(SECONDS, started, 20, 2) == 20.0
    assert table.left([], started, 2, 2) == 20.0
    assert not table.over
    for clock.now in (1100.0, 1101.0):
        assert table.over and table.left(SECONDS, [], 9, 1) == 0.0


def test_without_a_budget_everything_fits(clock: SimpleNamespace) -> None:
    table = Timetable(None)
    clock.now = 1e9
    assert not table.over and table.fits(SECONDS, 99, 1)
    assert table.left(SECONDS, [], 3, 1) == 18.0
    assert table.left([], [], 3, 1) is None
