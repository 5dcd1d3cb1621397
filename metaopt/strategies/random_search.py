"""Uniform random search: the yardstick for the other strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaopt.strategies.base import Observation, Proposal
from metaopt.strategies.design import next_baseline
from metaopt.strategies.points import fresh_sample, in_turn
from search_spaces.parameters import Point
from search_spaces.space import Key, SearchSpace


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

        def step(_waiting: Sequence[Point], known: set[Key]) -> Proposal:
            baseline = next_baseline(space, known)
            return baseline or Proposal(fresh_sample(space, known, rng), {"operators": "random"})

        return in_turn(space, history, pending, n, step)
