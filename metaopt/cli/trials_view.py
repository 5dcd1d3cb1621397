"""The trials of a study that goes on: what runs, what ended last, the best, the time left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table

from metaopt.cli.live import LiveView
from metaopt.reports.tables import duration, number
from metaopt.store.standings import Standing, standings
from metaopt.store.views import FAILED, TrialView
from metaopt.strategies.registry import POPULATIONS

#: Finished trials that the live view lists, and running ones: a terminal is not endless.
RECENT, RUNNING = 6, 24


@dataclass
class _Row:
    """A running trial."""

    started: float
    kind: str = ""
    epoch: int = 0
    score: float | None = None


class TrialsView(LiveView):
    """A context manager; those who know of a study tell it."""

    def __init__(self, *, stderr: bool = True) -> None:
        super().__init__(stderr=stderr)
        self._best: Standing | None = None
        self._trials: dict[tuple[int, int], TrialView] = {}
        self._running: dict[int, _Row] = {}
        self._left: float | None = None
        self._total = self._epochs = 0

    def finished(self, trial: TrialView) -> None:
        """A trial ended."""
        self._running.pop(trial.number, None)
        self._keep([trial])
        reason = f": {trial.reason}" if trial.reason else ""
        self._line(
            f"trial {trial.number} {trial.word} S {number(trial.score, trial.error)}{reason} "
            f"[{self._summary()}]"
        )

    def tick(self, seconds_left: float | None) -> None:
        """Some time passed."""
        self._left = seconds_left

    # -- what is known --------------------------------------------------------------------

    def _keep(self, ended: Iterable[TrialView]) -> None:
        """In order of ending, also a training that goes on from where it was pruned."""
        for trial in ended:
            if trial.settled and trial.proposal is not None:
                self._trials.pop(trial.training, None)
                self._trials[trial.training] = trial
        self._best = next(iter(standings(self._trials.values())), None)

    def _start(self, number: int, kind: str, started: float) -> None:
        """A trial runs; ``kind`` says what it is if it is not a new point's first one."""
        self._running[number] = _Row(started, kind)
        self._line(f"trial {number} started" + (f" ({kind})" if kind else ""))

    def _score(self, number: int, epoch: int, score: float) -> None:
        """A running trial scored an epoch."""
        row = self._running[number]
        row.epoch, row.score = epoch, score
        self._line(f"trial {number} epoch {epoch}/{self._epochs} S {score:.3f}")

    # -- drawing --------------------------------------------------------------------------

    def _summary(self) -> str:
        total = f"/{self._total}" if self._total else ""
        text = f"{len(self._trials)}{total} trials"
        words = [t.word for t in list(self._trials.values())]
        for word in ("pruned", "replaced", FAILED):
            text += f", {words.count(word)} {word}" if word in words else ""
        return f"{text}, {self._best_words()}" if self._best else text

    def _best_words(self) -> str:
        """Of a confirmed configuration the median, which a single lucky trial does not displace."""
        if self._best is None:
            return "no complete trial yet"
        score, first = self._best.score, self._best.best.number
        seeds = f", {score.seeds} seeds" if score.seeds > 1 else ""
        return f"best S {number(score.value, score.error)} (trial {first}{seeds})"

    def _progress(self) -> str:
        left = "" if self._left is None else f", about {duration(self._left)} left"
        return f"{left}\n{self._summary()}"

    def _counts(self) -> tuple[int, int]:
        return len(self._trials), self._total

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for header, justify in (("trial", "right"), ("state", "left"), ("epoch", "right")):
            table.add_column(header, justify=justify)  # type: ignore[arg-type]
        for header in ("S", "time"):
            table.add_column(header, justify="right")
        for trial in list(self._trials.values())[-RECENT:]:
            table.add_row(
                str(trial.number), trial.word, f"{trial.epochs}/{self._epochs}",
                number(trial.score, trial.error), duration(trial.seconds), style="dim",
            )  # fmt: skip
        # A copy: the view is drawn in a thread of its own.
        running = dict(self._running)
        for name, row in list(running.items())[:RUNNING]:
            state = row.kind or "running"
            table.add_row(
                str(name), state, f"{row.epoch}/{self._epochs}",
                number(row.score), duration(time.monotonic() - row.started),
            )  # fmt: skip
        if len(running) > RUNNING:
            table.add_row("", f"and {len(running) - RUNNING} more")
        return table


def study_title(
    study: str, strategy: str, space: str, geometry: str, workers: int | None = None
) -> str:
    """What a study's view is headed with."""
    what = "population" if strategy in POPULATIONS else "search"
    title = f"{study}: {strategy} {what} of {space} on {geometry}"
    if workers is None:
        return title
    return f"{title}, {workers} worker{'s' if workers != 1 else ''}"
