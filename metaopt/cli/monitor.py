"""What a person sees while a study runs."""

from __future__ import annotations

import time
from collections.abc import Sequence

from metaopt.agenda import Assignment
from metaopt.cli.trials_view import TrialsView, study_title
from metaopt.population.options import PopulationTraining
from metaopt.preflight import Plan
from metaopt.reports.segments import brief
from metaopt.store.views import MEMBER, TrialView
from workers.trial import Progress


class TerminalMonitor(TrialsView):
    """A context manager; implements :class:`metaopt.monitoring.Monitor`."""

    RUNS_ON = "epochs"

    def begin(self, plan: Plan, trials: Sequence[TrialView], slots: int) -> None:
        """The trials begin."""
        config = plan.config
        # How many segments the training of a population will have nobody knows.
        members = isinstance(plan.strategy, PopulationTraining)
        self._total = 0 if members else config.search.trials
        self._epochs = config.trial.epochs
        self._keep(trials)
        self._entitle(
            study_title(
                config.name, config.search.strategy, plan.space.name, plan.geometry.name, slots
            )
        )
        if self._trials:
            self._line(f"resumed with {len(self._trials)} finished trials")

    def started(self, trial: int, assignment: Assignment) -> None:
        """A trial was submitted."""
        self._start(trial, _kind(assignment), time.monotonic())

    def progressed(self, trial: int, progress: Progress) -> None:
        """A trial scored an epoch."""
        self._score(trial, progress.epoch, progress.score)


def _kind(assignment: Assignment) -> str:
    """What a trial is, where it is not a new point's first one."""
    before, note = assignment.before, assignment.note
    if MEMBER in note:
        return brief(note)
    if before is None:
        return f"confirms trial {note['confirms']}" if assignment.seed else ""
    return f"{'resumes' if before.state == 'pruned' else 'repeats'} trial {before.number}"
