"""What a person sees while a study runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from metaopt.agenda import Assignment
from metaopt.cli.live import LiveView
from metaopt.preflight import Plan
from metaopt.reports.tables import duration, number
from metaopt.store.standings import best_of
from metaopt.store.views import TrialView
from workers.trial import Progress

#: Finished trials that the live view lists.
RECENT = 6


@dataclass
class _Row:
    """A running trial."""

    started: float
    epoch: int = 0
    score: float | None = None
    kind: str = ""


class TerminalMonitor(LiveView):
    """A context manager; implements :class:`metaopt.monitoring.Monitor`."""

    RUNS_ON = "epochs"

    def __init__(self) -> None:
        super().__init__()
        self._best: TrialView | None = None
        self._trials: dict[tuple[int, int], TrialView] = {}
        self._running: dict[int, _Row] = {}
        self._left: float | None = None
        self._total = self._epochs = 0

    # -- told by the session --------------------------------------------------------------

    def begin(self, plan: Plan, trials: Sequence[TrialView], slots: int) -> None:
        """The trials begin."""
        config = plan.config
        self._trials = {t.training: t for t in trials if t.settled and t.proposal is not None}
        self._total, self._epochs = config.search.trials, config.trial.epochs
        self._best = best_of(self._trials.values())
        workers = f"{slots} worker{'s' if slots != 1 else ''}"
        self._entitle(
            f"{config.name}: {config.search.strategy} search of {plan.space.name} "
            f"on {plan.geometry.name}, {workers}"
        )
        if self._trials:
            self._line(f"resumed with {len(self._trials)} finished trials")

    # -- told by the controller -----------------------------------------------------------

    def started(self, trial: int, assignment: Assignment) -> None:
        """A trial was submitted."""
        what = _kind(assignment)
        self._running[trial] = _Row(time.monotonic(), kind=what)
        self._line(f"trial {trial} started" + (f" ({what})" if what else ""))

    def progressed(self, trial: int, progress: Progress) -> None:
        """A trial scored an epoch."""
        row = self._running[trial]
        row.epoch, row.score = progress.epoch, progress.score
        self._line(f"trial {trial} epoch {progress.epoch}/{self._epochs} S {progress.score:.3f}")

    def finished(self, trial: TrialView) -> None:
        """A trial ended."""
        self._running.pop(trial.number, None)
        if trial.settled:
            # In order of ending, also one that goes on from where it was pruned.
            self._trials.pop(trial.training, None)
            self._trials[trial.training] = trial
            self._best = best_of(self._trials.values())
        state = trial.outcome or trial.state
        reason = f": {trial.reason}" if trial.reason else ""
        self._line(
            f"trial {trial.number} {state} S {number(trial.score, trial.error)}{reason} "
            f"[{self._summary()}]"
        )

    def tick(self, seconds_left: float | None) -> None:
        """Some time passed."""
        self._left = seconds_left

    # -- drawing --------------------------------------------------------------------------

    def _summary(self) -> str:
        best = self._best
        text = f"{len(self._trials)}/{self._total} trials"
        for state in ("pruned", "fail"):
            count = sum(t.state == state for t in self._trials.values())
            text += f", {count} {'failed' if state == 'fail' else state}" if count else ""
        if best is not None:
            text += f", best S {number(best.score, best.error)} (trial {best.number})"
        return text

    def _progress(self) -> str:
        left = "" if self._left is None else f", about {duration(self._left)} left"
        return f"{left}   {self._summary()}"

    def _counts(self) -> tuple[int, int]:
        return len(self._trials), self._total

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for header, justify in (("trial", "right"), ("state", "left"), ("epoch", "right")):
            table.add_column(header, justify=justify)  # type: ignore[arg-type]
        for header in ("S", "time"):
            table.add_column(header, justify="right")
        for trial in list(self._trials.values())[-RECENT:]:
            state = trial.outcome or trial.state
            table.add_row(
                str(trial.number), state, f"{trial.epochs}/{self._epochs}",
                number(trial.score, trial.error), duration(trial.seconds), style="dim",
            )  # fmt: skip
        for name, row in self._running.items():
            state = row.kind or "running"
            table.add_row(
                str(name), state, f"{row.epoch}/{self._epochs}",
                number(row.score), duration(time.monotonic() - row.started),
            )  # fmt: skip
        return table


def _kind(assignment: Assignment) -> str:
    """What a trial is, where it is not a new point's first one."""
    before = assignment.before
    if before is None:
        return f"confirms trial {assignment.note['confirms']}" if assignment.seed else ""
    return f"{'resumes' if before.state == 'pruned' else 'repeats'} trial {before.number}"
