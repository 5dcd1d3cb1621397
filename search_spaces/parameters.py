"""What one parameter may be: a number in a range, a whole number, or one of some choices.

Every parameter maps its values to the unit interval and back, so that
strategies work on [0, 1] whatever the scale: a logarithmic range is uniform in
its logarithm, a stepped one has cells of equal width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from search_spaces.errors import SpaceError

Value: TypeAlias = float | int | str | bool
#: The active parameters of one configuration.
Point: TypeAlias = Mapping[str, Value]

#: Words of a condition; older study stores have them as Python writes them.
TRUTH = {"true": True, "false": False, "True": True, "False": False}


@dataclass(frozen=True)
class Condition:
    """A parameter exists only where ``parent operator value`` holds."""

    parent: str
    operator: str
    value: Value

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read ``"g_layers >= 3"`` or ``"activation == 'relu'"``."""
        parts = text.split(maxsplit=2)
        if len(parts) != 3 or parts[1] not in (">=", "=="):
            raise SpaceError(
                f"a condition reads 'parameter >= number' or 'parameter == value', got {text!r}"
            )
        value = _literal(parts[2])
        if parts[1] == ">=" and isinstance(value, (str, bool)):
            raise SpaceError(f"a condition with '>=' needs a number, got {text!r}")
        return cls(parts[0], parts[1], value)

    def holds(self, point: Point) -> bool:
        """Whether the parent is active in ``point`` and satisfies the condition."""
        got = point.get(self.parent)
        if got is None:
            return False
        if self.operator == ">=":
            return float(got) >= float(self.value)
        return got == self.value

    def __str__(self) -> str:
        """The text that :meth:`parse` reads."""
        value = f"'{self.value}'" if isinstance(self.value, str) else self.value
        if isinstance(value, bool):
            value = "true" if value else "false"
        return f"{self.parent} {self.operator} {value}"


def _literal(text: str) -> Value:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text in TRUTH:
        return TRUTH[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@dataclass(frozen=True)
class Float:
    """A real number in [low, high], uniform or uniform in its logarithm."""

    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: Condition | None = None

    def __post_init__(self) -> None:
        _check_range(self.name, self.low, self.high, self.log)
        if self.step is not None and (self.step <= 0 or self.log):
            raise SpaceError(
                f"a step must be positive and not logarithmic, got step={self.step}, "
                f"log={self.log} for {self.name!r}"
            )
        if not self._on_grid(self.high):
            raise SpaceError(
                f"the step must divide high - low, got low={self.low}, high={self.high}, "
                f"step={self.step} for {self.name!r}"
            )

    def contains(self, value: object) -> bool:
        """Whether ``value`` is a number in the range, and on the grid of the step."""
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        return self.low <= value <= self.high and self._on_grid(value)

    def _on_grid(self, value: float) -> bool:
        """To 1e-8 of a step, as the study store has it."""
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-8

    def step_of(self, value: Value) -> int:
        """Which step of the grid ``value`` is, in whose last digit it may differ."""
        return round((float(value) - self.low) / (self.step or 1.0))

    def from_unit(self, u: float) -> float:
        """The value at ``u`` in [0, 1]; beyond, the nearest end."""
        if self.log:
            exponent = math.log(self.low) + u * (math.log(self.high) - math.log(self.low))
            return min(max(math.exp(exponent), self.low), self.high)
        value = self.low + u * (self.high - self.low)
        if self.step is not None:
            value = self.low + self.step_of(value) * self.step
        return min(max(value, self.low), self.high)

    def to_unit(self, value: Value) -> float:
        """The place of ``value`` in [0, 1]."""
        if self.high == self.low:
            return 0.5
        number = float(value)
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def clip(self, value: Value) -> float:
        """The nearest value in range (for a warm start from another space)."""
        return self.from_unit(self.to_unit(min(max(float(value), self.low), self.high)))


@dataclass(frozen=True)
class Int:
    """A whole number low, low + step, ... high."""

    name: str
    low: int
    high: int
    log: bool = False
    step: int = 1
    when: Condition | None = None

    def __post_init__(self) -> None:
        _check_range(self.name, self.low, self.high, self.log)
        if self.step < 1 or (self.high - self.low) % self.step:
            raise SpaceError(
                f"the step must be at least 1 and divide high - low, got low={self.low}, "
                f"high={self.high}, step={self.step} for {self.name!r}"
            )
        if self.log and self.step != 1:
            raise SpaceError(f"a logarithmic range has no step, got {self.step} for {self.name!r}")

    def contains(self, value: object) -> bool:
        """Whether ``value`` is a whole number on the grid."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return (
            whole
            and self.low <= value <= self.high  # type: ignore[operator]
            and (value - self.low) % self.step == 0  # type: ignore[operator]
        )

    def from_unit(self, u: float) -> int:
        """The value whose cell holds ``u``: every value has a cell, linear or logarithmic.

        Beyond [0, 1] that is the nearest end.
        """
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            index = round(math.exp(low + u * (high - low))) - self.low
        else:
            index = math.floor(u * self.count)
        return self.low + min(max(index, 0), self.count - 1) * self.step

    def to_unit(self, value: Value) -> float:
        """The middle of the value's cell."""
        number = float(value)
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return (math.log(number) - low) / (high - low)
        return ((number - self.low) / self.step + 0.5) / self.count

    @property
    def count(self) -> int:
        """How many values there are."""
        return (self.high - self.low) // self.step + 1

    def clip(self, value: Value) -> int:
        """The nearest value in range (for a warm start from another space)."""
        index = round((float(value) - self.low) / self.step)
        return self.low + min(max(index, 0), self.count - 1) * self.step


@dataclass(frozen=True)
class Categorical:
    """One of some choices, without order."""

    name: str
    choices: tuple[Value, ...]
    when: Condition | None = None

    def __post_init__(self) -> None:
        if len(set(self.choices)) != len(self.choices) or not self.choices:
            raise SpaceError(
                f"choices must be distinct and not empty, got {list(self.choices)} "
                f"for {self.name!r}"
            )

    def contains(self, value: object) -> bool:
        """Whether ``value`` is one of the choices (1 and true are not the same)."""
        return any(type(value) is type(c) and value == c for c in self.choices)

    def from_unit(self, u: float) -> Value:
        """The choice whose cell holds ``u``."""
        return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]

    def to_unit(self, value: Value) -> float:
        """The middle of the choice's cell."""
        return (self.choices.index(value) + 0.5) / len(self.choices)

    def clip(self, value: Value) -> Value:
        """The value if it is a choice, else the first choice."""
        return value if self.contains(value) else self.choices[0]


Parameter: TypeAlias = Float | Int | Categorical


def is_stepped(p: Float | Int) -> bool:
    """Whether a step leaves out values: that of whole numbers is 1 without one."""
    return p.step is not None if isinstance(p, Float) else p.step != 1


def _check_range(name: str, low: float, high: float, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise SpaceError(f"low <= high must hold, got (low={low}, high={high}) for {name!r}")
    if log and low <= 0:
        raise SpaceError(f"low > 0 must hold for a logarithmic range, got low={low} for {name!r}")
