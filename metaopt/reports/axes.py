"""Axes of a picture without a browser: from values to pixels, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

#: Ticks of a linear axis, about; a logarithmic one has at most twice as many.
TICKS = 5
#: Powers of ten below the highest value that a logarithmic axis shows, at most.
DECADES = 7


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis.

    Attributes:
        low, high: values at its ends.
        start, end: places of these [pixels].
        log: whether it is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Place of a value [pixels]; what a logarithm has not lies at the low end."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        share = (self._scaled(max(value, self.low) if self.log else value) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values within the ends."""
        if self.log:
            return self._decades()
        raw = (self.high - self.low) / TICKS
        unit = 10.0 ** math.floor(math.log10(raw))
        step = unit * next(m for m in (1, 2, 5, 10) if m * unit >= 0.8 * raw)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(i * step, 12) for i in range(first, last + 1)]

    def _decades(self) -> list[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        if last <= first:  # less than a decade is shown
            steps = (m * 10.0**p for p in (first - 1, first) for m in (1, 2, 5))
            return [v for v in steps if self.low <= v <= self.high]
        step = 1 + (last - first) // (2 * TICKS)
        return [10.0**p for p in range(first, last + 1, step)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def axis(values: Iterable[float], start: float, end: float, *, log: bool, margin: float) -> Axis:
    """An axis with room for all values.

    Args:
        values: finite ones; on a logarithmic axis those above 0 count.
        start: place of the low end [pixels].
        end: place of the high end.
        log: whether it is logarithmic.
        margin: share of the range that is added at each end.
    """
    known = [v for v in values if v > 0 or not log]
    low, high = min(known, default=0.1 if log else 0.0), max(known, default=1.0)
    if log:
        low = max(low, high / 10.0**DECADES)
        room = (high / low) ** margin if high > low else 2.0
        return Axis(low / room, high * room, start, end, log)
    room = margin * (high - low) or 0.5 * abs(high) or 1.0
    return Axis(low - room, high + room, start, end, log)


def label(value: float) -> str:
    """A tick's label: short, and no unit of its own."""
    if value and not 1e-3 <= abs(value) < 1e5:
        exponent = math.floor(math.log10(abs(value)) + 1e-9)
        mantissa = value / 10.0**exponent
        return f"{mantissa:g}e{exponent}" if abs(mantissa - 1) > 1e-9 else f"1e{exponent}"
    return f"{value:g}"
