"""Feasible points that are new, and the loop that all strategies share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from metaopt.strategies.base import Observation, Proposal
from search_spaces.errors import SpaceError
from search_spaces.parameters import Categorical, Float, Parameter, Point, Value
from search_spaces.records import shown
from search_spaces.space import Key, SearchSpace

#: Draws tried before a space is suspected to be used up.
QUICK_DRAWS = 100
#: Finite spaces up to this many gene combinations are searched to the last point.
MAX_GRID = 4096

#: Makes one proposal from the points under way and the keys of all known points.
Step: TypeAlias = Callable[[Sequence[Point], set[Key]], Proposal]


def only_proposal(proposed: object, space: SearchSpace, strategy: str, number: int) -> Proposal:
    """The one proposal that a strategy was asked for, if it keeps to its contract.

    What does not would be trained as something else, or end in the store.

    Args:
        proposed: what ``propose`` returned.
        space: what may vary.
        strategy: what an error text calls it.
        number: of the proposal.

    Raises:
        SpaceError: there is not one proposal, it is not of the space, or its note is no text.
    """
    if not isinstance(proposed, Sequence) or not all(isinstance(p, Proposal) for p in proposed):
        raise SpaceError(
            f"{strategy} must return a list of metaopt.strategies.base.Proposal, "
            f"got {shown(proposed)}"
        )
    if len(proposed) != 1:
        raise SpaceError(f"{strategy} was asked for 1 proposal, got {len(proposed)}")
    made: Proposal = proposed[0]
    where = f"proposal {number} of {strategy}"
    space.check(made.point, where)
    note: Mapping[Any, Any] = made.note
    for key, value in note.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise SpaceError(
                f"{where}: its note must be text by name, got {shown(value)} for {shown(key)}"
            )
    return made


def known_keys(
    space: SearchSpace, history: Sequence[Observation], pending: Iterable[Point]
) -> set[Key]:
    """Keys of every point that was or is being evaluated."""
    points = itertools.chain((o.point for o in history), pending)
    return {space.key(point) for point in points}


def in_turn(
    space: SearchSpace,
    history: Sequence[Observation],
    pending: Sequence[Point],
    n: int,
    step: Step,
) -> list[Proposal]:
    """``n`` proposals of ``step``, each of which sees the ones before it as pending."""
    waiting, known = list(pending), known_keys(space, history, pending)
    proposals = []
    for _ in range(n):
        proposal = step(waiting, known)
        proposals.append(proposal)
        waiting.append(proposal.point)
        known.add(space.key(proposal.point))
    return proposals


def fresh_sample(space: SearchSpace, known: set[Key], rng: np.random.Generator) -> dict[str, Value]:
    """A uniform feasible point that is not known; a known one if there is no other.

    A finite space of at most ``MAX_GRID`` combinations is searched to its last point,
    so that "no other" is then exact.

    Raises:
        SpaceError: the space has no feasible point.
    """
    for _ in range(QUICK_DRAWS):
        point = space.sample(rng)
        if space.key(point) not in known:
            return point
    rest = _unknown_points(space, known)
    return rest[int(rng.integers(len(rest)))] if rest else point


def random_proposal(space: SearchSpace, known: set[Key], rng: np.random.Generator) -> Proposal:
    """A fresh sample: what is left where a strategy has nothing to propose.

    Raises:
        SpaceError: the space has no feasible point.
    """
    return Proposal(fresh_sample(space, known, rng), {"operators": "random"})


def _unknown_points(space: SearchSpace, known: set[Key]) -> list[dict[str, Value]]:
    if math.prod(_count(p) for p in space.parameters) > MAX_GRID:
        return []
    found: dict[Key, dict[str, Value]] = {}
    for values in itertools.product(*(_values(p) for p in space.parameters)):
        point = space.activate(dict(zip(space.names, values, strict=True)))
        key = space.key(point)
        if key not in known and key not in found and space.is_feasible(point):
            found[key] = point
    return list(found.values())


def _count(p: Parameter) -> float:
    """How many values a parameter has; infinite for a real number."""
    if isinstance(p, Categorical):
        return len(p.choices)
    if isinstance(p, Float):
        if p.low == p.high:
            return 1
        return math.inf if p.step is None else p.step_of(p.high) + 1
    return p.count


def _values(p: Parameter) -> list[Value]:
    if isinstance(p, Categorical):
        return list(p.choices)
    if isinstance(p, Float):
        return [min(p.low + i * (p.step or 0.0), p.high) for i in range(int(_count(p)))]
    return [p.low + i * p.step for i in range(p.count)]
