"""Bayesian search: a Gaussian process over the mixed, conditional space.

Every finished trial is told to the process (:mod:`metaopt.strategies.surrogate`): a failed
one as a bad one, a pruned one as what it would have become. Running trials are told as
their predicted mean (kriging believer).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.design import design_point, next_baseline
from metaopt.strategies.points import in_turn, random_proposal
from metaopt.strategies.surrogate import MAX_POINTS, MIN_ALIVE, Surrogate
from metaopt.strategies.warm_start import Scored, next_warm
from search_spaces.errors import ConfigError
from search_spaces.parameters import Point
from search_spaces.space import Key, SearchSpace
from search_spaces.threads import one_thread

log = logging.getLogger(__name__)

#: Points of the initial design, where the user gives no number: ten full trials took longer
#: than all others of a search of six parameters.
LEAST, MOST = 6, 10


@dataclass(frozen=True)
class Bayesian:
    """Gaussian-process strategy with augmented expected improvement.

    Attributes:
        initial: points of the initial design, baselines included; 0 stands for one for each
            parameter that varies, but 6 to 10.
        max_points: trials that the process is fitted to: the better half of them by
            score, the others by age. The cost of a proposal grows with the cube.
        warm: points to begin with after the baselines, such as those of
            :func:`metaopt.strategies.warm_start.transfer`.
        earlier: scored points of earlier studies, such as those of
            :func:`metaopt.strategies.warm_start.transfer_scores`.

    Raises:
        ConfigError: an option out of range.
    """

    initial: int = 0
    max_points: int = MAX_POINTS
    warm: tuple[Point, ...] = ()
    earlier: tuple[Scored, ...] = ()

    def __post_init__(self) -> None:
        if self.initial < 0 or self.max_points < 10:
            raise ConfigError(
                "initial >= 0 and max_points >= 10 must hold, got "
                f"initial={self.initial}, max_points={self.max_points}"
            )

    @one_thread
    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """See :meth:`metaopt.strategies.base.Strategy.propose`."""
        model: Surrogate | None = None
        initial = self.initial or min(max(len(space.varying), LEAST), MOST)
        alive = sum(o.state is not State.FAILED for o in history)

        def step(waiting: Sequence[Point], known: set[Key]) -> Proposal:
            nonlocal model
            given = next_baseline(space, known) or next_warm(space, self.warm, known)
            if given is not None:
                return given
            if len(history) + len(waiting) < initial or alive < MIN_ALIVE:
                points = [o.point for o in history] + list(waiting)
                return design_point(space, points, known, initial, rng)
            try:
                model = model or Surrogate.of(space, history, self.max_points, self.earlier)
                found = model.believing(waiting).suggest(known, rng)
            except (np.linalg.LinAlgError, FloatingPointError, ValueError) as failure:
                log.warning("Gaussian process failed (%s): the next point is random", failure)
                found = None
            if found is None:
                return random_proposal(space, known, rng)
            return Proposal(found, {"operators": "expected improvement"})

        return in_turn(space, history, pending, n, step)
