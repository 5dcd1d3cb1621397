"""Charts as plotly figures: readable in black and white, and at the width of a phone.

Every kind of series has a marker or a dash of its own, so that it is told apart without its
colour; Geant4 and the published configuration are black, what the search found is coloured.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from metaopt.reports.figures import FULL, GENERATED, GRID, layout, log_ticks, plain
from metaopt.reports.study.charts import Chart, Kind, Series

GREY, LIGHT, BLUE = "#8b929c", "#b4bac2", "#1d4ed8"
BAND = "rgba(194,65,12,0.16)"
#: Heights [pixels]: of a chart, of a row of texts, of one with a curve, and of the smallest chart
#: with rows.
HEIGHT, ROW, TALL_ROW, LEAST, LEGEND_ROW = 380, 26, 64, 150, 12
#: Rows that are high enough for their texts; of more, some texts are left out.
MOST_ROWS = 30
#: Angle of the names below parallel axes [degrees], and the margin that they need [pixels].
TILT, TILTED_MARGIN = -35, 80

_Style = dict[str, Any]


def _marker(symbol: str, colour: str, size: int, width: float = 1.2) -> _Style:
    line = {"width": width, "color": colour}
    return {
        "mode": "markers",
        "marker": {"symbol": symbol, "color": colour, "size": size, "line": line},
    }


def _line(colour: str, width: float, dash: str = "solid", shape: str = "linear") -> _Style:
    line = {"color": colour, "width": width, "dash": dash, "shape": shape}
    return {"mode": "lines", "line": line}


STYLES: dict[Kind, _Style] = {
    "complete": _marker("circle-open", GENERATED, 6),
    "pruned": _marker("triangle-down-open", GREY, 6),
    "failed": _marker("x-thin-open", FULL, 6),
    "confirming": _marker("diamond-open", BLUE, 9, 1.6),
    "published": _marker("square", FULL, 8),
    "best": _marker("star", GENERATED, 14),
    "geant4": _line(FULL, 1.5),
    "best so far": _line(GENERATED, 2.5, shape="hv"),
    "expected": _line(GENERATED, 2.0),
    "front": _marker("circle", GENERATED, 9)
    | _line(GENERATED, 2.0, shape="hv")
    | {"mode": "lines+markers"},
    "share": _marker("circle", GENERATED, 8),
    "stopped": _marker("x-thin-open", GREY, 7, 1.6),
    "promoted": _marker("diamond-open", BLUE, 9, 1.6),
    "pruned line": _line(LIGHT, 1.0),
    "complete line": _line("#e2a27f", 1.0),
    "promoted line": _line(BLUE, 1.6, "dash"),
    "best line": _line(GENERATED, 3.0),
    "rest line": _line("#c3c8ce", 0.9),
    "middle line": _line("#e9b99f", 0.9),
    "top line": _line(GENERATED, 1.3),
    "published line": _line(FULL, 2.0, "dot"),
    "parent line": _line(GREY, 1.0),
    "complete slot": _line("#e2a27f", 12.0),
    "pruned slot": _line(GREY, 12.0),
    "failed slot": _line(FULL, 12.0),
    "other slot": _line(BLUE, 12.0),
}


def draw(chart: Chart) -> dict[str, Any]:
    """Data and layout of a chart, as plotly.js takes them."""
    traces = [trace for one in chart.series for trace in _traces(one)]
    made = go.Figure(traces, layout(chart.labels, _height(chart), **_axes(chart)))
    for note in chart.notes:
        made.add_annotation(
            x=note.x, y=note.y, text=note.text, showarrow=False, bgcolor="rgba(255,255,255,0.8)",
            font={"size": 11},
        )  # fmt: skip
    return plain(made)


def _traces(one: Series) -> list[go.Scatter]:
    style = dict(STYLES[one.kind])
    band: list[go.Scatter] = []
    if one.error and one.kind == "expected":
        if isinstance(one.x[0], str):
            style = _marker("circle", GENERATED, 9) | {"error_y": _errors(one)}
        else:
            band = [_band(one)]
    elif one.error:
        style["error_x"] = _errors(one)
    trace = go.Scatter(
        x=one.x, y=one.y, name=one.name, showlegend=bool(one.name), **style, **_hover(one)
    )
    return [*band, trace]


def _hover(one: Series) -> dict[str, Any]:
    """Which trial a point is; lines of many trials say nothing."""
    if one.trials:
        return {
            "customdata": one.trials,
            "hovertemplate": "trial %{customdata}: %{y}<extra></extra>",
        }
    return {"hoverinfo": "skip"} if None in one.y else {}


def _errors(one: Series) -> dict[str, Any]:
    return {"type": "data", "array": one.error, "color": GENERATED, "thickness": 1.5, "width": 0}


def _band(one: Series) -> go.Scatter:
    """One deviation up and down, around the line."""
    up = [y + e for y, e in zip(one.y, one.error, strict=True)]  # type: ignore[operator]
    down = [y - e for y, e in zip(one.y, one.error, strict=True)]  # type: ignore[operator]
    return go.Scatter(
        x=[*one.x, *reversed(one.x)],
        y=[*up, *reversed(down)],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=BAND,
        showlegend=False,
        hoverinfo="skip",
    )


def _height(chart: Chart) -> int:
    rows = min(len(chart.ticks_y), MOST_ROWS)
    if rows:
        return max(LEAST, 100 + (TALL_ROW if chart.tall else ROW) * rows)
    return HEIGHT + LEGEND_ROW * max(len(chart.series) - 3, 0)  # each a row on a phone


def _axes(chart: Chart) -> dict[str, Any]:
    as_read = {"exponentformat": "none", "separatethousands": True}
    x: _Style = {**GRID, **as_read, "title": {"text": chart.labels.x}}
    y: _Style = {**GRID, "title": {"text": chart.labels.y}}
    if chart.log_x:
        x |= {"type": "log"} | log_ticks(_places(chart))
    elif chart.whole_x:
        x |= {"dtick": max(1, round(_span(chart) / 10))}
    if chart.ticks_y:
        y |= _ticks(chart.ticks_y) | {"range": [-0.6, len(chart.ticks_y) - 0.4]}
    axes: dict[str, Any] = {"xaxis": x, "yaxis": y}
    if chart.ticks_x:  # parallel axes
        x |= _ticks(chart.ticks_x) | {
            "range": [-0.35, len(chart.ticks_x) - 0.65],
            "tickangle": TILT,
        }
        x |= {"gridcolor": FULL, "showline": False}
        y |= {"visible": False}
        axes["margin"] = {"l": 12, "r": 12, "t": 30, "b": TILTED_MARGIN}
    return axes


def _span(chart: Chart) -> float:
    values = _places(chart)
    return max(values) - min(values) if values else 0.0


def _places(chart: Chart) -> list[float]:
    return [v for one in chart.series for v in one.x if isinstance(v, float)]


def _ticks(texts: tuple[str, ...]) -> _Style:
    return {"tickmode": "array", "tickvals": list(range(len(texts))), "ticktext": list(texts)}
