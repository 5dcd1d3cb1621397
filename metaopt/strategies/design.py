"""How a study begins: the published points, then a Latin hypercube grown point by point.

A Latin hypercube is usually drawn as a whole, and then somebody must keep it.
Here each point is drawn given the known ones: every coordinate falls into a
stratum that the fewest known points occupy. So the design needs no state and no
seed of its own, fills the gaps that the baselines and infeasible regions leave,
goes on after a restart, and balances the choices of a categorical parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from metaopt.strategies.base import Proposal
from metaopt.strategies.points import Step, random_proposal
from search_spaces.parameters import Categorical, Int, Parameter, Point
from search_spaces.space import Array, Key, SearchSpace

#: Draws before a design point is replaced by a uniform feasible one.
MAX_TRIES = 50


def next_baseline(space: SearchSpace, known: set[Key]) -> Proposal | None:
    """The first feasible baseline that is not known yet, if any."""
    for baseline in space.baselines:
        if space.key(baseline.point) not in known and space.is_feasible(baseline.point):
            note = {"operators": "baseline", "baseline": baseline.name}
            return Proposal(dict(baseline.point), note)
    return None


def baselines_first(
    space: SearchSpace,
    rng: np.random.Generator,
    suggest: Callable[[Sequence[Point], set[Key]], Proposal | None],
) -> Step:
    """A step that gives the baselines, then what ``suggest`` has, a random point if nothing."""

    def step(waiting: Sequence[Point], known: set[Key]) -> Proposal:
        proposal = next_baseline(space, known) or suggest(waiting, known)
        return proposal or random_proposal(space, known, rng)

    return step


def design_point(
    space: SearchSpace,
    points: Sequence[Point],
    known: set[Key],
    size: int,
    rng: np.random.Generator,
) -> Proposal:
    """The next point of the initial design, after the baselines.

    Args:
        space: what may vary.
        points: all known points, running ones included.
        known: their keys; the proposal's is not among them unless the space is used up.
        size: points in the whole design: the number of strata of a numeric parameter.
        rng: of every draw.

    Raises:
        SpaceError: the space has no feasible point.
    """
    for _ in range(MAX_TRIES):
        point = space.from_unit(latin_vector(space, points, size, rng))
        if space.key(point) not in known and space.is_feasible(point):
            return Proposal(point, {"operators": "design"})
    return random_proposal(space, known, rng)


def latin_vector(
    space: SearchSpace, points: Sequence[Point], size: int, rng: np.random.Generator
) -> Array:
    """A vector in [0, 1]^d whose every coordinate lies in a least occupied stratum."""
    u = np.empty(len(space.parameters))
    for j, p in enumerate(space.parameters):
        strata = _strata(p, size)
        places = [int(p.to_unit(x[p.name]) * strata) for x in points if p.name in x]
        used = np.clip(np.array(places, dtype=np.int64), 0, strata - 1)
        count = np.bincount(used, minlength=strata)
        least = np.flatnonzero(count == count.min())
        u[j] = (rng.choice(least) + rng.random()) / strata
    return u


def _strata(p: Parameter, size: int) -> int:
    """One per choice; one per whole number if there are few, since others would stay empty."""
    if isinstance(p, Categorical):
        return len(p.choices)
    if isinstance(p, Int) and not p.log:
        return min(p.count, size)
    return size
