"""Parallel coordinates, importances, slices."""

from __future__ import annotations

from metaopt.reports.study.charts import Chart
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.importance import Importance
from metaopt.reports.study.parameters import ABSENT, importance_chart, parallel, slices


def test_lines_pass_at_the_places_of_the_values(toy: StudyFacts) -> None:
    chart = parallel(toy, [Importance("cells", 0.9, 0.1), Importance("rate", 0.1, 0.1)])
    assert chart.ticks_x == ("cells", "rate")
    found = {s.name: s for s in chart.series}
    published = toy.published_trials[0].point
    assert found["published"].x == (0, 1)
    assert found["published"].y[0] == toy.space["cells"].to_unit(published["cells"])
    assert {(n.x, n.text) for n in chart.notes} >= {(0, "gamma"), (0, "smooth"), (1, "0.01")}
    assert None in found["best tenth"].x  # lines do not run on into one another


def test_a_parameter_that_a_trial_lacks_is_below_its_axis(large: StudyFacts) -> None:
    chart = parallel(large, [Importance("g6_filters", 1.0, 0.0)])
    assert any(ABSENT in s.y for s in chart.series)
    assert any(n.text == "absent" for n in chart.notes)


def test_the_most_important_parameter_is_on_top() -> None:
    chart = importance_chart([Importance(f"p{i:02d}", 1 / (i + 1), 0.1) for i in range(20)])
    assert chart.ticks_y[-1] == "p00" and len(chart.ticks_y) == 15
    assert chart.series[0].x[-1] == 1.0 and "5 less important" in chart.labels.look


def test_there_is_a_slice_for_each_loss_weight_and_the_exponent(
    large: StudyFacts, toy: StudyFacts
) -> None:
    found = slices(large)
    assert [c.labels.title for c in found] == [
        f"S against {n}" for n in ("W_G", "W_P", "W_E", "W_B", "power")
    ]
    assert [c.log_x for c in found] == [True, True, True, False, False]
    assert all(isinstance(c, Chart) and c.series for c in found) and slices(toy) == ()
