"""What a history says of the search itself: its best trial, and whether to go on.

Both ask the process of :mod:`metaopt.strategies.surrogate`, whatever strategy made the
history. The luckiest of many noisy scores is too good to be true: the estimated best is
the trial of the lowest mean, which neighbours and noise draw towards what a repetition
would give.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from metaopt.strategies.base import Observation, State
from metaopt.strategies.points import known_keys
from metaopt.strategies.surrogate import MIN_ALIVE, Surrogate
from search_spaces.errors import NoCompleteTrialError
from search_spaces.space import SearchSpace
from search_spaces.threads import one_thread

#: Proposals in a row that must promise less than this share of the noise. With one
#: proposal and the whole noise, searches that were far from their end were called off.
PROPOSALS, SHARE = 5, 0.25
#: Trials, and trials per parameter, before a search may be called exhausted: a handful of
#: bad scores in a large space looks like noise.
MIN_TRIALS, PER_PARAMETER = 20, 5


class EstimatedBest(NamedTuple):
    """A trial, and what S its configuration is expected to have.

    Attributes:
        number: of the trial.
        mean: of S at the full budget.
        deviation: of that mean, without the noise of a single trial.
    """

    number: int
    mean: float
    deviation: float


def estimated_best(space: SearchSpace, history: Sequence[Observation]) -> EstimatedBest:
    """The living trial of the lowest expected S at the full budget.

    Args:
        space: what may vary.
        history: finished trials in order of number.

    Raises:
        NoCompleteTrialError: fewer than 3 trials did not fail.
        numpy.linalg.LinAlgError: the covariance is not positive definite.
    """
    return estimates(space, history)[0]


@one_thread
def estimates(space: SearchSpace, history: Sequence[Observation]) -> list[EstimatedBest]:
    """The living trials that the process was fitted to, lowest expected S first.

    Raises:
        NoCompleteTrialError: fewer than 3 trials did not fail.
        numpy.linalg.LinAlgError: the covariance is not positive definite.
    """
    alive = sum(o.state is not State.FAILED for o in history)
    if alive < MIN_ALIVE:
        raise NoCompleteTrialError(
            f"an estimate needs at least {MIN_ALIVE} trials that did not fail, got {alive}; "
            "let the study run on"
        )
    surrogate = Surrogate.of(space, history)
    mean, deviation = surrogate.predict([o.point for o in surrogate.living])
    return [
        EstimatedBest(surrogate.living[i].number, float(mean[i]), float(deviation[i]))
        for i in np.argsort(mean, kind="stable")
    ]


def candidates(space: SearchSpace, history: Sequence[Observation]) -> list[int]:
    """Numbers of the complete trials, best first."""
    complete = {o.number for o in history if o.state is State.COMPLETE}
    return [number for number in _best_first(space, history) if number in complete]


def unfinished_best(
    space: SearchSpace, history: Sequence[Observation], stopped: Collection[int]
) -> int | None:
    """The one of the stopped trials that comes before all complete ones, if there is one.

    Args:
        space: what may vary.
        history: finished trials in order of number.
        stopped: numbers of the pruned trials that can go on.
    """
    whole = {o.number for o in history if o.state is State.COMPLETE}
    order = _best_first(space, history) if stopped else []
    first = next((number for number in order if number in whole or number in stopped), None)
    return None if first in whole else first


def _best_first(space: SearchSpace, history: Sequence[Observation]) -> list[int]:
    """Numbers of the living trials: by expected S, by score where there is none."""
    living = [o for o in history if o.state is not State.FAILED]
    by_score = [o.number for o in sorted(living, key=lambda o: (o.score, o.number))]
    try:
        expected = [e.number for e in estimates(space, history)]
    except (NoCompleteTrialError, np.linalg.LinAlgError):
        return by_score
    return expected + [number for number in by_score if number not in set(expected)]


@one_thread
def exhausted(
    space: SearchSpace,
    history: Sequence[Observation],
    rng: np.random.Generator,
    proposals: int = PROPOSALS,
) -> bool:
    """Whether the best that can be expected of another trial is lost in the noise.

    True where the expected improvement over the estimated best, of the trial that would be
    next, was below a quarter of the noise of a single trial after each of the last
    ``proposals`` trials (after Makarova et al., arXiv:2104.08166, who compare a bound on
    the regret with the noise).

    Args:
        space: what may vary.
        history: finished trials in order of number.
        rng: of the search for candidates.
        proposals: trials in a row without a promise.

    Raises:
        numpy.linalg.LinAlgError: the covariance is not positive definite.
    """
    lengths = range(len(history), len(history) - proposals, -1)
    return all(_without_promise(space, history[:n], rng) for n in lengths)


def _without_promise(
    space: SearchSpace, history: Sequence[Observation], rng: np.random.Generator
) -> bool:
    alive = sum(o.state is not State.FAILED for o in history)
    least = max(MIN_TRIALS, PER_PARAMETER * len(space.varying))
    if len(history) < least or alive < MIN_ALIVE:
        return False
    surrogate = Surrogate.of(space, history)
    point = surrogate.suggest(known_keys(space, history, ()), rng)
    if point is None:  # every point of a finite space is known
        return True
    return math.exp(surrogate.log_improvement([point])[0]) < SHARE * surrogate.process.noise
