"""Synthetic problems: a response surface, with the learning curve of an adversarial training.

Notation: t = epoch / epochs in (0, 1]; f the final score; h(t) falls from 1 to 0::

    S(t) = f + gap h(t) - 4 dip t (1 - t) + ripple sqrt(1 - t) z_t + noise z
    h(t) = (exp(-t / pace) - exp(-1 / pace)) / (1 - exp(-1 / pace))

z_t and z are standard normal: z_t swings from epoch to epoch and dies out, z is the same
in all epochs of a training, as the luck of a seed is. So S(1) = f + noise z, whatever the
way there. A dip makes the curve turn up again towards its end, as a generator's score does
when the discriminator wins: the ranks of early epochs then mislead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Set
from dataclasses import dataclass

import numpy as np

from metaopt.bench.problem import Rung, Training, failed
from objectives.objective import WORST
from search_spaces.parameters import Point
from search_spaces.space import Key, SearchSpace

#: Standard deviation of the logarithm of a training's seconds: machines differ.
JITTER = 0.2


@dataclass(frozen=True)
class Response:
    """What a configuration is like.

    Attributes:
        score: the final S without noise.
        seconds: of one epoch.
        gap: S of an untrained network above the final one.
        pace: share of the training after which the gap has fallen to about 1/e.
        ripple: swing between epochs at the start.
        dip: how far the curve sinks below its final value half-way, beside the rest.
        fails_at: the epoch in which it diverges, or None.
    """

    score: float
    seconds: float
    gap: float = 1.0
    pace: float = 0.3
    ripple: float = 0.1
    dip: float = 0.0
    fails_at: int | None = None


@dataclass(frozen=True)
class Synthetic:
    """A problem made of a formula.

    Attributes:
        response: of a point; pure.
        noise: standard deviation of the final S between seeds.
    """

    name: str
    space: SearchSpace
    response: Callable[[Point], Response]
    epochs: int = 9
    noise: float = 0.0
    size: int | None = None

    def settle(self, point: Point, taken: Set[Key]) -> Point:
        """The point itself: every point can be trained."""
        del taken
        return point

    def truth(self, point: Point) -> float:
        """See :meth:`metaopt.bench.problem.Problem.truth`."""
        response = self.response(point)
        return response.score if response.fails_at is None else WORST

    def train(self, point: Point, seed: int) -> Training:
        """See :meth:`metaopt.bench.problem.Problem.train`."""
        response, rng = self.response(point), np.random.default_rng(seed)
        seconds = response.seconds * math.exp(JITTER * rng.normal())
        luck, swings = self.noise * rng.normal(), rng.normal(size=self.epochs)
        # Whatever diverges does so by the last epoch, however few there are.
        fails_at = response.fails_at and min(response.fails_at, self.epochs)
        last = self.epochs if fails_at is None else fails_at - 1
        rungs = tuple(
            Rung(e, curve(response, e / self.epochs, swings[e - 1]) + luck, e * seconds)
            for e in range(1, last + 1)
        )
        if fails_at is not None:
            return failed(rungs, fails_at * seconds)
        return Training(rungs, rungs[-1].score, self.epochs * seconds)


def curve(response: Response, t: float, swing: float) -> float:
    """S(t) without the luck of the seed; equal to ``response.score`` at t = 1."""
    end = math.exp(-1.0 / response.pace)
    fall = (math.exp(-t / response.pace) - end) / (1.0 - end)
    way = response.gap * fall - 4.0 * response.dip * t * (1.0 - t)
    return float(response.score + way + response.ripple * math.sqrt(1.0 - t) * swing)
