"""Building blocks of a page: one self-contained HTML file with tables and figures."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from plotly.offline import get_plotlyjs

from metaopt.reports.panels import Labels
from metaopt.reports.style import CSS, POLICY, SCRIPT
from metaopt.reports.tables import Table


def document(title: str, body: str, figures: dict[str, Any]) -> str:
    """A whole page, of which all but some 100 kB draw the figures.

    Args:
        title: of the page.
        body: HTML, with a place for each figure.
        figures: data and layout of each figure, by the name of its place.
    """
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
{body}
<script>{get_plotlyjs()}</script>
<script type="application/json" id="figures">{_json(figures)}</script>
<script>{SCRIPT}</script>
</body>
</html>
"""


def place(labels: Labels, figure: dict[str, Any], figures: dict[str, Any], kind: str = "") -> str:
    """A place for a figure, which the script fills; the figure is added to the others."""
    name = f"figure-{len(figures)}"
    figures[name] = figure
    title, look = escape(labels.title), escape(labels.look)
    style = f' class="{kind}"' if kind else ""
    return (
        f"<figure{style}><figcaption><h3>{title}</h3><p>{look}</p></figcaption>"
        f'<div class="plot" id="{name}" role="img" aria-label="{title}"></div></figure>'
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


def _json(figures: dict[str, Any]) -> str:
    """JSON that cannot end the script that holds it."""
    return json.dumps(figures, separators=(",", ":")).replace("<", "\\u003c")
