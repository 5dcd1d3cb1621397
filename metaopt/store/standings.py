"""How the configurations of a study stand, each with all its trainings.

The best of many noisy scores is partly luck. Once candidates were trained again with fresh
seeds, only those count, by the median of their scores; until then, the lowest score does.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metaopt.store.views import FAILED, TrialView
from objectives.objective import WORST
from workers.trial import TEST_ERROR, TEST_SCORE


@dataclass(frozen=True)
class Figure:
    """A score, its standard error where one is known, and how many trainings it is of."""

    value: float
    error: float | None
    seeds: int


@dataclass(frozen=True)
class Standing:
    """One configuration, and its trainings that ran to an end: complete, or diverged.

    Attributes:
        trials: at least one, in order of seed.
    """

    trials: tuple[TrialView, ...]

    @property
    def best(self) -> TrialView:
        """The training with the lowest score."""
        return min(self.trials, key=lambda t: (_score(t), t.number))

    @property
    def seeds(self) -> int:
        """How many trainings there are."""
        return len(self.trials)

    @property
    def score(self) -> Figure:
        """Median S, a diverged training counting as the worst; of one its own error."""
        scores = [_score(t) for t in self.trials]
        error = _standard_error(scores) if self.seeds > 1 else self.best.error
        return Figure(statistics.median(scores), error, self.seeds)

    @property
    def test(self) -> Figure | None:
        """Mean S on the test events, which chose nothing; None before a confirming trial.

        The trainings' spread and the finite test sample, which they share, both count.
        """
        tested = [t for t in self.trials if TEST_SCORE in t.metrics]
        if not tested:
            return None
        scores = [t.metrics[TEST_SCORE] for t in tested]
        sample = math.sqrt(statistics.mean(t.metrics[TEST_ERROR] ** 2 for t in tested))
        spread = _standard_error(scores) if len(scores) > 1 else 0.0
        return Figure(statistics.mean(scores), math.hypot(sample, spread), len(scores))


def standings(trials: Iterable[TrialView]) -> list[Standing]:
    """All configurations with a complete trial, best first: the confirmed ones, then by S."""
    grouped: dict[int, dict[int, TrialView]] = {}
    for trial in trials:
        if trial.proposal is not None and _ended(trial):
            grouped.setdefault(trial.proposal, {})[trial.seed] = trial
    found = [Standing(tuple(g[seed] for seed in sorted(g))) for g in grouped.values()]
    alive = [s for s in found if any(t.complete for t in s.trials)]
    return sorted(alive, key=lambda s: (s.seeds == 1, s.score.value, s.best.number))


def best_of(trials: Iterable[TrialView]) -> TrialView | None:
    """The best training of the best configuration."""
    return next((standing.best for standing in standings(trials)), None)


def published_of(trials: Iterable[TrialView]) -> Standing | None:
    """The published configuration, proposal 0; its last trial where none ended."""
    first = [t for t in trials if t.proposal == 0]
    return next(iter(standings(first)), Standing((first[-1],)) if first else None)


def _ended(trial: TrialView) -> bool:
    return (trial.complete and trial.score is not None) or trial.outcome == FAILED


def _score(trial: TrialView) -> float:
    return WORST if trial.score is None else trial.score


def _standard_error(scores: Sequence[float]) -> float:
    return statistics.stdev(scores) / math.sqrt(len(scores))
