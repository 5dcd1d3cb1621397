"""Asynchronous successive halving: stop a trial that is behind its peers at a rung.

Notation: a rung is a number of epochs; rung k is at ``first_rung * factor**k``.
At a rung the trial stays if it is among the best ``1 / factor`` of all trials that
reached the rung, itself included. Nobody waits for anybody: the trials that come
first have fewer peers and are judged more mildly (Li et al., arXiv:1810.05934).
By the same rule a stopped trial is taken up again, once its later peers turn out worse.

What is compared is the best S up to the rung, on both sides. Scores of adversarial
trainings are not monotone: S of the last epoch stops a good trial because of one bad
epoch, and a running mean punishes a slow start, which says little about the end. The
best of k epochs is biased downwards by noise, but for all trials of a rung alike.
The first rung is late by default, a third of the epochs, for the same reason: early
ranks of adversarial trainings predict little.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from search_spaces.errors import ConfigError

#: (epoch, S) of every scored epoch of one trial, in order; S is lower for better.
Rungs: TypeAlias = Sequence[tuple[int, float]]


class Pruning(Protocol):
    """Decides after each scored epoch whether a trial goes on."""

    def should_stop(self, rungs: Rungs, others: Sequence[Rungs], epochs: int) -> bool:
        """Whether the trial should stop now; a pure function of its arguments.

        Args:
            rungs: of the trial itself, the latest scored epoch last.
            others: of all other trials of the study: running, pruned and complete.
            epochs: the full budget of the trial.
        """

    def promotable(
        self, stopped: Mapping[int, Rungs], others: Sequence[Rungs], epochs: int
    ) -> list[int]:
        """Which stopped trials should go on now, best first; a pure function of its arguments.

        Args:
            stopped: rungs of every trial that this rule stopped, by number; epochs that were
                scored after its rung, before the stop took effect, do not count.
            others: of all other trials of the study.
            epochs: the full budget of a trial.
        """


@dataclass(frozen=True)
class NoPruning:
    """Every trial runs to its end."""

    def should_stop(self, rungs: Rungs, others: Sequence[Rungs], epochs: int) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def promotable(
        self,
        stopped: Mapping[int, Rungs],  # noqa: ARG002
        others: Sequence[Rungs],  # noqa: ARG002
        epochs: int,  # noqa: ARG002
    ) -> list[int]:
        """None: nothing was stopped by this rule."""
        return []


@dataclass(frozen=True)
class SuccessiveHalving:
    """Asynchronous successive halving.

    Attributes:
        first_rung: epochs before the first decision; by default a third of the budget,
            rounded up.
        factor: one trial in ``factor`` goes on from each rung.
        min_peers: no trial is stopped before so many others have reached its rung.

    Raises:
        ConfigError: an option out of range.
    """

    first_rung: int | None = None
    factor: int = 3
    min_peers: int = 3

    def __post_init__(self) -> None:
        first = 1 if self.first_rung is None else self.first_rung
        if self.factor < 2 or self.min_peers < 1 or first < 1:
            raise ConfigError(
                "factor >= 2, min_peers >= 1 and first_rung >= 1 must hold, got "
                f"factor={self.factor}, min_peers={self.min_peers}, first_rung={self.first_rung}"
            )

    def levels(self, epochs: int) -> list[int]:
        """The rungs [epochs] below the full budget."""
        level = self.first_rung or math.ceil(epochs / 3)
        levels = []
        while level < epochs:
            levels.append(level)
            level *= self.factor
        return levels

    def should_stop(self, rungs: Rungs, others: Sequence[Rungs], epochs: int) -> bool:
        """See :meth:`Pruning.should_stop`."""
        level = self._level_just_reached(rungs, epochs)
        if level is None:
            return False
        own = _score_at(rungs, level)
        scores = _scores_at([rungs, *others], level)
        return own is not None and len(scores) > self.min_peers and not self._stays(own, scores)

    def promotable(
        self, stopped: Mapping[int, Rungs], others: Sequence[Rungs], epochs: int
    ) -> list[int]:
        """See :meth:`Pruning.promotable`: those that would stay today, highest rung first."""
        trials = [*stopped.values(), *others]
        promoted: list[tuple[int, float, int]] = []
        levels = self.levels(epochs)
        for level, above in zip(levels, [*levels[1:], epochs], strict=True):
            scores = _scores_at(trials, level)
            for number, rungs in stopped.items():
                here = bool(rungs) and level <= rungs[-1][0] < above
                own = _score_at(rungs, level) if here and len(scores) > self.min_peers else None
                if own is not None and self._stays(own, scores):
                    promoted.append((-level, own, number))
        return [number for *_, number in sorted(promoted)]

    def _stays(self, own: float, scores: Sequence[float]) -> bool:
        """Whether ``own`` is among the best ``1 / factor`` of all sorted scores; ties are."""
        return bisect_left(scores, own) < math.ceil(len(scores) / self.factor)

    def _level_just_reached(self, rungs: Rungs, epochs: int) -> int | None:
        """The highest rung that the latest scored epoch passes and the one before did not."""
        if not rungs:
            return None
        before = rungs[-2][0] if len(rungs) > 1 else 0
        passed = [level for level in self.levels(epochs) if before < level <= rungs[-1][0]]
        return passed[-1] if passed else None


def _score_at(rungs: Rungs, level: int) -> float | None:
    """The best S of a trial when it came to ``level``; None if it never did."""
    epoch = next((epoch for epoch, _ in rungs if epoch >= level), None)
    return None if epoch is None else _best_until(rungs, epoch)


def _scores_at(trials: Sequence[Rungs], level: int) -> list[float]:
    """Of all trials that reached a rung, best first."""
    return sorted(s for s in (_score_at(rungs, level) for rungs in trials) if s is not None)


def _best_until(rungs: Rungs, epoch: int) -> float | None:
    """The lowest finite S up to ``epoch``; NaN and infinity say nothing, so they never stop."""
    finite = [s for e, s in rungs if e <= epoch and math.isfinite(s)]
    return min(finite, default=None)
