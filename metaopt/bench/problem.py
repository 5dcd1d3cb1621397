"""What a strategy is tried on: a search space, and the course of every training in it.

A problem answers at once what a training takes minutes for. It is a pure function of
(point, seed), so that a comparison can be repeated and each strategy meets the same world.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Protocol

from objectives.objective import WORST
from search_spaces.parameters import Point
from search_spaces.space import Key, SearchSpace


@dataclass(frozen=True)
class Rung:
    """A scored epoch: S, lower is better, and the seconds since the training began."""

    epoch: int
    score: float
    seconds: float


@dataclass(frozen=True)
class Training:
    """The whole course of one training, if nobody stops it.

    Attributes:
        rungs: every scored epoch, in order.
        score: the final S; the worst possible one of a training that failed.
        seconds: when it ends.
        failed: whether it diverged, after its last rung.
    """

    rungs: tuple[Rung, ...]
    score: float
    seconds: float
    failed: bool = False


class Problem(Protocol):
    """A benchmark problem, synthetic or a table of real trials."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def space(self) -> SearchSpace:
        """What may vary."""

    @property
    def epochs(self) -> int:
        """The full budget of a training."""

    @property
    def size(self) -> int | None:
        """How many different configurations can be tried; None for no limit."""

    def settle(self, point: Point, taken: Set[Key]) -> Point:
        """The configuration that is trained where ``point`` was proposed.

        Args:
            point: of the space.
            taken: keys (``space.key``) of all configurations that were settled before.
        """

    def train(self, point: Point, seed: int) -> Training:
        """The course of a training of a settled point."""

    def truth(self, point: Point) -> float:
        """The final S of a settled point without its noise; the worst one where it fails."""


def failed(rungs: tuple[Rung, ...], seconds: float) -> Training:
    """A training that diverged after its last rung."""
    return Training(rungs, WORST, seconds, failed=True)
