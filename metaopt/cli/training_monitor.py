"""What a person sees while a model is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.table import Table

from metaopt.cli.live import LiveView, on_signals
from metaopt.reports.tables import duration, number
from metaopt.training import Plan
from workers.production.record import EpochRecord, best_of

#: Last epochs that the live view lists.
RECENT = 8


class TrainingMonitor(LiveView):
    """A context manager; implements :class:`metaopt.training.Monitor`."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[EpochRecord] = []
        self._epochs = self._before = 0

    def begin(self, plan: Plan, workers: int) -> None:
        """The epochs begin."""
        spec = plan.spec
        saved = plan.saved()
        self._records = list(saved.records) if saved else []
        self._epochs, self._before = spec.epochs, len(self._records)
        self._entitle(
            f"{spec.preset} on {spec.geometry.name}, {spec.showers:,} showers per epoch, "
            f"{workers} worker{'s' if workers != 1 else ''}"
        )
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

    # -- drawing --------------------------------------------------------------------------

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

    def _progress(self) -> str:
        return f"   {self._summary() if self._records else f'0/{self._epochs} epochs'}"

    def _counts(self) -> tuple[int, int]:
        return len(self._records), self._epochs

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

    def ask() -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        monitor.stopping()

    with on_signals(ask):
        yield lambda: asked
