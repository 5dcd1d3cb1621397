"""The page of a study: one file, every part, every chart drawn."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Kind, series
from metaopt.reports.study.drawing import STYLES, draw
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.page import page
from metaopt.reports.study.report import StudyReport, report


@pytest.fixture(scope="module")
def made(toy: StudyFacts) -> StudyReport:
    return report("<b>toy</b>", toy.document, toy.trials)


def test_the_page_has_the_answer_first_and_every_chart_with_its_words(made: StudyReport) -> None:
    html = page(made, "the weights are gone")
    assert html.count("plotly.js v") == 1 and len(html) < 5.5e6
    body = html[html.index("<body>") : html.index("<script>")]
    assert "<b>toy" not in html and "Left out: the weights are gone." in body
    order = [body.index(f'id="part-{i}"') for i in range(len(made.parts) + 1)]
    assert body.index(made.answer.headline) < order[0] and order == sorted(order)
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', html)[1])  # type: ignore[index]
    charts = [item for part in made.parts for item in part.items if isinstance(item, Chart)]
    assert len(figures) == len(charts) and all(chart.labels.look for chart in charts)
    assert not re.search(r'(?:src|href)="[^#]', body)
    assert "against Geant4</h2>" not in page(made, "")


def test_every_chart_of_numbers_names_its_axes(made: StudyReport) -> None:
    charts = [item for part in made.parts for item in part.items if isinstance(item, Chart)]
    for chart in charts:
        assert chart.ticks_x or chart.labels.x
        assert chart.ticks_x or chart.ticks_y or chart.labels.y


def test_every_kind_is_drawn_in_its_own_way() -> None:
    assert set(STYLES) == set(get_args(Kind))
    looks = {json.dumps(style, sort_keys=True) for style in STYLES.values()}
    assert len(looks) > len(STYLES) - 4  # a mark of one figure may be that of another


def test_a_band_surrounds_the_curve_and_names_get_bars() -> None:
    band = draw(Chart(Labels("t", "l"), series("S", "expected", [1, 2], [5, 6], [1, 1])))
    assert list(band["data"][0]["y"]) == [6, 7, 5, 4] and band["data"][0]["fill"] == "toself"
    names = draw(Chart(Labels("t", "l"), series("S", "expected", ["a"], [5], [1])))
    assert list(names["data"][0]["error_y"]["array"]) == [1]


def test_logarithmic_axes_have_readable_ticks() -> None:
    chart = Chart(Labels("t", "l"), series("S", "complete", [8, 256], [1, 2]), log_x=True)
    assert "20" in draw(chart)["layout"]["xaxis"]["ticktext"]
    wide = Chart(Labels("t", "l"), series("S", "complete", [0.01, 10], [1, 2]), log_x=True)
    assert list(draw(wide)["layout"]["xaxis"]["ticktext"]) == ["0.01", "0.1", "1", "10"]
