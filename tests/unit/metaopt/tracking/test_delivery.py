"""Between the controller and a place that is away or refuses: nothing waits, nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from metaopt.agenda import Assignment
from metaopt.store.views import TrialView
from metaopt.tracking import delivery
from metaopt.tracking.delivery import Delivery
from workers.trial import Progress


class Place:
    """A tracker that is away until it is told otherwise, and refuses odd epochs."""

    name = "Place"

    def __init__(self) -> None:
        self.got: list[str] = []
        self.there = threading.Event()
        self.asked = threading.Event()

    def begin(self, trials: Sequence[TrialView]) -> None:
        self._get("begin")

    def started(self, number: int, assignment: Assignment) -> None:
        self._get(f"started {number}")

    def progressed(self, number: int, progress: Progress) -> None:
        if progress.epoch % 2:
            raise ValueError("an odd epoch")
        self._get(f"epoch {progress.epoch}")

    def finished(self, trial: TrialView) -> None:
        self._get(f"finished {trial.number}")

    def close(self) -> None:
        self._get("close")

    def _get(self, what: str) -> None:
        self.asked.set()
        if not self.there.is_set():
            raise ConnectionError("nobody answers")
        self.got.append(what)


def epoch(number: int) -> Progress:
    return Progress(number, 1.0, {}, {}, 1.0, 100)


def test_what_an_absent_place_missed_arrives_in_order_and_one_warning_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.01)
    place, said = Place(), list[str]()
    with Delivery(place, [], said.append) as told:
        told.started(0, Assignment({}, 0))
        assert place.asked.wait(10) and not place.got
        for number in (1, 2, 3, 4):
            told.progressed(0, epoch(number))
        place.there.set()
    assert place.got == ["begin", "started 0", "epoch 2", "epoch 4", "close"]
    rest = "the study goes on, and what is missing is sent later"
    assert said == [f"warning: Place: nobody answers; {rest}"]


def test_a_run_ends_though_the_place_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "AWAY_SECONDS", 0.1)
    place, said = Place(), list[str]()
    with Delivery(place, [], said.append) as told:
        told.finished(TrialView(0, "complete", "", {}))
        assert place.asked.wait(10)
    assert not place.got and said[-1] == "Place has not got everything; the next run adds the rest"
