"""The process along one parameter through the best point."""

from __future__ import annotations

import pytest

from metaopt.reports.study.charts import Chart
from metaopt.reports.study.expectation import along, expectation
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.importance import Importance
from search_spaces.loader import load_space


def test_the_curve_is_what_the_process_predicts(toy: StudyFacts) -> None:
    part = expectation(toy, [Importance("rate", 0.9, 0.1), Importance("cells", 0.1, 0.1)])
    rate, cells = part.items
    assert isinstance(rate, Chart) and isinstance(cells, Chart) and rate.log_x
    curve = next(s for s in rate.series if s.kind == "expected")
    assert toy.best is not None and toy.surrogate is not None
    point = {**toy.best.best.point, "rate": curve.x[30]}
    (mean,), (deviation,) = toy.surrogate.predict([point])  # type: ignore[list-item]
    assert curve.y[30] == pytest.approx(mean, rel=1e-3)
    assert curve.error[30] == pytest.approx(deviation, rel=1e-2)
    assert next(s for s in cells.series if s.kind == "expected").x == ("gamma", "smooth")


def test_other_layers_come_with_their_parameters() -> None:
    space = load_space("fixed-angle")
    point = space.baselines[0].point
    values, points = along(space, point, space["g_layers"])
    for value, made in zip(values, points, strict=True):
        space.check(made)
        assert made["g_layers"] == value and made["W_G"] == point["W_G"]


def test_without_a_process_it_says_so(toy: StudyFacts) -> None:
    few = StudyFacts.of("few", toy.document, toy.trials[:2])
    part = expectation(few, [Importance("rate", 0.9, 0.1)])
    assert part.items == () and "Too few trials" in part.text
