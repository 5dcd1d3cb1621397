"""What every command that runs for long shows: a live view, or plain lines without a terminal."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType, TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from metaopt.cli.console import unheard
from metaopt.reports.tables import duration


class LiveView:
    """A context manager. What runs says what it is, how far it is, and what it lists.

    Args:
        stderr: where it is shown; otherwise to standard output.
    """

    #: What runs on after the first Ctrl-C.
    RUNS_ON = "epoch"
    #: How often the live view is drawn.
    PER_SECOND = 4.0

    def __init__(self, *, stderr: bool = True) -> None:
        self._console = Console(stderr=stderr, highlight=False)
        self._live: Live | None = None
        self._stage = self._title = ""
        self._began = time.monotonic()
        self._stopping = False

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._view,
                console=self._console,
                refresh_per_second=self.PER_SECOND,
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
        """Say what is being done before and after what the view is about."""
        self._stage = text
        self._line(f"{text} ...")

    def stopping(self) -> None:
        """The user asked for the end."""
        self._stopping = True
        self._line(f"stopping after the running {self.RUNS_ON}; again to stop at once")

    # -- what a view of its own says ------------------------------------------------------

    def _progress(self) -> str:
        """What stands behind the elapsed time."""
        raise NotImplementedError

    def _counts(self) -> tuple[int, int]:
        """How much is done, of how much."""
        raise NotImplementedError

    def _table(self) -> Table:
        """What the view lists."""
        raise NotImplementedError

    # -- drawing --------------------------------------------------------------------------

    def _entitle(self, title: str) -> None:
        """What the view is about begins."""
        self._stage, self._title = "", title
        self._line(title)

    def _line(self, text: str) -> None:
        """A plain line, where there is no live view.

        On standard error, where it tells of work, that goes on though nobody can read the line.
        """
        if self._live is None:
            with unheard() if self._console.stderr else nullcontext():
                print(f"{self._elapsed()}  {text}", file=self._console.file, flush=True)

    def _elapsed(self) -> str:
        return duration(time.monotonic() - self._began)

    def _view(self) -> Group:
        elapsed = self._elapsed()
        parts: list[Text | Table] = []
        if self._title:
            parts += [
                Text(self._title, style="bold"),
                Text(f"{elapsed} elapsed{self._progress()}"),
                self._bar(),
                self._table(),
            ]
        if self._stage:
            parts.append(Text(f"{elapsed}  {self._stage} ..."))
        if self._stopping:
            again = "Ctrl-C again stops at once"
            parts.append(Text(f"stopping after the running {self.RUNS_ON}; {again}"))
        return Group(*parts)

    def _bar(self) -> Table:
        """A progress bar on a line of its own: the bare one does not end its line."""
        grid = Table.grid()
        done, total = self._counts()
        grid.add_row(ProgressBar(total=max(total, 1), completed=done, width=60))
        return grid


@contextmanager
def on_signals(ask: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call ``ask``; the old handlers come back after."""

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        ask()

    old = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
