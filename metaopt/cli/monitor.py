"""What a person sees while a study runs: a live view, or plain lines without a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from metaopt.agenda import Assignment
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


class TerminalMonitor:
    """A context manager; implements :class:`metaopt.controller.Monitor`."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._stage = ""
        self._began = time.monotonic()
        self._trials: dict[tuple[int, int], TrialView] = {}
        self._running: dict[int, _Row] = {}
        self._left: float | None = None
        self._total = self._epochs = 0
        self._title = ""
        self._stopping = False

    def __enter__(self) -> TerminalMonitor:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._view, console=self._console, refresh_per_second=4
            )
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stage = ""
        if self._live is not None:
            self._live.__exit__(kind, value, trace)

    # -- told by the session --------------------------------------------------------------

    def stage(self, text: str) -> None:
        """Say what is being done before and after the trials."""
        self._stage = text
        self._line(f"{text} ...")

    def begin(self, plan: Plan, trials: Sequence[TrialView], slots: int) -> None:
        """The trials begin."""
        config = plan.config
        self._trials = {t.training: t for t in trials if t.settled and t.proposal is not None}
        self._total, self._epochs = config.search.trials, config.trial.epochs
        self._stage = ""
        workers = f"{slots} worker{'s' if slots != 1 else ''}"
        self._title = (
            f"{config.name}: {config.search.strategy} search of {plan.space.name} "
            f"on {plan.geometry.name}, {workers}"
        )
        self._line(self._title)
        if self._trials:
            self._line(f"resumed with {len(self._trials)} finished trials")

    def stopping(self) -> None:
        """The user asked for the end."""
        self._stopping = True
        self._line("stopping after the running epochs; again to stop at once")

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

    def _line(self, text: str) -> None:
        """A plain line, where there is no live view."""
        if self._live is None:
            elapsed = duration(time.monotonic() - self._began)
            print(f"{elapsed}  {text}", file=sys.stderr, flush=True)

    def _summary(self) -> str:
        best = best_of(self._trials.values())
        text = f"{len(self._trials)}/{self._total} trials"
        for state in ("pruned", "fail"):
            count = sum(t.state == state for t in self._trials.values())
            text += f", {count} {'failed' if state == 'fail' else state}" if count else ""
        if best is not None:
            text += f", best S {number(best.score, best.error)} (trial {best.number})"
        return text

    def _view(self) -> Group:
        elapsed = duration(time.monotonic() - self._began)
        left = "" if self._left is None else f", about {duration(self._left)} left"
        parts: list[Text | Table] = []
        if self._title:
            parts += [
                Text(self._title, style="bold"),
                Text(f"{elapsed} elapsed{left}   {self._summary()}"),
                self._bar(),
                self._table(),
            ]
        if self._stage:
            parts.append(Text(f"{elapsed}  {self._stage} ..."))
        if self._stopping:
            parts.append(Text("stopping after the running epochs; Ctrl-C again stops at once"))
        return Group(*parts)

    def _bar(self) -> Table:
        """A progress bar on a line of its own: the bare one does not end its line."""
        grid = Table.grid()
        done = len(self._trials)
        grid.add_row(ProgressBar(total=max(self._total, 1), completed=done, width=60))
        return grid

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
