"""Learning curves, pruning, promotions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metaopt.reports.study.charts import Chart
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.rungs import promotions, rung_table, rungs
from metaopt.store.views import TrialView

Make = Callable[..., TrialView]
Of = Callable[[Sequence[TrialView]], StudyFacts]


def test_a_promotion_is_one_line_with_a_mark_where_it_went_on(trial: Make, facts_of: Of) -> None:
    curve = ((1, 1.2), (2, 1.0), (3, 0.9))
    facts = facts_of(
        [
            trial(0, rungs=curve, epochs=3, score=0.8),
            trial(1, state="pruned"),
            trial(2, state="pruned", rungs=((1, 1.5), (2, 1.4))),
            trial(3, proposal=1, retry_of=1, rungs=curve, epochs=3, score=0.9),
        ]
    )
    assert [(a.number, b.number) for a, b in promotions(facts)] == [(1, 3)]
    assert rung_table(facts).rows == (("2", "3", "2", "1"),)
    chart = rungs(facts).items[0]
    assert isinstance(chart, Chart)
    found = {s.name: (s.x, s.y) for s in chart.series}
    assert found["best configuration"] == ((1, 2, 3), (1.2, 1.0, 0.9))
    assert found["pruned, then went on"] == ((1, 2, 3), (1.2, 1.0, 0.9))
    assert found["pruned"] == ((1, 2), (1.5, 1.4))
    assert found["stopped here"] == ((2,), (1.4,))
    assert found["went on here"] == ((2,), (1.0,))


def test_a_study_without_epochs_says_so(trial: Make, facts_of: Of) -> None:
    assert rungs(facts_of([trial(0, rungs=(), epochs=0)])).items == ()
