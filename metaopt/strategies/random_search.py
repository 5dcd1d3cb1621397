"""Uniform random search: the yardstick for the other strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaopt.strategies.base import Observation, Proposal
from metaopt.strategies.design import baselines_first
from metaopt.strategies.points import in_turn
from search_spaces.parameters import Point
from search_spaces.space import SearchSpace


@dataclass(frozen=True)
class RandomSearch:
    """The baselines of the space, then uniform feasible points without repetition."""

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """See :meth:`metaopt.strategies.base.Strategy.propose`."""
        step = baselines_first(space, rng, lambda *_: None)
        return in_turn(space, history, pending, n, step)
