"""A study as its report sees it: what was recorded, and sums that several charts need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from metaopt.record import Record
from metaopt.reports.study.clock import Clock
from metaopt.store.standings import Standing, published_of, standings
from metaopt.store.views import MEMBER, TrialView
from metaopt.strategies.base import Observation
from metaopt.strategies.surrogate import MIN_ALIVE, Surrogate
from search_spaces.errors import ConfigError
from search_spaces.loader import space_from_tables
from search_spaces.space import SearchSpace

#: Points of a figure at most, and the best trials that are always among them.
MOST, BEST = 1000, 300


@dataclass(frozen=True, eq=False)
class StudyFacts:
    """A study, read once.

    Attributes:
        name: of the study.
        document: what was recorded when it began.
        trials: the ended ones, in order of number.
        running: how many are not ended.
        space: what may vary.
        record: what strategies and pruning see.
    """

    name: str
    document: Mapping[str, Any]
    trials: tuple[TrialView, ...]
    running: int
    space: SearchSpace
    record: Record

    @classmethod
    def of(cls, name: str, document: Mapping[str, Any], trials: Sequence[TrialView]) -> StudyFacts:
        """Facts of a study in the store.

        Raises:
            ConfigError: it was not made by metaopt.
        """
        if "space" not in document:
            raise ConfigError(
                f"study {name!r} was not made by metaopt: it does not say what was searched; "
                "give another study"
            )
        ended = tuple(t for t in trials if t.finished is not None and t.proposal is not None)
        space = space_from_tables(document["space"], "study store", name)
        return cls(name, document, ended, len(trials) - len(ended), space, Record(ended))

    @property
    def population(self) -> bool:
        """Whether trials are segments of members that take over each other's state."""
        return "population" in self.document

    @property
    def seed(self) -> int:
        """Of every draw of the report."""
        return int(self.document.get("seed", 0))

    @cached_property
    def ranked(self) -> list[Standing]:
        """All configurations with a complete trial, best first."""
        return standings(self.trials)

    @property
    def best(self) -> Standing | None:
        """The best configuration found."""
        return self.ranked[0] if self.ranked else None

    @cached_property
    def published(self) -> Standing | None:
        """The published configuration."""
        return published_of(self.trials)

    @property
    def published_trials(self) -> tuple[TrialView, ...]:
        """Trainings of the published configuration."""
        return self.published.trials if self.published else ()

    @property
    def history(self) -> list[Observation]:
        """What strategies see: one observation per proposal."""
        return self.record.history

    @cached_property
    def clock(self) -> Clock:
        """Time of the study without its pauses."""
        return Clock.of(self.trials)

    def epochs_trained(self, trial: TrialView) -> int:
        """New epochs of a trial: those of its predecessors come from their checkpoint."""
        if MEMBER in trial.note:
            return len(trial.rungs)
        before = self.record.known_epochs(self.record.trial(trial.retry_of))
        return max(trial.epochs, before) - before

    def showers_trained(self, trial: TrialView) -> int:
        """Training showers that a trial used."""
        return self.epochs_trained(trial) * int(self.document["budget"]["showers"])

    @cached_property
    def surrogate(self) -> Surrogate | None:
        """The process of all trials; None where they do not determine one."""
        if sum(o.state != "failed" for o in self.history) < MIN_ALIVE:
            return None
        try:
            return Surrogate.of(self.space, self.history)
        except np.linalg.LinAlgError:
            return None

    def thinned(
        self, trials: Sequence[TrialView], most: int = MOST, best: int = BEST
    ) -> tuple[list[TrialView], str]:
        """Trials for a figure in order of number, and the rule in words where any is left out.

        All of the ``best`` lowest scores, and others drawn at random up to ``most`` in all.
        """
        if len(trials) <= most:
            return list(trials), ""
        ranked = sorted(trials, key=lambda t: (np.inf if t.score is None else t.score, t.number))
        others = ranked[best:]
        rng = np.random.default_rng([self.seed, len(trials)])
        drawn = rng.choice(len(others), most - best, replace=False)
        kept = ranked[:best] + [others[i] for i in drawn]
        rule = (
            f" Of {len(trials):,} trials, the best {best} are drawn, and {most - best} chosen at "
            "random from the others."
        )
        return sorted(kept, key=lambda t: t.number), rule
