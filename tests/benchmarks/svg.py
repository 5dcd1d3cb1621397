"""A few marks of a diagram as SVG: enough for line charts with error bars.

Lines differ by dash and points by shape as well as by colour, so that a print
without colours can be read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

FONT = "font-family='Helvetica, Arial, DejaVu Sans, sans-serif'"
INK, GRID = "#222222", "#dddddd"
TICK, SIZE = 5, 13
#: Least distance between the labels at line ends [px].
LABEL_STEP = 17

Values = Sequence[float]


@dataclass
class Panel:
    """One diagram with linear axes.

    Attributes:
        left, top, width, height: of the frame [px].
        x, y: ranges shown, data units.
        marks: the SVG elements so far.
    """

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    marks: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Place of a value [px]."""
        (x0, x1), (y0, y1) = self.x, self.y
        return (
            self.left + self.width * (x - x0) / (x1 - x0),
            self.top + self.height * (y1 - y) / (y1 - y0),
        )

    def axes(self, title: str, x_label: str, y_label: str, *, whole: bool = False) -> None:
        """Frame, grid, ticks (at whole numbers of x only, if asked) and names."""
        bottom, right = self.top + self.height, self.left + self.width
        for value in (v for v in ticks(*self.x) if not whole or v == round(v)):
            x, _ = self.at(value, self.y[0])
            self._segment(x, bottom, x, bottom + TICK)
            self.text(x, bottom + TICK + SIZE + 2, f"{value:g}", "middle")
        for value in ticks(*self.y):
            _, y = self.at(self.x[0], value)
            self._segment(self.left, y, right, y, GRID)
            self._segment(self.left - TICK, y, self.left, y)
            self.text(self.left - TICK - 4, y + 0.35 * SIZE, f"{value:g}", "end")
        self._segment(self.left, self.top, self.left, bottom)
        self._segment(self.left, bottom, right, bottom)
        self.text(self.left, self.top - 16, title, "start", weight="bold", size=SIZE + 2)
        self.text(self.left + self.width / 2, bottom + 42, x_label, "middle")
        middle = f"{self.left - 46:.1f} {self.top + self.height / 2:.1f}"
        self.marks.append(
            f"<text transform='translate({middle}) rotate(-90)' text-anchor='middle' {FONT} "
            f"font-size='{SIZE}' fill='{INK}'>{escape(y_label)}</text>"
        )

    def line(
        self, x: Values, y: Values, colour: str, *, dash: str = "", width: float = 1.6
    ) -> None:
        """A polyline."""
        places = " ".join("{:.1f},{:.1f}".format(*self.at(*p)) for p in zip(x, y, strict=True))
        dashes = f" stroke-dasharray='{dash}'" if dash else ""
        self.marks.append(
            f"<polyline points='{places}' fill='none' stroke='{colour}' "
            f"stroke-width='{width}' stroke-linejoin='round'{dashes}/>"
        )

    def points(self, x: Values, y: Values, errors: Values, colour: str, *, filled: bool) -> None:
        """Filled squares or open circles with error bars."""
        for value, mean, error in zip(x, y, errors, strict=True):
            column, low = self.at(value, mean - error)
            _, high = self.at(value, mean + error)
            for end in (low, high):
                self._segment(column - 4, end, column + 4, end, colour)
            self._segment(column, low, column, high, colour)
            self.marker(*self.at(value, mean), colour, filled=filled)

    def marker(self, x: float, y: float, colour: str, *, filled: bool) -> None:
        """A filled square or an open circle at a place [px]."""
        square = f"<rect x='{x - 4:.1f}' y='{y - 4:.1f}' width='8' height='8' fill='{colour}'/>"
        circle = (
            f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4.5' fill='white' stroke='{colour}' "
            f"stroke-width='1.8'/>"
        )
        self.marks.append(square if filled else circle)

    def end_labels(self, ends: Sequence[tuple[str, float, str, str]]) -> None:
        """Names beside the line ends: (text, y, colour, weight), moved apart, led by a hairline."""
        right = self.left + self.width
        wanted = sorted((self.at(self.x[1], y)[1], text, c, w) for text, y, c, w in ends)
        for place, (y, text, colour, weight) in zip(
            spread([y for y, *_ in wanted], self.top + self.height), wanted, strict=True
        ):
            self._segment(right + 3, y, right + 18, place, colour, 0.8)
            self.text(right + 22, place + 0.35 * SIZE, text, "start", colour=colour, weight=weight)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        anchor: str,
        *,
        colour: str = INK,
        weight: str = "normal",
        size: int = SIZE,
    ) -> None:
        """A text at a place [px]."""
        self.marks.append(
            f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' {FONT} font-size='{size}' "
            f"font-weight='{weight}' fill='{colour}'>{escape(text)}</text>"
        )

    def _segment(
        self, x1: float, y1: float, x2: float, y2: float, colour: str = INK, width: float = 1.2
    ) -> None:
        self.marks.append(
            f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' "
            f"stroke='{colour}' stroke-width='{width}'/>"
        )


def document(width: int, height: int, title: str, panels: Sequence[Panel]) -> str:
    """The whole file: panels on white, so that it reads on a dark page as well."""
    marks = "\n".join(mark for panel in panels for mark in panel.marks)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}' role='img'>\n<title>{escape(title)}</title>\n"
        f"<rect width='100%' height='100%' fill='white'/>\n{marks}\n</svg>\n"
    )


def ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers in a range."""
    raw = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(raw))
    step = unit * next(m for m in (1, 2, 5, 10) if m * unit >= 0.8 * raw)
    return [round(i * step, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def spread(wanted: Values, lowest: float) -> list[float]:
    """Ascending places at least a label apart and not below the frame, near the wanted ones."""
    places: list[float] = []
    for y in wanted:
        places.append(max(y, places[-1] + LABEL_STEP) if places else y)
    for i in reversed(range(len(places))):
        limit = places[i + 1] - LABEL_STEP if i + 1 < len(places) else lowest
        places[i] = min(places[i], limit)
    return places
