"""Asynchronous successive halving: stop a trial that is behind its peers at a rung.

Notation: a rung is a number of epochs; rung k is at ``first_rung * factor**k``.
After each epoch from the first rung on, a trial is at the highest rung that it has passed. It
stays if it is among the best ``1 / factor`` of all trials that came there, itself included and
rounded down, or if it is expected to be the best of all (unless ``spare_best`` is off). Nobody
waits for anybody (Li et al., arXiv:1810.05934): any other stops, and is taken up again where it
stood as soon as it would stay.

What is compared is the S at the full budget that the process of
:mod:`metaopt.strategies.surrogate` expects of each, whatever strategy proposed them: one
noisy epoch says little of an adversarial training, its neighbours in the space say more.
Compared with ranking by the best S up to a late rung (which ``rank_by = "score"`` still does)
a third to a half less compute leads to a good score on functions, as much on real trials.
To let the best of every rung go on, and to ask at the rungs alone, took 7 % more
(``docs/tried.md``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from metaopt.strategies.base import Observation, State
from metaopt.strategies.pruning import Pruning, Rungs
from metaopt.strategies.surrogate import MIN_ALIVE, Surrogate
from search_spaces.errors import ConfigError
from search_spaces.space import SearchSpace
from search_spaces.threads import one_thread

#: What trials are compared by.
EXPECTED, SCORE = "expected", "score"


@dataclass(frozen=True)
class SuccessiveHalving:
    """Asynchronous successive halving.

    Attributes:
        first_rung: epochs before the first decision.
        factor: one trial in ``factor`` goes on from each rung.
        rank_by: ``expected`` compares S at the full budget as a process over the space expects
            it, ``score`` the best S up to the rung.
        spare_best: whether the trial that is the best of all goes on however few came to its rung.
            Without, the first complete trial comes late, and with two rungs long searches of
            ``bayesian`` need a tenth less.

    Raises:
        ConfigError: an option out of range.
    """

    first_rung: int = 1
    factor: int = 3
    rank_by: str = EXPECTED
    spare_best: bool = True

    def __post_init__(self) -> None:
        if self.factor < 2 or self.first_rung < 1 or self.rank_by not in (EXPECTED, SCORE):
            raise ConfigError(
                f"factor >= 2, first_rung >= 1 and rank_by = {EXPECTED!r} or {SCORE!r} must "
                f"hold, got factor={self.factor}, first_rung={self.first_rung}, "
                f"rank_by={self.rank_by!r}"
            )

    def levels(self, epochs: int) -> list[int]:
        """The rungs [epochs] below the full budget."""
        level = self.first_rung
        levels = []
        while level < epochs:
            levels.append(level)
            level *= self.factor
        return levels

    def should_stop(
        self,
        trial: Observation,
        others: Sequence[Observation],
        space: SearchSpace,
        epochs: int,
    ) -> bool:
        """See :meth:`Pruning.should_stop`; a trial without a finite S goes on."""
        level = self._rung_of(trial, epochs)
        if level is None:
            return False
        trials = [trial, *others]
        values = self._values(trials, space)
        compared = self._at(level, trials, values)
        own = compared[0]
        return own is not None and own > self._bar(compared, trials, values)

    def promotable(
        self,
        stopped: Sequence[Observation],
        others: Sequence[Observation],
        space: SearchSpace,
        epochs: int,
    ) -> list[int]:
        """See :meth:`Pruning.promotable`: those that would stay today, highest rung first."""
        if not stopped:
            return []
        trials = [*stopped, *others]
        values = self._values(trials, space)
        promoted: list[tuple[int, float, int]] = []
        for level in self.levels(epochs):
            compared = self._at(level, trials, values)
            bar = self._bar(compared, trials, values)
            for trial, own in zip(stopped, compared, strict=False):
                here = self._rung_of(trial, epochs) == level
                if here and own is not None and own <= bar:
                    promoted.append((-level, own, trial.number))
        return [number for *_, number in sorted(promoted)]

    def _values(self, trials: Sequence[Observation], space: SearchSpace) -> list[float] | None:
        """Expected S of each trial; None where it is the score that counts."""
        return expected_scores(trials, space) if self.rank_by == EXPECTED else None

    def _at(
        self, level: int, trials: Sequence[Observation], values: Sequence[float] | None
    ) -> list[float | None]:
        """What counts of each trial at a rung; None of one that never came there."""
        best = [_best_until(trial.rungs, level) for trial in trials]
        if values is None:
            return best
        return [None if b is None else v for b, v in zip(best, values, strict=True)]

    def _bar(
        self,
        compared: Sequence[float | None],
        trials: Sequence[Observation],
        values: Sequence[float] | None,
    ) -> float:
        """The highest S with which a trial that came to a rung stays; -inf where none came."""
        there = sorted(v for v in compared if v is not None)
        kept = there[: len(there) // self.factor]
        if not self.spare_best or not there:
            return max(kept, default=-math.inf)
        if values is None:
            return max(there[:1] + kept)
        # What is expected at the end can be compared with trials at other rungs as well.
        began = (v for v in self._at(self.first_rung, trials, values) if v is not None)
        return max([min([*there, *began]), *kept])

    def _rung_of(self, trial: Observation, epochs: int) -> int | None:
        """The highest rung that a trial has passed; None before the first one, and at the end."""
        last = trial.rungs[-1][0] if trial.rungs else 0
        passed = [level for level in self.levels(epochs) if level <= last < epochs]
        return passed[-1] if passed else None


@one_thread
def expected_scores(trials: Sequence[Observation], space: SearchSpace) -> list[float]:
    """S at the full budget that is expected of each trial, as its neighbours have it.

    The score itself of a failed trial, which is the worst; of all where fewer than three live, or
    where no process can be fitted.
    """
    scores = [t.score for t in trials]
    told = [t for t in trials if t.rungs or t.state is State.FAILED]
    if sum(t.state is not State.FAILED for t in told) < MIN_ALIVE:
        return scores
    try:
        surrogate = Surrogate.of(space, sorted(told, key=attrgetter("number")))
    except np.linalg.LinAlgError:
        return scores
    means, _ = surrogate.predict([t.point for t in trials])
    pairs = zip(trials, means, strict=True)
    return [t.score if t.state is State.FAILED else float(mean) for t, mean in pairs]


def _best_until(rungs: Rungs, level: int) -> float | None:
    """The best S of a trial when it came to ``level``; None if it never did.

    NaN and infinity say nothing. The best rather than the last: S of an adversarial training is
    not monotone, and one bad epoch is no reason to stop it. It is biased downwards by noise, but
    for all trials of a rung alike.
    """
    epoch = next((epoch for epoch, _ in rungs if epoch >= level), None)
    finite = [s for e, s in rungs if epoch is not None and e <= epoch and math.isfinite(s)]
    return min(finite, default=None)


_: type[Pruning] = SuccessiveHalving
