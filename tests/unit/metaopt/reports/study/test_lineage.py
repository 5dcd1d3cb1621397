"""Ancestors of the best configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metaopt.reports.study.charts import Chart
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.lineage import ancestors, lineage
from metaopt.store.views import TrialView

Make = Callable[..., TrialView]
Of = Callable[[Sequence[TrialView]], StudyFacts]


def test_the_best_line_is_followed_to_its_roots(trial: Make, facts_of: Of) -> None:
    facts = facts_of(
        [
            trial(0, score=2.0, note={"baseline": "published"}),
            trial(1, score=1.5, note={"operators": "design"}),
            trial(2, score=1.8),
            trial(3, score=1.2, note={"parents": "0, 1", "operators": "crossover"}),
            trial(4, score=1.0, note={"parents": "3, 1", "operators": "mutation(rate)"}),
            trial(5, score=0.9, proposal=4, seed=1, note={"parents": "3, 1", "confirms": "4"}),
        ]
    )
    assert [t.number for t in ancestors(facts, facts.trials[4])] == [4, 3, 1, 0]
    assert [t.number for t in ancestors(facts, facts.trials[4], most=3)] == [4, 3, 1]
    part = lineage(facts)
    assert part is not None and "trial 4; it has 3 ancestors" in part.text
    chart, table = part.items
    assert isinstance(chart, Chart)
    assert chart.series[0].x == (3, 4, None, 1, 4, None, 0, 3, None, 1, 3)
    assert table.rows[0] == ("4", "1.000", "3, 1", "mutation(rate)")  # type: ignore[union-attr]


def test_a_strategy_without_parents_has_no_lineage(trial: Make, facts_of: Of) -> None:
    assert lineage(facts_of([trial(0)])) is None
