"""Between the controller and a tracker: a thread, so that no study waits for a server."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from metaopt.agenda import Assignment
from metaopt.store.views import TrialView
from metaopt.tracking.base import Tracker
from workers.trial import Progress

#: What waits at most for a tracker that is away; more is not copied.
MOST_WAITING = 20_000
#: Between two attempts, at first and at most [s].
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
#: What the end of a run waits for a tracker that is at work, or away [s].
CLOSE_SECONDS, AWAY_SECONDS = 60.0, 2.0

Call = Callable[[], None]


class Delivery:
    """Implements :class:`metaopt.monitoring.Monitor` for a tracker; a context manager.

    Calls are delivered in order. Where the tracker is away they wait, and after a run they
    are dropped: the next run adds what is missing.

    Args:
        tracker: the place.
        trials: of the study, as its run begins.
        warn: is told, once, that the tracker is away or refuses something.
    """

    def __init__(
        self, tracker: Tracker, trials: Sequence[TrialView], warn: Callable[[str], None]
    ) -> None:
        self._tracker = tracker
        self._warn = warn
        self._warned = False
        self._waiting: queue.Queue[Call | None] = queue.Queue(MOST_WAITING)
        self._away = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._deliver, name=tracker.name, daemon=True)
        self._put(partial(tracker.begin, tuple(trials)))

    def __enter__(self) -> Delivery:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._put(self._tracker.close)
        self._put(None)
        deadline = time.monotonic() + CLOSE_SECONDS
        while self._thread.is_alive() and time.monotonic() < deadline:
            self._thread.join(0.1)
            if self._away.is_set():
                deadline = min(deadline, time.monotonic() + AWAY_SECONDS)
        if self._thread.is_alive():
            self._warn(f"{self._tracker.name} has not got everything; the next run adds the rest")
        self._over.set()

    # -- told by the controller -----------------------------------------------------------

    def started(self, number: int, assignment: Assignment) -> None:
        """A trial was submitted."""
        self._put(partial(self._tracker.started, number, assignment))

    def progressed(self, number: int, progress: Progress) -> None:
        """A trial scored an epoch."""
        self._put(partial(self._tracker.progressed, number, progress))

    def finished(self, trial: TrialView) -> None:
        """A trial ended."""
        self._put(partial(self._tracker.finished, trial))

    def tick(self, seconds_left: float | None) -> None:
        """Nothing happened."""

    # -- the thread -----------------------------------------------------------------------

    def _put(self, call: Call | None) -> None:
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            self._say("more than waits for it is not copied")

    def _deliver(self) -> None:
        while (call := self._waiting.get()) is not None:
            self._attempt(call)

    def _attempt(self, call: Call) -> None:
        """Call until it is done or refused, or the run is over."""
        pause = FIRST_PAUSE
        while not self._over.is_set():
            try:
                call()
            except OSError as failure:
                self._away.set()
                self._say(f"{failure}; the study goes on, and what is missing is sent later")
                self._over.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Exception as failure:  # whatever a tracker does, the study goes on
                self._say(f"{type(failure).__name__}: {failure}; the study goes on without it")
                return
            else:
                self._away.clear()
                return

    def _say(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"warning: {self._tracker.name}: {' '.join(text.split())[:300]}")
