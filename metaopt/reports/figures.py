"""Panels as plotly figures: readable in black and white, and at the width of a phone.

Geant4 is black, solid, with squares; generated is coloured, dashed, with circles: line and
marker tell them apart without the colour. Shades of maps rise evenly in brightness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from metaopt.reports.panels import Bars, Comparison, Labels, Map, Panel, Points, bin_ends

FULL, GENERATED = "#111111", "#c2410c"
SHADES = "Cividis"
FULL_NAME, GENERATED_NAME = "Geant4", "generated"
#: Heights [pixels]; widths follow the screen.
COMPARISON_HEIGHT, MAP_HEIGHT, BARS_HEIGHT = 400, 320, 300
#: How far from 1 the axis of a ratio may go; the last where bins are compared.
SPANS = (0.05, 0.1, 0.2, 0.5, 1.0)
#: Axes of all figures.
GRID = {
    "gridcolor": "#dddddd",
    "linecolor": "#111111",
    "ticks": "outside",
    "automargin": True,
    "exponentformat": "power",
    "zeroline": False,
}


def figure(panel: Panel) -> dict[str, Any]:
    """Data and layout of a panel, as plotly.js takes them."""
    if isinstance(panel, Comparison):
        made = _comparison(panel)
    elif isinstance(panel, Map):
        made = _map(panel)
    else:
        made = _bars(panel)
    return plain(made)


def plain(made: go.Figure) -> dict[str, Any]:
    """Data and layout of a figure, as plotly.js takes them."""
    found: dict[str, Any] = made.to_plotly_json()
    found["layout"].pop("template", None)
    return found


def layout(labels: Labels, height: int, **more: Any) -> go.Layout:
    """The layout of all figures, with ``more`` in place of its keys."""
    base = {
        "template": "none",
        "height": height,
        "margin": {"l": 60, "r": 12, "t": 30, "b": 48},
        "font": {"size": 12},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "xaxis": {**GRID, "title": {"text": labels.x}},
        "yaxis": {**GRID, "title": {"text": labels.y}},
    }
    return go.Layout(base | more)


def log_ticks(values: Sequence[float | None]) -> dict[str, Any]:
    """Ticks of a logarithmic axis: decades; 1, 2, 5 of each where there are less than two."""
    positive = [v for v in values if v is not None and v > 0]
    if not positive:
        return {}
    low, high = min(positive), max(positive)
    steps = (1, 2, 5) if high < 100 * low else (1,)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    places = [step * 10.0**k for k in decades for step in steps]
    return {"tickmode": "array", "tickvals": places, "ticktext": [_tick(v) for v in places]}


def _tick(value: float) -> str:
    """A decade far from 1 as a power of ten."""
    power = math.log10(value)
    if abs(power) >= 4 and power == round(power):
        return f"10<sup>{power:.0f}</sup>"
    return f"{value:.4g}"


def ratio_span(panel: Comparison) -> float:
    """How far from 1 the ratio's axis goes: of means and spreads as far as the points need."""
    if panel.ratio is None or panel.steps:
        return SPANS[-1]
    pairs = zip(panel.ratio.y, panel.ratio.error, strict=True)
    far = max((abs(y - 1) + (error or 0.0) for y, error in pairs if y is not None), default=0.0)
    return next((span for span in SPANS if far <= span), SPANS[-1])


def _comparison(panel: Comparison) -> go.Figure:
    x = {**GRID, "title": {"text": panel.labels.x}}
    y = {**GRID, "title": {"text": panel.labels.y}}
    sides = (panel.full, panel.generated)
    if panel.log_x:
        x |= {"type": "log"} | log_ticks([v for p in sides for v in p.x])
    if panel.log_y:
        y |= {"type": "log"} | log_ticks([v for p in sides for v in p.y])
    made = go.Figure(
        [
            _line(panel, panel.full, FULL_NAME, fill=panel.steps and not panel.log_y),
            _line(panel, panel.generated, GENERATED_NAME),
        ],
        layout(panel.labels, COMPARISON_HEIGHT, xaxis=x, yaxis=y),
    )
    if panel.ratio is not None:
        _add_ratio(made, panel.ratio, ratio_span(panel))
    return made


def _add_ratio(made: go.Figure, ratio: Points, span: float) -> None:
    """A second panel below, with the same horizontal axis."""
    made.add_trace(_ratio(ratio))
    made.update_layout(
        xaxis_anchor="y2",
        yaxis_domain=[0.3, 1.0],
        yaxis2={
            **GRID,
            "title": {"text": "ratio"},
            "domain": [0.0, 0.22],
            "range": [1 - span, 1 + span],
            "dtick": span / 2,
        },
    )
    made.add_hline(y=1.0, row=None, yref="y2", line={"color": FULL, "width": 1})


def _line(panel: Comparison, points: Points, name: str, fill: bool = False) -> go.Scatter:
    generated = name == GENERATED_NAME
    colour = GENERATED if generated else FULL
    size = 6 if generated else 4
    sizes = [size] * len(points.x)
    ends = bin_ends(points.x, panel.log_x) if panel.steps else ()
    if ends:
        # The line goes on to the outer edges, where there is no marker.
        sizes = [0, *sizes, 0]
        points = Points(
            (ends[0], *points.x, ends[1]),
            (points.y[0], *points.y, points.y[-1]),
            (None, *points.error, None),
        )
    marker = {"symbol": "circle-open" if generated else "square", "size": sizes}
    return go.Scatter(
        x=points.x,
        y=points.y,
        error_y=_errors(points, colour),
        name=name,
        mode="lines+markers",
        marker={**marker, "color": colour},
        line={
            "color": colour,
            "width": 1.5,
            "dash": "dash" if generated else "solid",
            "shape": "hvh" if panel.steps else "linear",
        },
        fill="tozeroy" if fill else "none",
        fillcolor="rgba(0,0,0,0.08)",
    )


def _ratio(points: Points) -> go.Scatter:
    return go.Scatter(
        x=points.x,
        y=points.y,
        error_y=_errors(points, GENERATED),
        mode="markers",
        marker={"symbol": "circle-open", "size": 5, "color": GENERATED},
        yaxis="y2",
        showlegend=False,
        name="ratio",
    )


def _errors(points: Points, colour: str) -> dict[str, Any]:
    return {"type": "data", "array": points.error, "color": colour, "thickness": 1, "width": 0}


def _map(panel: Map) -> go.Figure:
    names = list(panel.names) or None
    trace = go.Heatmap(
        z=panel.rows,
        x=names,
        y=names,
        zmin=panel.limits[0],
        zmax=panel.limits[1],
        colorscale=SHADES,
        colorbar={"thickness": 10, "outlinewidth": 0},
        hoverongaps=False,
    )
    shape = layout(panel.labels, MAP_HEIGHT + (110 if names else 0))
    if names:
        shape.yaxis.update(autorange="reversed", tickfont={"size": 10}, dtick=1)
        shape.xaxis.update(tickangle=-90, tickfont={"size": 10}, dtick=1)
    return go.Figure([trace], shape)


def _bars(panel: Bars) -> go.Figure:
    bars = [
        go.Bar(x=panel.names, y=panel.generated, name=GENERATED_NAME, marker={"color": GENERATED}),
        go.Bar(
            x=panel.names,
            y=panel.full,
            name=FULL_NAME,
            marker={
                "color": "#ffffff",
                "line": {"color": FULL, "width": 1},
                "pattern": {"shape": "/", "fgcolor": FULL},
            },
        ),
    ]
    return go.Figure(bars[: 2 if panel.full else 1], layout(panel.labels, BARS_HEIGHT))
