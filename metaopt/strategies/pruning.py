"""What a rule that stops trials early is told, and answers.

A third party's rule is named as ``"my_lab.rules:Rule"``. The default, asynchronous successive
halving, is in :mod:`metaopt.strategies.halving`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from metaopt.strategies.base import Observation, State
from objectives.objective import WORST
from search_spaces.parameters import Point
from search_spaces.space import SearchSpace

#: (epoch, S) of every scored epoch of one trial, in order; S is lower for better.
Rungs: TypeAlias = Sequence[tuple[int, float]]


class Pruning(Protocol):
    """Decides after each scored epoch whether a trial goes on."""

    def should_stop(
        self,
        trial: Observation,
        others: Sequence[Observation],
        space: SearchSpace,
        epochs: int,
    ) -> bool:
        """Whether a trial should stop now; a pure function of its arguments.

        Args:
            trial: as if it were stopped now: see :func:`so_far`.
            others: all other trials of the study: running ones likewise, pruned, failed and
                complete ones.
            space: what may vary.
            epochs: the full budget of a trial.
        """

    def promotable(
        self,
        stopped: Sequence[Observation],
        others: Sequence[Observation],
        space: SearchSpace,
        epochs: int,
    ) -> list[int]:
        """Numbers of the stopped trials that should go on now, best first; as pure.

        Args:
            stopped: trials that this rule stopped; an epoch that was scored after the rung,
                before the stop took effect, brings none to a higher rung.
            others: all other trials of the study.
            space: what may vary.
            epochs: the full budget of a trial.
        """


def so_far(number: int, point: Point, rungs: Rungs) -> Observation:
    """A running trial, as if it were stopped now."""
    finite = [score for _, score in rungs if math.isfinite(score)]
    score, epoch = finite[-1] if finite else WORST, rungs[-1][0] if rungs else 0
    return Observation(number, point, State.PRUNED, score, epoch, tuple(rungs))


@dataclass(frozen=True)
class NoPruning:
    """Every trial runs to its end."""

    def should_stop(
        self,
        trial: Observation,  # noqa: ARG002
        others: Sequence[Observation],  # noqa: ARG002
        space: SearchSpace,  # noqa: ARG002
        epochs: int,  # noqa: ARG002
    ) -> bool:
        """Never."""
        return False

    def promotable(
        self,
        stopped: Sequence[Observation],  # noqa: ARG002
        others: Sequence[Observation],  # noqa: ARG002
        space: SearchSpace,  # noqa: ARG002
        epochs: int,  # noqa: ARG002
    ) -> list[int]:
        """None: nothing was stopped by this rule."""
        return []
