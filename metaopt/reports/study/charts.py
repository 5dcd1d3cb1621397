"""What a figure of a study shows, as plain frozen tuples: made from trials, drawn elsewhere.

Every number is rounded to what a screen can show, and what cannot be drawn is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from metaopt.reports.panels import Labels, Numbers, numbers
from metaopt.reports.tables import Table

#: Numbers, or the names of choices; None ends a line.
Places: TypeAlias = tuple[float | str | None, ...]
#: What a series is of; each kind has its own marker and line, also without colours.
Kind: TypeAlias = Literal[
    "complete",
    "pruned",
    "failed",
    "confirming",
    "published",
    "best",
    "geant4",
    "best so far",
    "expected",
    "front",
    "share",
    "promoted",
    "stopped",
    "complete line",
    "pruned line",
    "promoted line",
    "best line",
    "top line",
    "middle line",
    "rest line",
    "published line",
    "parent line",
    "complete slot",
    "pruned slot",
    "failed slot",
    "other slot",
]


@dataclass(frozen=True)
class Series:
    """Points or lines of one kind.

    Attributes:
        name: in the legend; empty stands in none.
        kind: how it is drawn.
        x, y: of equal length; None between two lines.
        error: standard deviations of y (of x for shares), or empty.
        trials: number of the trial of each point, or empty.
    """

    name: str
    kind: Kind
    x: Places
    y: Places
    error: Numbers = ()
    trials: tuple[int, ...] = ()


@dataclass(frozen=True)
class Note:
    """A word at a place of a chart."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Series over common axes.

    Attributes:
        labels: title, what to see, axes with units.
        series: later ones are drawn over earlier ones.
        log_x: logarithmic x axis.
        whole_x: whole numbers only on the x axis.
        ticks_x, ticks_y: texts at 0, 1, 2, ... in place of numbers.
        tall: whether rows are high enough for a curve in each.
        notes: words in the plot.
        wide: takes the width of the page.
    """

    labels: Labels
    series: tuple[Series, ...]
    log_x: bool = False
    whole_x: bool = False
    ticks_x: tuple[str, ...] = ()
    ticks_y: tuple[str, ...] = ()
    tall: bool = False
    notes: tuple[Note, ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Part:
    """A heading, an introduction, and what belongs below it."""

    title: str
    text: str
    items: tuple[Chart | Table, ...] = field(default=())


def series(
    name: str,
    kind: Kind,
    x: Sequence[float | str],
    y: Sequence[float],
    error: Sequence[float] = (),
    trials: Iterable[int] = (),
) -> tuple[Series, ...]:
    """A series of rounded numbers; none where there are no points."""
    if not len(x):
        return ()
    return (Series(name, kind, places(x), numbers(y), numbers(error), tuple(trials)),)


def lines(
    name: str, kind: Kind, curves: Iterable[tuple[Sequence[float], Sequence[float]]]
) -> tuple[Series, ...]:
    """Several lines as one series, None between them."""
    x: list[float | str | None] = []
    y: list[float | str | None] = []
    for xs, ys in curves:
        x += [*numbers(xs), None]
        y += [*numbers(ys), None]
    return (Series(name, kind, tuple(x[:-1]), tuple(y[:-1])),) if x else ()


def places(values: Sequence[float | str]) -> Places:
    """Names as they are, numbers rounded."""
    return tuple(v if isinstance(v, str) else numbers([v])[0] for v in values)
