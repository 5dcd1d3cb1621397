"""A validation as one self-contained HTML file: the answer, its reasons, the plots."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from plotly.offline import get_plotlyjs

import metaopt
from metaopt.reports.figures import figure
from metaopt.reports.panels import Map, Panel, Section
from metaopt.reports.plots import sections
from metaopt.reports.style import CSS, POLICY, SCRIPT
from metaopt.reports.tables import Table
from metaopt.reports.validation import Validation
from metaopt.reports.validation_tables import (
    crosschecks_table,
    groups_table,
    headline,
    metrics_table,
)


def page(validation: Validation) -> str:
    """The HTML of a validation, about 5 MB, of which all but some 100 kB draw the plots."""
    figures: dict[str, Any] = {}
    plots = "".join(_section(section, figures) for section in sections(validation))
    title = f"{validation.generated_name} against {validation.full_name}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{CSS}</style>
</head>
<body>
{_answer(validation, title)}
{_reasons(validation)}
{plots}
<p class="small">metaopt {metaopt.__version__}. S: lower is better; 0.5 is a 1 % error of the
energy scale, 1 a 5 % error, 2 an untrained generator. L: level of a group. Geant4 black and solid,
generated dashed with open circles; bars are standard deviations.</p>
<script>{get_plotlyjs()}</script>
<script type="application/json" id="figures">{_json(figures)}</script>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _answer(validation: Validation, title: str) -> str:
    score, text = headline(validation)
    geometry = validation.reference.geometry
    facts = (
        f"{validation.events:,} generated showers, {validation.full.events:,} of Geant4; "
        f"geometry {geometry.name}" + (f" ({geometry.title})" if geometry.title else "")
    )
    notes = "".join(f'<p class="small">Note: {escape(note)}.</p>' for note in validation.notes)
    return (
        f"<h1>{escape(title)}</h1>\n"
        f'<div class="answer"><strong>{escape(score)}</strong><p>{escape(text)}</p></div>\n'
        f'<p class="small">{escape(facts)}.</p>{notes}'
    )


def _reasons(validation: Validation) -> str:
    return (
        f"<h2>What is wrong</h2>{table(groups_table(validation))}"
        f'<div class="figures"><div><h2>In numbers</h2>{table(metrics_table(validation))}</div>'
        f"<div><h2>Cross-checks</h2>{table(crosschecks_table(validation))}</div></div>"
    )


def table(made: Table) -> str:
    """A table as HTML."""
    kind = [_kind(i, made) for i in range(len(made.headers))]
    head = "".join(
        f'<th class="{k}">{escape(h)}</th>' for k, h in zip(kind, made.headers, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{k}">{escape(cell).replace(chr(10), "<br>")}</td>'
            for k, cell in zip(kind, row, strict=True)
        )
        + "</tr>"
        for row in made.rows
    )
    inside = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="scroll"><table>{inside}</table></div>'


def _kind(column: int, made: Table) -> str:
    """Class of a column: numbers, names, and text that a phone has no room for."""
    if column not in made.left:
        return "number"
    if column == 0:
        return "name"
    return "text" if column == len(made.headers) - 1 else "text wide"


def _section(section: Section, figures: dict[str, Any]) -> str:
    inside = "".join(_figure(panel, figures) for panel in section.panels)
    kind = "maps" if all(isinstance(panel, Map) for panel in section.panels) else "figures"
    return f'<h2>{escape(section.title)}</h2><div class="{kind}">{inside}</div>'


def _figure(panel: Panel, figures: dict[str, Any]) -> str:
    """A place for a figure, which the script fills."""
    name = f"figure-{len(figures)}"
    figures[name] = figure(panel)
    title, look = escape(panel.labels.title), escape(panel.labels.look)
    return (
        f"<figure><figcaption><h3>{title}</h3><p>{look}</p></figcaption>"
        f'<div class="plot" id="{name}" role="img" aria-label="{title}"></div></figure>'
    )


def _json(figures: dict[str, Any]) -> str:
    """JSON that cannot end the script that holds it."""
    return json.dumps(figures, separators=(",", ":")).replace("<", "\\u003c")
