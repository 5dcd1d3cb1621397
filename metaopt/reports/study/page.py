"""The report of a study as one self-contained HTML file."""

from __future__ import annotations

from html import escape
from typing import Any

import metaopt
from metaopt.reports.html import document, place, table
from metaopt.reports.page import LEGEND, SCALE, comparison
from metaopt.reports.study.answer import Answer
from metaopt.reports.study.charts import Chart, Part
from metaopt.reports.study.drawing import draw
from metaopt.reports.study.report import StudyReport
from metaopt.reports.tables import Table
from metaopt.reports.validation import Validation

PHYSICS = "The best trial against Geant4"
COMPARED = (
    "Below S, indented, the level of each group of observables that it is made of; then numbers "
    "that a physicist knows; last, the parameters that differ."
)


def page(report: StudyReport, physics: Validation | str) -> str:
    """The HTML of a report.

    Args:
        report: of the study.
        physics: the best trial against Geant4, or why it is not there; empty leaves it out.
    """
    figures: dict[str, Any] = {}
    parts = [_part(i, part, figures) for i, part in enumerate(report.parts)]
    titles = [part.title for part in report.parts] + [PHYSICS] * bool(physics)
    title = f"Study {report.name}"
    body = f"""<h1>{escape(title)}</h1>
{_answer(report.answer, _contents(titles))}
{"".join(parts)}
{_physics(len(parts), physics, figures)}
<p class="small">metaopt {metaopt.__version__}. {LEGEND if physics else ""}</p>"""
    return document(title, body, figures)


def _answer(answer: Answer, contents: str) -> str:
    notes = "".join(f'<p class="small">{escape(_sentence(n))}</p>' for n in answer.notes)
    compared = f"<h2>Published and best</h2><p>{COMPARED}</p>{table(answer.comparison)}"
    return (
        f'<div class="answer"><strong>{escape(answer.headline)}</strong>'
        f"<p>{escape(answer.verdict)}</p></div>"
        f'<p class="small">{SCALE}</p>{notes}{contents}'
        f"{compared if answer.comparison.rows else ''}"
        f"<h2>{escape(answer.study.title)}</h2>{table(answer.study)}"
    )


def _sentence(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}."


def _contents(titles: list[str]) -> str:
    links = "".join(f'<a href="#part-{i}">{escape(t)}</a> ' for i, t in enumerate(titles))
    return f"<nav>{links}</nav>"


def _part(index: int, part: Part, figures: dict[str, Any]) -> str:
    items = "".join(_item(item, figures) for item in part.items)
    return (
        f'<h2 id="part-{index}">{escape(part.title)}</h2><p>{escape(part.text)}</p>'
        f'<div class="figures">{items}</div>'
    )


def _item(item: Chart | Table, figures: dict[str, Any]) -> str:
    if isinstance(item, Chart):
        return place(item.labels, draw(item), figures, "across" if item.wide else "")
    title = f"<h3>{escape(item.title)}</h3>" if item.title else ""
    return f'<div class="across">{title}{table(item)}</div>'


def _physics(index: int, physics: Validation | str, figures: dict[str, Any]) -> str:
    if not physics:
        return ""
    inside = (
        f"<p>Left out: {escape(physics)}.</p>"
        if isinstance(physics, str)
        else comparison(physics, figures)
    )
    return f'<h2 id="part-{index}">{PHYSICS}</h2>{inside}'
