"""What a figure shows, as plain frozen tuples: made from arrays here, drawn elsewhere.

Every number is rounded to what a screen can show, and what cannot be drawn is None.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaopt.reports.statistics import Values, ratio

Array64 = NDArray[np.float64]
Numbers = tuple[float | None, ...]

#: Significant digits of a number in a figure.
DIGITS = 5
#: Bins of a histogram.
BINS = 30
#: Share of the full simulation's showers beyond each end of a histogram's axis.
TAIL = 0.002
#: The same of the generated showers.
BULK = 0.05


@dataclass(frozen=True)
class Labels:
    """The words of a figure.

    Attributes:
        title: what it shows.
        look: what to look at, in a sentence.
        x, y: of the axes, with units.
    """

    title: str
    look: str
    x: str = ""
    y: str = ""


@dataclass(frozen=True)
class Points:
    """Values with errors; None where there is nothing to draw."""

    x: Numbers
    y: Numbers
    error: Numbers


@dataclass(frozen=True)
class Comparison:
    """Generated against the full simulation, and their ratio below.

    Attributes:
        labels: the words.
        full, generated: the two samples.
        ratio: generated over full simulation; None where values change sign.
        steps: whether these are bins, to be drawn as steps.
        log_x, log_y: logarithmic axes.
    """

    labels: Labels
    full: Points
    generated: Points
    ratio: Points | None
    steps: bool = False
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Map:
    """A picture of numbers in two dimensions.

    Attributes:
        labels: the words.
        rows: the values; rows[i][j] stands at y = i, x = j.
        limits: values of the first and the last shade.
        names: of rows and columns, where they have names.
    """

    labels: Labels
    rows: tuple[Numbers, ...]
    limits: tuple[float, float]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bars:
    """A bar for each name, of the generated sample and of the full simulation itself."""

    labels: Labels
    names: tuple[str, ...]
    generated: Numbers
    full: Numbers


Panel = Comparison | Map | Bars


@dataclass(frozen=True)
class Section:
    """A heading and the figures that belong below it."""

    title: str
    panels: tuple[Panel, ...]


def numbers(values: ArrayLike) -> Numbers:
    """Plain rounded numbers; None for what is not finite."""
    array = np.asarray(values, dtype=np.float64)
    return tuple(float(f"{v:.{DIGITS}g}") if np.isfinite(v) else None for v in array)


def bin_ends(middles: Numbers, log: bool) -> tuple[float, ...]:
    """The outer edges of bins, half a bin beyond their middles; none of a single bin."""
    known = [m for m in middles if m is not None]
    if len(known) < 2:
        return ()
    if log:
        return known[0] ** 1.5 / known[1] ** 0.5, known[-1] ** 1.5 / known[-2] ** 0.5
    return 1.5 * known[0] - 0.5 * known[1], 1.5 * known[-1] - 0.5 * known[-2]


def points(x: ArrayLike, values: Values) -> Points:
    """Points at x (n,) of values and errors (n,)."""
    return Points(numbers(x), numbers(values[0]), numbers(values[1]))


def picture(
    labels: Labels, values: Array64, limits: tuple[float, float], names: tuple[str, ...] = ()
) -> Map:
    """A map of a matrix; NaN is left blank."""
    return Map(labels, tuple(numbers(row) for row in values), limits, names)


def compared(
    labels: Labels,
    x: ArrayLike,
    full: Values,
    generated: Values,
    *,
    steps: bool = False,
    log_x: bool = False,
    log_y: bool = False,
    signed: bool = False,
) -> Comparison:
    """A comparison of two sets of values and errors at the same x, with their ratio.

    Of ``signed`` values, which may be near zero, the ratio means nothing and is left out.
    """
    over = None if signed else points(x, ratio(generated, full))
    return Comparison(
        labels, points(x, full), points(x, generated), over, steps, log_x=log_x, log_y=log_y
    )


def histogram(labels: Labels, full: Array64, generated: Array64) -> Comparison:
    """Shares of the showers in bins of a quantity.

    The axis has room for nearly all of the full simulation and, up to twice its width on
    either side, for the bulk of the generated showers. What lies beyond is in the first and
    the last bin: a histogram that drops it would hide the worst showers.

    Args:
        labels: the words.
        full: (n,), at least one value.
        generated: (m,).
    """
    edges = _edges(full, generated)
    middles = 0.5 * (edges[1:] + edges[:-1])
    labels = replace(labels, y="share of the showers")
    return compared(labels, middles, _shares(full, edges), _shares(generated, edges), steps=True)


def _edges(full: Array64, generated: Array64) -> Array64:
    low, high = np.quantile(full, [TAIL, 1 - TAIL])
    width = high - low or abs(high) or 1.0
    if len(generated):
        bulk = np.quantile(generated, [BULK, 1 - BULK])
        low = max(min(low, bulk[0]), low - 2 * width)
        high = min(max(high, bulk[1]), high + 2 * width)
    return np.linspace(low - 0.1 * width, high + 0.1 * width, BINS + 1)


def _shares(values: Array64, edges: Array64) -> Values:
    """Share of the values in each bin, and its error."""
    inside = np.clip(values, edges[0], edges[-1])
    counts = np.histogram(inside, edges)[0].astype(np.float64)
    n = max(len(values), 1)
    return counts / n, np.sqrt(counts) / n
