r"""What the finished trials say of any point, at the full budget: the fitted process.

A pruned trial is told as what it would have become: its last score, less the median
improvement that the complete trials made between that budget and their end. So the rungs
are used, and a trial is one row. On two of four functions with pruning this took a fifth
off the regret of the last score alone, and nothing on the others. A process over (point,
budget), with a Matern kernel over the log of the budget and the rungs as further rows, was
as good on one of them and twice as bad on another, at the cube of its rows; the spread of
the improvements as the variance of the guess changed nothing.

A failed trial is told as a bad one, so that the process leaves a diverging region. A
second process for the probability of failure, times the expected improvement, failed no
less often and found less: the slope that failures make in this one is warning enough.

======== ======================================================== ====
symbol   meaning                                                  unit
======== ======================================================== ====
S        score at the full budget, lower is better                S
ceiling  upper quartile of S plus 1.5 interquartile ranges        S
y        min(S, ceiling), mean 0 and deviation 1                  1
======== ======================================================== ====
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from metaopt.strategies import acquisition
from metaopt.strategies.base import Observation, State
from metaopt.strategies.gaussian_process import GaussianProcess, condition, fit
from metaopt.strategies.warm_start import Scored, told_scores
from search_spaces.parameters import Categorical, Point
from search_spaces.space import Array, Key, SearchSpace

#: Trials that the process is conditioned on, and of those the ones that theta is learned
#: from: its cost, like that of a proposal, grows with the cube.
MAX_POINTS = 300
MAX_LEARNED = 150
#: Least variance of an earlier study's score, in units of y: a tenth of the spread.
MIN_VARIANCE = 0.01
#: Living trials before the process is asked: fewer do not fix a scale.
MIN_ALIVE = 3
#: Complete trials before an improvement is estimated from them.
MIN_COMPLETE = 3
#: Best-scored points around which candidates are drawn.
N_BEST = 5


@dataclass(frozen=True)
class Surrogate:
    """A process fitted to a history, and the scale of its scores.

    Attributes:
        space: what may vary.
        process: over ``space.encode``, in units of y.
        living: the trials that did not fail, in order of number.
        centre: S at y = 0.
        scale: S per unit of y.
        waiting: running trials, believed to score their mean.
    """

    space: SearchSpace
    process: GaussianProcess
    living: tuple[Observation, ...]
    centre: float
    scale: float
    waiting: tuple[Point, ...] = ()

    @classmethod
    def of(
        cls,
        space: SearchSpace,
        history: Sequence[Observation],
        limit: int = MAX_POINTS,
        earlier: Sequence[Scored] = (),
    ) -> Surrogate:
        """Fit a process to a history.

        Args:
            space: what may vary.
            history: finished trials in order of number.
            limit: trials at most: the best half and the latest others.
            earlier: scored points of earlier studies, which weigh less.

        Raises:
            numpy.linalg.LinAlgError: the covariance is not positive definite.
        """
        kept = keep(history, limit)
        y, centre, scale = standardised(final_scores(kept), kept)
        points, scores, variances = told_scores(space, kept, earlier)
        X = space.encode(chain((o.point for o in kept), points))
        # No higher than the worst trial here, as all that is told.
        y = np.append(y, np.minimum((scores - centre) / scale, y.max()))
        v = np.append(np.zeros(len(kept)), np.maximum(variances / scale**2, MIN_VARIANCE))
        learned = _learned(kept, len(points))
        process = fit(X[learned], y[learned], v[learned], _groups(space))
        if len(learned) < len(y):
            process = condition(X, y, v, process.groups, process.theta)
        living = tuple(o for o in kept if o.state is not State.FAILED)
        return cls(space, process, living, centre, scale)

    def predict(self, points: Sequence[Point]) -> tuple[Array, Array]:
        """Mean and deviation (without noise) of S at the full budget, each (m,)."""
        mean, deviation = self._standardised(points)
        return self.centre + self.scale * mean, self.scale * deviation

    def believing(self, waiting: Sequence[Point]) -> Surrogate:
        """Told the running trials as their own means (kriging believer)."""
        process = self.process.believing(self.space.encode(waiting))
        return replace(self, process=process, waiting=tuple(waiting))

    def log_improvement(self, points: Sequence[Point]) -> Array:
        """Log of the expected improvement [y] over the lowest mean of all that was tried, (m,).

        Not over the lowest score: the luckiest trial of a noisy score would hide every real
        improvement.
        """
        mean, deviation = self._standardised(points)
        return acquisition.log_expected_improvement(mean, deviation, self._lowest_mean)

    def suggest(self, known: set[Key], rng: np.random.Generator) -> Point | None:
        """The point of the highest augmented expected improvement found; None if there is none.

        Args:
            known: keys of the points that may not be suggested.
            rng: of every draw.
        """
        target, noise = self._lowest_mean, self.process.noise

        def merit(points: Sequence[Point]) -> Array:
            mean, deviation = self._standardised(points)
            return acquisition.log_augmented_improvement(mean, deviation, target, noise)

        leaders = sorted(self.living, key=lambda o: o.score)[:N_BEST]
        best = [o.point for o in leaders]
        return acquisition.maximise(self.space, merit, best, known, rng)

    @property
    def _lowest_mean(self) -> float:
        """Of the points that were tried [y]."""
        tried = [*(o.point for o in self.living), *self.waiting]
        return float(self._standardised(tried)[0].min())

    def _standardised(self, points: Sequence[Point]) -> tuple[Array, Array]:
        """Mean and deviation [y], each (m,)."""
        return self.process.predict(self.space.encode(points))


def keep(history: Sequence[Observation], limit: int) -> list[Observation]:
    """At most ``limit`` trials in order: the best half, then the most recent of the others."""
    if len(history) <= limit:
        return list(history)
    ranked = sorted(history, key=lambda o: (o.state is State.FAILED, o.score, o.number))
    best = {o.number for o in ranked[: limit // 2]}
    recent = [o.number for o in reversed(history) if o.number not in best]
    chosen = best | set(recent[: limit - len(best)])
    return [o for o in history if o.number in chosen]


def final_scores(history: Sequence[Observation]) -> Array:
    """What S of each trial is, or would have become, at the full budget, shape (n,)."""
    complete = [o for o in history if o.state is State.COMPLETE]
    gains = [_later_gain(complete, o) if o.state is State.PRUNED else 0.0 for o in history]
    return np.array([o.score for o in history], dtype=np.float64) - gains


def _later_gain(complete: Sequence[Observation], stopped: Observation) -> float:
    """Median improvement of S from the stopped trial's budget to the end."""
    curves = [(dict(o.rungs), o.score) for o in complete]
    gains = [rungs[stopped.epochs] - s for rungs, s in curves if stopped.epochs in rungs]
    return float(np.median(gains)) if len(gains) >= MIN_COMPLETE else 0.0


