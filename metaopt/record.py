"""The ended trials of a study, as its controller decides on them.

A *training* is a proposal with a seed: 0 is the search's own, the others confirm a
candidate. It may take several trials: one that was lost, interrupted or pruned is followed
by another, which goes on from its checkpoint. The last of them counts.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Collection, Iterable
from typing import TypeAlias

from metaopt.store.views import LOST, TrialView
from metaopt.strategies.base import Observation
from workers.timing import MS_PER_SHOWER
from workers.trial import NEVER_BEGAN

#: A proposal and a seed.
Training: TypeAlias = tuple[int, int]


class Record:
    """What is known of a study, kept up to date trial by trial.

    Attributes:
        history: what strategies see, in order of number: one observation per proposal.
        proposals: how many proposals were made.
        durations: wall-clock seconds of the complete trials.
    """

    def __init__(self, trials: Iterable[TrialView] = ()) -> None:
        self.history: list[Observation] = []
        self.proposals = 0
        self.durations: list[float] = []
        self._trials: dict[int, TrialView] = {}
        self._last: dict[Training, TrialView] = {}
        self._observed: dict[int, Observation] = {}
        for trial in trials:
            self.add(trial)

    def add(self, trial: TrialView) -> None:
        """A trial ended. One that its controller died recording is no trial."""
        if trial.proposal is None:
            return
        self._trials[trial.number] = trial
        self.proposals = max(self.proposals, trial.proposal + 1)
        last = self._last.get(trial.training)
        if last is None or last.number < trial.number:
            self._last[trial.training] = trial
        if trial.complete and trial.seconds > 0:
            self.durations.append(trial.seconds)
        if trial.observation is not None:
            self._observe(trial.proposal, trial.observation)

    def _observe(self, proposal: int, observation: Observation) -> None:
        """A pruned trial that went on has two observations: the later one counts."""
        before = self._observed.get(proposal)
        if before is not None:
            self.history.remove(before)
        self._observed[proposal] = observation
        bisect.insort(self.history, observation, key=lambda o: o.number)

    @property
    def repeats(self) -> list[TrialView]:
        """The last trials of trainings that ended for no fault of their own."""
        return [trial for trial in self._last.values() if trial.repeatable]

    @property
    def pruned(self) -> list[TrialView]:
        """The last trials of trainings that were stopped at a rung."""
        return [trial for trial in self._last.values() if trial.state == "pruned"]

    def ended(self, training: Training) -> bool:
        """Whether a training is over, however it went."""
        last = self._last.get(training)
        return last is not None and not last.repeatable

    def best_pruned(self, most: int) -> list[TrialView]:
        """Of the pruned trials that came equally far, so many of the best, those first."""
        found: list[TrialView] = []
        for epochs in sorted({t.epochs for t in self.pruned}, reverse=True):
            here = [t for t in self.pruned if t.epochs == epochs]
            found += heapq.nsmallest(most, here, key=lambda t: (t.score or 0.0, t.number))
        return found

    def trial(self, number: int | None) -> TrialView | None:
        """An ended trial by its number."""
        return None if number is None else self._trials.get(number)

    @property
    def searched(self) -> dict[int, TrialView]:
        """The last trial of each proposal's own training."""
        return {p: trial for (p, seed), trial in self._last.items() if seed == 0}

    def observed(self, without: Collection[int] = ()) -> list[Observation]:
        """The history, but for some proposals."""
        return [o for p, o in self._observed.items() if p not in without]

    @property
    def times(self) -> dict[int, float | None]:
        """Milliseconds per shower of the observed trials by proposal."""
        return {p: o.metrics.get(MS_PER_SHOWER) for p, o in self._observed.items()}

    def known_epochs(self, trial: TrialView | None) -> int:
        """Epochs that a training had scored when a trial of it ended."""
        most = 0
        while trial is not None:
            most = max(most, trial.rungs[-1][0] if trial.rungs else 0)
            trial = self.trial(trial.retry_of)
        return most

    def next_attempt(self, trial: TrialView) -> int:
        """The attempt that follows a trial; counted since the last new epoch.

        An interruption is nobody's failure, and a lost worker whose trial came further than
        the one before, or did not begin at all, says nothing against the configuration.
        """
        further = self.known_epochs(trial) > self.known_epochs(self.trial(trial.retry_of))
        charged = trial.outcome == LOST and not trial.reason.startswith(NEVER_BEGAN)
        return (1 if further else trial.attempt) + charged
