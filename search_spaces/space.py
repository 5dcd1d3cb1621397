"""The search space: ordered parameters, and what may be asked of them as a whole.

Notation: d parameters in order, parents before children. A *point* holds the
active parameters only: a layer's kernel is absent where the layer is. *Genes*
are a value for every parameter, the inactive ones included; a genetic strategy
carries them along.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import SpaceError
from search_spaces.parameters import (
    Categorical,
    Condition,
    Float,
    Int,
    Parameter,
    Point,
    Value,
    is_stepped,
)
from search_spaces.records import encode as to_plain
from search_spaces.records import suggestion

Array = NDArray[np.float64]

#: The values of a point in order, steps for those that have any, None where one is not active.
Key: TypeAlias = tuple[Value | None, ...]

#: Draws after which a space is called infeasible: at a feasible share of 1 % all fail
#: with a probability of 4e-5.
MAX_DRAWS = 1000

#: The features of a point of which nothing varies.
_NONE: Array = np.zeros(0)


@dataclass(frozen=True)
class Baseline:
    """A named point, such as the published configuration."""

    name: str
    point: Point


@dataclass(frozen=True)
class SearchSpace:
    """Parameters that may vary, and named points among them.

    Attributes:
        name: what the user calls it.
        family: the model family whose parameters these are ("gan3d", "toy", "module:Class").
        preset: the family's named configuration that gives every value not in the space.
        parameters: ordered; the parent of a conditional parameter stands before it.
        baselines: named points; the first is trial 0 of every study.
        constraint: answers why a point cannot be built, or None; set by :meth:`constrained`.
    """

    name: str
    family: str
    preset: str
    parameters: tuple[Parameter, ...]
    baselines: tuple[Baseline, ...] = ()
    constraint: Callable[[Point], str | None] | None = None

    def __post_init__(self) -> None:
        seen: dict[str, Parameter] = {}
        for parameter in self.parameters:
            if parameter.name in seen:
                raise SpaceError(f"parameter names must differ, got {parameter.name!r} twice")
            if parameter.when is not None:
                _check_condition(parameter.name, parameter.when, seen)
            seen[parameter.name] = parameter
        if not seen:
            raise SpaceError(f"a space needs at least one parameter, got none in {self.name!r}")
        for baseline in self.baselines:
            self.check(baseline.point, f"baseline {baseline.name!r}")

    def __getitem__(self, name: str) -> Parameter:
        return self._by_name[name]

    @property
    def _by_name(self) -> dict[str, Parameter]:
        return {p.name: p for p in self.parameters}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameter names in order."""
        return tuple(p.name for p in self.parameters)

    @cached_property
    def varying(self) -> tuple[Parameter, ...]:
        """The parameters with more than one value; a search has to do with these alone."""
        return tuple(p for p in self.parameters if _varies(p))

    @cached_property
    def _stepped(self) -> tuple[tuple[int, Float], ...]:
        """The real parameters with a step, and their places."""
        numbered = enumerate(self.parameters)
        return tuple((i, p) for i, p in numbered if isinstance(p, Float) and p.step is not None)

    def check_conditions(self) -> None:
        """Raise :class:`SpaceError` for a parameter that would never exist.

        What a user gives is checked; a stored space stays readable.
        """
        for p in self.parameters:
            if p.when is not None and not _can_hold(p.when, parent := self[p.when.parent]):
                raise SpaceError(
                    f"some value of {parent.name!r} must satisfy the condition of {p.name!r}, got "
                    f'when = "{p.when}" and {describe(parent)}; {p.name!r} would never exist, '
                    "correct it"
                )

    # -- points ---------------------------------------------------------------------------

    def activate(self, genes: Mapping[str, Value]) -> dict[str, Value]:
        """The point of ``genes``: active parameters only, in order."""
        point: dict[str, Value] = {}
        for p in self.parameters:
            if p.when is None or p.when.holds(point):
                point[p.name] = genes[p.name]
        return point

    def check(self, point: Point, where: str = "point") -> None:
        """Raise :class:`SpaceError` for an unknown, missing or out-of-range parameter."""
        known = self._by_name
        for name in point:
            if name not in known:
                raise SpaceError(f"{where}: unknown parameter {name!r}; {suggestion(name, known)}")
        for p in self.parameters:
            active = p.when is None or p.when.holds(point)
            if active and p.name not in point:
                raise SpaceError(f"{where}: {p.name!r} is active and must have a value")
            if not active and p.name in point:
                raise SpaceError(f"{where}: {p.name!r} exists only when {p.when}; remove it")
            if active and not p.contains(point[p.name]):
                raise SpaceError(
                    f"{where}: {p.name} must lie in {describe(p)}, got {point[p.name]!r}"
                )

    def constrained(self, constraint: Callable[[Point], str | None]) -> SearchSpace:
        """The same space, knowing which points cannot be built."""
        return replace(self, constraint=constraint)

    def is_feasible(self, point: Point) -> bool:
        """Whether the constraint, if any, lets the point be built."""
        return self.constraint is None or self.constraint(point) is None

    def key(self, point: Point) -> Key:
        """Equal for equal points: what duplicates are recognised by.

        2 and 2.0 are equal, as are 0.3 and the third step of 0.1, which is 0.30000000000000004.
        """
        values = [point.get(name) for name in self.names]
        for i, p in self._stepped:
            value = values[i]
            if value is not None:
                values[i] = p.step_of(value)
        return tuple(values)

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """A feasible point, uniform in the unit cube of genes.

        Raises:
            SpaceError: if none of ``MAX_DRAWS`` draws is feasible, with the last reason.
        """
        reason: str | None = None
        for _ in range(MAX_DRAWS):
            point = self.from_unit(rng.random(len(self.parameters)))
            reason = None if self.constraint is None else self.constraint(point)
            if reason is None:
                return point
        raise SpaceError(
            f"no point of space {self.name!r} can be built ({MAX_DRAWS} draws); "
            f"the last one: {reason}. Widen the kernels or layer counts"
        )

    # -- the unit cube --------------------------------------------------------------------

    def from_unit(self, u: Array) -> dict[str, Value]:
        """The point of a vector in [0, 1]^d, one coordinate per parameter."""
        return self.activate(self.genes(u))

    def genes(self, u: Array) -> dict[str, Value]:
        """A value for every parameter, active or not, of a vector in [0, 1]^d."""
        return {p.name: p.from_unit(float(x)) for p, x in zip(self.parameters, u, strict=True)}

    def to_unit(self, point: Point, fill: float = 0.5) -> Array:
        """The vector in [0, 1]^d of a point; inactive coordinates are ``fill``."""
        unit = [p.to_unit(point[p.name]) if p.name in point else fill for p in self.parameters]
        return np.array(unit, dtype=np.float64)

    def encode(self, points: Iterable[Point], fill: float = 0.5) -> Array:
        """Model features (n, w) of what varies: numbers as in the unit cube, choices one-hot.

        A choice's columns are divided by sqrt(2), so that two different choices
        are at distance 1, as far apart as the ends of a numeric range.
        """
        rows = [
            np.concatenate([_NONE, *(_columns(p, point.get(p.name), fill) for p in self.varying)])
            for point in points
        ]
        return np.array(rows, dtype=np.float64).reshape(len(rows), self.width)

    @property
    def width(self) -> int:
        """Number of columns of :meth:`encode`."""
        return sum(len(p.choices) if isinstance(p, Categorical) else 1 for p in self.varying)

    # -- identity -------------------------------------------------------------------------

    @property
    def digest(self) -> str:
        """SHA-256 of everything that says what may vary (not of the name)."""
        kinds = [[type(p).__name__, to_plain(p)] for p in self.parameters]
        text = json.dumps([self.family, self.preset, kinds], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _check_condition(name: str, when: Condition, before: Mapping[str, Parameter]) -> None:
    parent = before.get(when.parent)
    if parent is None:
        raise SpaceError(f"the parent of {name!r} must stand before it, got when = '{when}'")
    words = isinstance(parent, Categorical) and any(isinstance(c, str) for c in parent.choices)
    if words and when.operator == ">=":
        raise SpaceError(
            f"'>=' needs a parent of numbers, got when = '{when}' for {name!r}; use =="
        )


def _can_hold(when: Condition, parent: Parameter) -> bool:
    if isinstance(parent, Categorical):
        return any(when.holds({when.parent: choice}) for choice in parent.choices)
    if isinstance(when.value, str):
        return False
    if when.operator == ">=":
        return parent.high >= float(when.value)
    whole = isinstance(parent, Int) and float(when.value).is_integer()
    return parent.contains(int(when.value) if whole else when.value)


def _varies(p: Parameter) -> bool:
    return len(p.choices) > 1 if isinstance(p, Categorical) else p.low < p.high


def _columns(p: Parameter, value: Value | None, fill: float) -> Array:
    if isinstance(p, Categorical):
        if value is None:
            return np.full(len(p.choices), fill / len(p.choices))
        one_hot: Array = np.array([c == value for c in p.choices], dtype=np.float64)
        return one_hot / math.sqrt(2.0)
    return np.array([fill if value is None else p.to_unit(value)])


def describe(p: Parameter) -> str:
    """The range of a parameter in words: ``[1e-05, 0.01] (log)`` or ``{32, 64}``."""
    if isinstance(p, Categorical):
        return "{" + ", ".join(str(c) for c in p.choices) + "}"
    step = f" in steps of {p.step}" if is_stepped(p) else ""
    return f"[{p.low}, {p.high}]{step}{' (log)' if p.log else ''}"