def standardised(scores: Array, history: Sequence[Observation]) -> tuple[Array, float, float]:
    """Scores with mean 0 and deviation 1, shape (n,), and what mean and deviation were.

    Scores far above the others, and failures, are set to the upper quartile plus 1.5
    interquartile ranges of the living trials (or the worst of them, if lower): how bad a
    bad trial is does not matter, and would take the resolution where it does.
    """
    failed = np.array([o.state is State.FAILED for o in history])
    y = scores
    if not failed.all():
        low, high = np.quantile(y[~failed], [0.25, 0.75])
        ceiling = min(y[~failed].max(), high + 1.5 * (high - low))
        y = np.where(failed, ceiling, np.minimum(y, ceiling))
    centre = float(y.mean())
    scale = float(y.std()) or 1.0
    return (y - centre) / scale, centre, scale


def _learned(history: Sequence[Observation], more: int) -> NDArray[np.intp]:
    """The rows that theta is learned from: of the history, then of ``more`` earlier points."""
    numbers = {o.number for o in keep(history, MAX_LEARNED)}
    own = np.flatnonzero([o.number in numbers for o in history])
    return np.append(own, len(history) + np.arange(min(more, MAX_LEARNED - len(own))))


def _groups(space: SearchSpace) -> NDArray[np.int64]:
    """The parameter of each column of ``space.encode``."""
    widths = [len(p.choices) if isinstance(p, Categorical) else 1 for p in space.varying]
    return np.repeat(np.arange(len(widths)), widths)
