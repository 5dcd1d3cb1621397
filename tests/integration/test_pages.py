"""The pages of validations and studies in a real browser, as wide as a desktop and a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaopt.reports.page import page
from metaopt.reports.plots import sections
from metaopt.reports.shower_files import validate
from metaopt.reports.study.charts import Chart
from metaopt.reports.study.page import page as study_page
from metaopt.reports.study.report import report
from search_spaces.loader import load_geometry
from tests.made_up_study import MadeUpStudy

playwright = pytest.importorskip("playwright.sync_api", reason="the test extra has playwright")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
#: Figures without anything that plotly draws, and those that are wider than their place.
UNDRAWN = """() => [...document.querySelectorAll('.plot')].filter(plot =>
  !plot.querySelector('.scatterlayer .trace, .heatmaplayer image, .barlayer .point')
).map(plot => plot.id)"""
WIDE = """() => [...document.querySelectorAll('.plot .main-svg')].filter(svg =>
  svg.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed; install the package of this name")
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield made
        made.close()


def test_every_figure_is_drawn_at_every_width(
    browser: playwright.Browser, shower_files: Path, tmp_path: Path
) -> None:
    files = (str(shower_files / f"{name}.h5") for name in ("distorted", "reference"))
    made = validate(*files, load_geometry("clic-12x12x12"), 0, 0, lambda _: None)
    figures = sum(len(section.panels) for section in sections(made))
    path = tmp_path / "page.html"
    path.write_text(page(made), encoding="utf-8")
    check_drawn(browser, path, figures)


def test_the_report_of_a_study_is_drawn_at_every_width(
    browser: playwright.Browser, tmp_path: Path
) -> None:
    made_up = MadeUpStudy(100, "quick")
    made = report("quick", made_up.document, made_up.made())
    charts = [i for part in made.parts for i in part.items if isinstance(i, Chart)]
    path = tmp_path / "report.html"
    path.write_text(study_page(made, ""), encoding="utf-8")
    check_drawn(browser, path, len(charts))


def check_drawn(browser: playwright.Browser, path: Path, figures: int) -> None:
    """At both widths: all figures, no complaint, nothing loaded, nothing wider than the page."""
    for name, (width, height) in SIZES.items():
        phone = name == "phone"
        tab = browser.new_page(
            viewport={"width": width, "height": height}, has_touch=phone, is_mobile=phone
        )
        complaints: list[str] = []
        tab.on("pageerror", lambda error, said=complaints: said.append(str(error)))
        tab.on("console", lambda message, said=complaints: said.append(message.text))
        tab.on("request", lambda request, said=complaints: said.append(request.url))
        tab.goto(path.as_uri())
        tab.wait_for_selector(f'body[data-drawn="{figures}"]', timeout=60_000)
        assert [c for c in complaints if not c.startswith(("file:", "data:", "blob:"))] == []
        assert tab.locator(".plot").count() == figures
        assert tab.evaluate(UNDRAWN) == []
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        assert tab.evaluate(WIDE) == 0
        tab.close()
