"""Bayesian search: a Gaussian process over the mixed, conditional space.

Failed trials are told to the process as the worst score that a living trial had, so
that it leaves a diverging region; pruned trials as their last score: of the ways that
were compared (invisible, last score, last score plus the median later improvement), the
last score was the best by far, and a stopped trial is one that was already judged bad,
so its error is on the side that the search ignores. A budget column would need pruned
trials at many budgets to learn from, and there are two or three rungs.

Running trials are told as their predicted mean (kriging believer).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaopt.strategies import acquisition
from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.design import design_point, next_baseline
from metaopt.strategies.gaussian_process import GaussianProcess, fit
from metaopt.strategies.points import fresh_sample, in_turn
from search_spaces.errors import ConfigError
from search_spaces.parameters import Categorical, Point
from search_spaces.space import Array, SearchSpace

log = logging.getLogger(__name__)

#: Living trials before the process is asked: fewer do not fix a scale.
MIN_ALIVE = 3
#: Known points around which candidates are drawn.
N_BEST = 5


@dataclass(frozen=True)
class Bayesian:
    """Gaussian-process strategy with log expected improvement.

    Attributes:
        initial: points of the initial design, baselines included.
        max_points: trials that the process is fitted to: the better half of them by
            score, the others by age. The cost of a proposal grows with the cube.

    Raises:
        ConfigError: an option out of range.
    """

    initial: int = 10
    max_points: int = 300

    def __post_init__(self) -> None:
        if self.initial < 1 or self.max_points < 10:
            raise ConfigError(
                "initial >= 1 and max_points >= 10 must hold, got "
                f"initial={self.initial}, max_points={self.max_points}"
            )

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """See :meth:`metaopt.strategies.base.Strategy.propose`."""
        model: _Model | None = None
        alive = sum(o.state is not State.FAILED for o in history)

        def step(waiting: Sequence[Point], known: set[str]) -> Proposal:
            nonlocal model
            baseline = next_baseline(space, known)
            if baseline is not None:
                return baseline
            if len(history) + len(waiting) < self.initial or alive < MIN_ALIVE:
                points = [o.point for o in history] + list(waiting)
                return design_point(space, points, known, self.initial, rng)
            try:
                model = model or _Model.of(space, keep(history, self.max_points))
                point = model.suggest(space, waiting, known, rng)
            except (np.linalg.LinAlgError, FloatingPointError, ValueError) as failure:
                log.warning("Gaussian process failed (%s): the next point is random", failure)
                point = None
            if point is None:
                return Proposal(fresh_sample(space, known, rng), {"operators": "random"})
            return Proposal(point, {"operators": "expected improvement"})

        return in_turn(space, history, pending, n, step)


@dataclass(frozen=True)
class _Model:
    """The fitted process and the good points, once for all proposals of a call."""

    process: GaussianProcess
    best: tuple[Point, ...]

    @classmethod
    def of(cls, space: SearchSpace, history: Sequence[Observation]) -> _Model:
        y = standardised(history)
        process = fit(space.encode(o.point for o in history), y, _groups(space))
        order = np.argsort(y, kind="stable")[:N_BEST]
        return cls(process, tuple(history[i].point for i in order))

    def suggest(
        self,
        space: SearchSpace,
        waiting: Sequence[Point],
        known: set[str],
        rng: np.random.Generator,
    ) -> Point | None:
        process = self.process.believing(space.encode(waiting))
        # The lowest mean rather than the lowest score: the luckiest trial of a noisy
        # score would hide every real improvement.
        target = float(process.predict(process.X)[0].min())

        def merit(points: Sequence[Point]) -> Array:
            mean, deviation = process.predict(space.encode(points))
            return acquisition.log_expected_improvement(mean, deviation, target)

        return acquisition.maximise(space, merit, self.best, known, rng)


def keep(history: Sequence[Observation], limit: int) -> list[Observation]:
    """At most ``limit`` trials in order: the best half, then the most recent of the others."""
    if len(history) <= limit:
        return list(history)
    ranked = sorted(history, key=lambda o: (o.state is State.FAILED, o.score, o.number))
    best = {o.number for o in ranked[: limit // 2]}
    recent = [o.number for o in reversed(history) if o.number not in best]
    chosen = best | set(recent[: limit - len(best)])
    return [o for o in history if o.number in chosen]


def standardised(history: Sequence[Observation]) -> Array:
    """Scores with mean 0 and deviation 1, shape (n,).

    Scores far above the others, and failures, are set to the upper quartile plus 1.5
    interquartile ranges of the living trials (or the worst of them, if lower): how bad a
    bad trial is does not matter, and would take the resolution where it does.
    """
    failed = np.array([o.state is State.FAILED for o in history])
    y = np.array([o.score for o in history], dtype=np.float64)
    if not failed.all():
        low, high = np.quantile(y[~failed], [0.25, 0.75])
        ceiling = min(y[~failed].max(), high + 1.5 * (high - low))
        y = np.where(failed, ceiling, np.minimum(y, ceiling))
    centred: Array = y - y.mean()
    spread = float(centred.std())
    return centred / spread if spread > 0 else centred


def _groups(space: SearchSpace) -> NDArray[np.int64]:
    """The parameter of each column of ``space.encode``."""
    widths = [len(p.choices) if isinstance(p, Categorical) else 1 for p in space.parameters]
    return np.repeat(np.arange(len(widths)), widths)
