"""The Pareto front, where it has more than one point."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metaopt.reports.study.charts import Chart
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.speed import speed
from metaopt.store.views import TrialView

Make = Callable[..., TrialView]
Of = Callable[[Sequence[TrialView]], StudyFacts]


def test_the_front_runs_from_the_fastest_to_the_best(trial: Make, facts_of: Of) -> None:
    times = ((1.0, 8.0), (2.0, 1.0), (3.0, 9.0))
    trials = [trial(i, score=s, metrics={"ms_per_shower": ms}) for i, (s, ms) in enumerate(times)]
    part = speed(facts_of(trials))
    assert part is not None and isinstance(part.items[0], Chart)
    front = part.items[0].series[-1]
    assert (front.x, front.y, front.trials) == ((1.0, 8.0), (2.0, 1.0), (1, 0))
    assert speed(facts_of(trials[:1])) is None
