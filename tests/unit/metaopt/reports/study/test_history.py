"""S over trials, training showers and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from metaopt.reports.study.charts import Chart, Series
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.history import best_so_far, history, spent_by
from metaopt.store.views import FAILED, LOST, TrialView

Make = Callable[..., TrialView]
Of = Callable[[Sequence[TrialView]], StudyFacts]


def named(chart: Chart, name: str) -> Series:
    (found,) = (s for s in chart.series if s.name == name)
    return found


def test_every_trial_is_a_point_of_its_group_and_the_best_a_falling_line(
    trial: Make, facts_of: Of
) -> None:
    trials = [
        trial(0, score=2.0),
        trial(1, score=1.5),
        trial(2, score=1.2, state="pruned"),
        trial(3, score=2.8, state="fail", outcome=FAILED),
        trial(4, score=None, state="fail", outcome=LOST),
        trial(5, score=1.8),
        trial(6, score=1.0, proposal=1, seed=1, metrics={"floor": 0.2}),
    ]
    chart = history(facts_of(trials)).items[0]
    assert isinstance(chart, Chart)
    assert named(chart, "published").trials == (0,)
    assert named(chart, "complete").x == (1, 5) and named(chart, "complete").y == (1.5, 1.8)
    assert named(chart, "pruned, last S").trials == (2,)
    assert named(chart, "failed, no S").x == (3,)
    assert named(chart, "failed, no S").y[0] > 1.8  # type: ignore[operator]
    assert named(chart, "confirming").trials == (6,)
    # A confirming trial chose nothing: it is no step of the search.
    assert named(chart, "best so far").x == (0, 1, 6)
    assert named(chart, "best so far").y == (2.0, 1.5, 1.5)
    assert named(chart, "Geant4 against itself").y == (0.2, 0.2)


def test_compute_and_time_are_sums_in_order_of_the_end(trial: Make, facts_of: Of) -> None:
    late, early = trial(0, 1, 500), trial(1, 1, 100, epochs=1, rungs=((1, 1.0),))
    spent = spent_by(facts_of([late, early]))
    assert spent.showers == {1: 2000, 0: 6000}
    assert spent.seconds == pytest.approx({1: 99, 0: 499})
    assert [t.number for t in best_so_far([late, early])] == [1]


def test_ten_thousand_points_are_not_drawn(large: StudyFacts) -> None:
    chart = history(large).items[1]
    assert isinstance(chart, Chart)
    assert sum(len(s.trials) for s in chart.series) <= 1003
    assert "the best 300 are drawn" in chart.labels.look and "millions" in chart.labels.x
