"""The figure of a training: S and its groups by epoch, and the response of the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from svg import INK, SIZE, Panel, document

Record = dict[str, Any]

WIDTH, HEIGHT = 1040, 430
#: Colour (told apart by most colour-blind readers) and dashes of each group's line.
STYLES = (
    ("#0072b2", "8 3"),
    ("#d55e00", "2 2"),
    ("#009e73", "10 3 2 3"),
    ("#a0528a", "5 2"),
    ("#8a6d00", "1 3"),
    ("#3aa0d8", "12 4"),
    ("#b3442c", "6 2 1 2 1 2"),
    ("#666666", "3 3"),
    ("#111111", "14 3 3 3"),
)
WORDS = {
    "corr": "correlations",
    "cond": "conditioning",
    "cover": "coverage",
    "dup": "duplicates",
}
GEANT4, GENERATED = INK, "#d55e00"


def draw(records: Sequence[Record]) -> str:
    """The SVG of what a training wrote, finished or not."""
    epochs = [record for record in records if "epoch" in record]
    responses = [record["response"] for record in records if "response" in record]
    results = [record["result"] for record in records if "result" in record]
    panels = [_curves(epochs, results[0]["metrics"] if results else {})]
    if responses:
        panels.append(_response(responses[0]))
    return document(WIDTH, HEIGHT, "Training of the published fixed-angle 3DGAN", panels)


def _curves(epochs: Sequence[Record], metrics: dict[str, float]) -> Panel:
    x = [record["epoch"] for record in epochs]
    names = list(epochs[0]["groups"])
    curves = {name: [record["groups"][name] for record in epochs] for name in names}
    score = [record["score"] for record in epochs]
    highest = max(max(score), *(max(curve) for curve in curves.values()))
    first = 0 if len(x) > 10 else 1
    panel = Panel(72, 52, 400, 310, (first, max(x[-1], first + 1)), (0, 1.05 * highest))
    panel.axes("Score by epoch", "epoch", "S and its groups (lower is better)", whole=True)
    if "floor" in metrics:
        panel.line(panel.x, [metrics["floor"]] * 2, INK, dash="1 4", width=1.2)
    for name, (colour, dash) in zip(names, STYLES, strict=False):
        panel.line(x, curves[name], colour, dash=dash)
    panel.line(x, score, INK, width=3.2)
    ends = [
        (WORDS.get(name, name), curves[name][-1], colour, "normal")
        for name, (colour, _) in zip(names, STYLES, strict=False)
    ]
    floor = [("floor of S", metrics["floor"], INK, "normal")] if "floor" in metrics else []
    panel.end_labels([*ends, *floor, ("S", score[-1], INK, "bold")])
    return panel


def _response(response: Record) -> Panel:
    x = response["energy"]
    series = {
        name: ([100 * m for m, _ in response[name]], [100 * e for _, e in response[name]])
        for name in ("geant4", "generated")
    }
    tops = [m + e for means, errors in series.values() for m, e in zip(means, errors, strict=True)]
    panel = Panel(672, 52, 340, 310, (0, 1.05 * max(x)), (0, 1.25 * max(tops)))
    panel.axes(
        "Response at the test conditions", "primary energy Ep [GeV]", "sampling fraction [%]"
    )
    styles = (("geant4", GEANT4, "", False), ("generated", GENERATED, "7 4", True))
    for row, (name, colour, dash, filled) in enumerate(styles):
        means, errors = series[name]
        panel.line(x, means, colour, dash=dash, width=1.4)
        panel.points(x, means, errors, colour, filled=filled)
        left, top = panel.left + 18, panel.top + 16 + 22 * row
        panel.marker(left, top, colour, filled=filled)
        title = "Geant4" if name == "geant4" else "generated"
        panel.text(left + 14, top + 0.35 * SIZE, title, "start", colour=colour)
    return panel
