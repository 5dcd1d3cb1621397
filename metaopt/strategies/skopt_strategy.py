"""Plain scikit-optimize as a strategy: its ``Optimizer`` with its defaults, to compare with.

Each proposal makes the optimiser again from the history. It knows neither conditions nor
pending, failed or pruned points. So every gene is one of its dimensions, the inactive ones
travel in the note of the proposal; running trials are told as the best score so far, which
is what ``ask(n_points, strategy="cl_min")`` does; failed and pruned trials are left out.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.design import baselines_first
from metaopt.strategies.points import in_turn
from search_spaces.parameters import Categorical, Float, Parameter, Point, Value
from search_spaces.space import Key, SearchSpace

#: Suggestions that may be infeasible or known before the next point is random.
MAX_TRIES = 3
#: Coordinates of a point, one per parameter, and its score.
Told: TypeAlias = tuple[list[Any], float]


@dataclass(frozen=True)
class ScikitOptimize:
    """``skopt.Optimizer`` with its defaults: ten random points, then ``gp_hedge``.

    Attributes:
        tell_failures: tell failed trials with the worst score of the others, and pruned
            ones with their last score.
    """

    tell_failures: bool = False

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """See :meth:`metaopt.strategies.base.Strategy.propose`."""

        def suggest(waiting: Sequence[Point], known: set[Key]) -> Proposal | None:
            told = self._told(space, history, waiting)
            for _ in range(MAX_TRIES):
                genes = _ask(space, told, int(rng.integers(2**31)))
                point = space.activate(genes)
                if space.key(point) not in known and space.is_feasible(point):
                    return Proposal(point, _note(genes, point))
            return None

        return in_turn(space, history, pending, n, baselines_first(space, rng, suggest))

    def _told(
        self, space: SearchSpace, history: Sequence[Observation], pending: Sequence[Point]
    ) -> list[Told]:
        """Coordinates and scores, running trials last."""
        alive = [o for o in history if o.state is not State.FAILED]
        worst = max((o.score for o in alive), default=None)
        told = []
        for o in history:
            score = worst if o.state is State.FAILED else o.score
            seen = o.state is State.COMPLETE or self.tell_failures
            if seen and score is not None:
                told.append((_coordinates(space, o.point, o), score))
        lie = min((score for _, score in told), default=0.0)
        return told + [(_coordinates(space, point), lie) for point in pending]


def _ask(space: SearchSpace, told: list[tuple[list[Any], float]], seed: int) -> dict[str, Value]:
    """Genes that a fresh optimiser asks for after it was told everything."""
    from skopt import Optimizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # repeated points and unconverged fits
        optimizer = Optimizer([_dimension(p) for p in space.parameters], random_state=seed)
        if told:
            optimizer.tell([x for x, _ in told], [y for _, y in told])
        asked = optimizer.ask()
    return {p.name: _value(p, x) for p, x in zip(space.parameters, asked, strict=True)}


def _dimension(p: Parameter) -> Any:
    """Choices and stepped values by their index: scikit-optimize knows no steps."""
    from skopt.space import Categorical as Choice
    from skopt.space import Integer, Real

    if isinstance(p, Categorical):
        return Choice(list(range(len(p.choices))))
    if p.low == p.high:
        return Choice([0])
    prior = "log-uniform" if p.log else "uniform"
    if isinstance(p, Float) and p.step is None:
        return Real(p.low, p.high, prior=prior)
    if p.step not in (None, 1):
        return Integer(0, _index(p, p.high))
    return Integer(p.low, p.high, prior=prior)


def _index(p: Parameter, value: Value) -> int:
    if isinstance(p, Categorical):
        return p.choices.index(value)
    return round((float(value) - p.low) / (p.step or 1.0))


def _coordinate(p: Parameter, value: Value) -> float | int:
    indexed = isinstance(p, Categorical) or p.step not in (None, 1) or p.low == p.high
    if indexed:
        return _index(p, value)
    return float(value) if isinstance(p, Float) else int(value)


def _value(p: Parameter, x: Any) -> Value:
    if isinstance(p, Categorical):
        return p.choices[int(x)]
    if p.low == p.high:
        return p.low
    if p.step not in (None, 1):
        return p.clip(p.low + int(x) * (p.step or 1))
    return p.clip(float(x)) if isinstance(p, Float) else int(x)


def _coordinates(space: SearchSpace, point: Point, o: Observation | None = None) -> list[Any]:
    """One per parameter; an inactive one as it was asked for, else the middle of its range."""
    carried = json.loads(o.note.get("inactive", "{}")) if o is not None else {}
    values = []
    for p in space.parameters:
        value = point.get(p.name, carried.get(p.name, p.from_unit(0.5)))
        values.append(_coordinate(p, value))
    return values


def _note(genes: dict[str, Value], point: Point) -> dict[str, str]:
    inactive = {name: value for name, value in genes.items() if name not in point}
    note = {"operators": "gp_hedge"}
    return note | ({"inactive": json.dumps(inactive)} if inactive else {})
