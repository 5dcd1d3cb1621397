"""The members of a population, their take-overs, and the winner's schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from metaopt.reports.highlights import highlights
from metaopt.reports.study.charts import Chart
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.population import population, spans
from metaopt.reports.study.report import report
from metaopt.reports.tables import Table
from metaopt.store.views import TrialView
from tests.made_up_study import MadeUpStudy

Make = Callable[..., TrialView]

POINT = {"rate": 0.1, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}
DOCUMENT = MadeUpStudy(0, "toy").document | {"population": {"members": 2, "interval": 1}}


def segment(member: int, first: int, *, of: int | None = None, rate: float = 0.1) -> dict[str, Any]:
    """The note and point of a segment."""
    note = {"member": str(member), "from epoch": str(first), "operators": "rate x2"}
    if of is not None:
        note["parents"] = str(of)
    return {"note": note, "point": POINT | {"rate": rate}}


@pytest.fixture
def trials(trial: Make) -> list[TrialView]:
    """Two members of three epochs: each is replaced once, and the last segment still runs."""
    return [
        trial(0, **segment(0, 1), rungs=((1, 2.0), (2, 1.5)), state="pruned"),
        trial(1, **segment(1, 1), rungs=((1, 2.2),), state="pruned", epochs=1, score=2.2),
        trial(2, **segment(1, 2, of=0, rate=0.2), rungs=((2, 1.4), (3, 1.0)), epochs=3),
        trial(3, **segment(0, 3, of=2, rate=0.4), rungs=(), state="running", score=None),
    ]


def part_of(trials: Sequence[TrialView]) -> tuple[Chart, Chart, Table]:
    ended = [t for t in trials if t.state != "running"]
    part = population(StudyFacts.of("study", DOCUMENT, ended), trials)
    assert part is not None and "2 members train together" in part.text and "2 times" in part.text
    members, schedule, table = part.items
    assert isinstance(members, Chart) and isinstance(schedule, Chart) and isinstance(table, Table)
    return members, schedule, table


def test_a_segment_begins_where_the_state_was_that_it_took_over(trials: list[TrialView]) -> None:
    found = {s.name: (s.x, s.y, s.trials) for s in part_of(trials)[0].series}
    assert found["replaced"] == ((1, 2, None, 1), (2.0, 1.5, None, 2.2), ())
    assert found["to the end"] == ((1, 2, 3, None, 2), (2.0, 1.4, 1.0, None, 1.4), ())
    assert found["replaced here"] == ((2, 1), (1.5, 2.2), (0, 1))
    assert found["taken over here"] == ((1, 2), (2.0, 1.4), (2, 3))


def test_a_segment_that_was_recorded_twice_counts_once(
    trials: list[TrialView], trial: Make
) -> None:
    beginning = segment(0, 3, of=2, rate=0.4)
    left = trial(4, **beginning, rungs=(), state="fail", outcome="interrupted", score=None)
    assert part_of([*trials, left]) == part_of(trials)


def test_the_line_of_the_winner_goes_through_its_ancestors(trials: list[TrialView]) -> None:
    members, schedule, table = part_of(trials)
    line = next(s for s in members.series if s.name == "best member's line")
    assert (line.x, line.y) == ((1, 2, 3), (2.0, 1.4, 1.0))
    assert spans([trials[0], trials[2]]) == [(1, 1), (2, 3)]
    # A row per parameter that may change, from bottom to top.
    assert schedule.ticks_y[-1] == "rate" and [s.x for s in schedule.series][-1] == (1, 2, 3)
    top = schedule.series[-1].y
    assert top[0] < top[1] == top[2] < len(schedule.ticks_y) - 0.5  # type: ignore[operator]
    assert table.headers[:5] == ("epochs", "trial", "member", "S", "rate")
    assert [row[:5] for row in table.rows] == [
        ("1", "0", "0", "2.000", "0.1"),
        ("2-3", "2", "1", "1.000", "0.2"),
    ]


def test_a_report_of_a_population_has_it_in_place_of_what_belongs_to_a_search(
    trials: list[TrialView], toy: StudyFacts
) -> None:
    titles = [part.title for part in report("study", DOCUMENT, trials).parts]
    assert titles == ["Population", "Failures"]
    assert set(highlights("study", DOCUMENT, trials)) == {"S-by-epoch"}
    assert population(toy, toy.trials) is None
    facts = StudyFacts.of("study", DOCUMENT, trials)
    assert sum(map(facts.epochs_trained, facts.trials)) == 5
