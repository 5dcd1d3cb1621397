"""What a person sees while a model is trained: a live view, or plain lines without a terminal."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from metaopt.reports.tables import duration, number
from metaopt.training import Plan
from workers.production.record import EpochRecord, best_of

#: Last epochs that the live view lists.
RECENT = 8


class TrainingMonitor:
    """A context manager; implements :class:`metaopt.training.Monitor`."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._stage = self._title = ""
        self._began = time.monotonic()
        self._records: list[EpochRecord] = []
        self._epochs = self._before = 0
        self._stopping = False

    def __enter__(self) -> TrainingMonitor:
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

    def stage(self, text: str) -> None:
        """Say what is being done before and after the epochs."""
        self._stage = text
        self._line(f"{text} ...")

    def begin(self, plan: Plan, workers: int) -> None:
        """The epochs begin."""
        spec = plan.spec
        self._records = list(plan.saved.records) if plan.saved else []
        self._epochs, self._before = spec.epochs, len(self._records)
        self._stage = ""
        self._title = (
            f"{spec.preset} on {spec.geometry.name}, {spec.showers:,} showers per epoch, "
            f"{workers} worker{'s' if workers != 1 else ''}"
        )
        self._line(self._title)
        if self._before:
            self._line(f"goes on after epoch {self._before}")

    def progressed(self, record: EpochRecord) -> None:
        """An epoch was trained, scored and kept."""
        self._records.append(record)
        self._line(
            f"epoch {record.epoch}/{self._epochs} S {number(record.score, record.error)} "
            f"[{self._summary()}]"
        )

    def restarted(self, reason: str, workers: int) -> None:
        """Workers were lost, and others go on from the last checkpoint."""
        self._line(f"{reason}; {workers} go on after epoch {len(self._records)}")

    def stopping(self) -> None:
        """The user asked for the end."""
        self._stopping = True
        self._line("stopping after the running epoch; again to stop at once")

    # -- drawing --------------------------------------------------------------------------

    def _line(self, text: str) -> None:
        """A plain line, where there is no live view."""
        if self._live is None:
            elapsed = duration(time.monotonic() - self._began)
            print(f"{elapsed}  {text}", file=sys.stderr, flush=True)

    def _summary(self) -> str:
        best = best_of(self._records)
        text = f"best S {number(best.score, best.error)} (epoch {best.epoch})"
        left = self._left()
        return f"{text}, about {duration(left)} left" if left else text

    def _left(self) -> float:
        """Seconds that the epochs to come take, from the mean of this sitting's."""
        done = self._records[self._before :]
        spent = done[-1].seconds - (done[0].seconds - done[0].training_seconds) if done else 0.0
        return (self._epochs - len(self._records)) * spent / max(len(done), 1)

    def _view(self) -> Group:
        elapsed = duration(time.monotonic() - self._began)
        parts: list[Text | Table] = []
        if self._title:
            summary = self._summary() if self._records else f"0/{self._epochs} epochs"
            parts += [
                Text(self._title, style="bold"),
                Text(f"{elapsed} elapsed   {summary}"),
                self._bar(),
                self._table(),
            ]
        if self._stage:
            parts.append(Text(f"{elapsed}  {self._stage} ..."))
        if self._stopping:
            parts.append(Text("stopping after the running epoch; Ctrl-C again stops at once"))
        return Group(*parts)

    def _bar(self) -> Table:
        """A progress bar on a line of its own: the bare one does not end its line."""
        grid = Table.grid()
        done = len(self._records)
        grid.add_row(ProgressBar(total=max(self._epochs, 1), completed=done, width=60))
        return grid

    def _table(self) -> Table:
        table = Table("epoch", "S", "time", box=None, pad_edge=False)
        for column in table.columns:
            column.justify = "right"
        best = best_of(self._records).epoch if self._records else 0
        for record in self._records[-RECENT:]:
            table.add_row(
                f"{record.epoch}/{self._epochs}",
                number(record.score, record.error),
                duration(record.training_seconds),
                style="bold" if record.epoch == best else "dim",
            )
        return table


@contextmanager
def stopped_by_signals(monitor: TrainingMonitor) -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C or SIGTERM asked for the end; the second one ends at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        del number, frame
        if asked:
            raise KeyboardInterrupt
        asked = True
        monitor.stopping()

    old = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
