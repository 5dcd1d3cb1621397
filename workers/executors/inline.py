"""Trials in this process, one at a time: for debugging, tests and notebooks."""

from __future__ import annotations

from collections.abc import Iterator

from search_spaces.errors import ExecutorError, MetaoptError
from workers.executors.base import Executor
from workers.runner import trial_events
from workers.trial import WORKER_DIED, Outcome, TrialEvent, TrialResult, TrialSpec

#: Exceptions that say nothing of the configuration.
SURROUNDINGS = (OSError, ImportError, MetaoptError)
#: The reason of a trial that its controller ended.
KILLED = f"{WORKER_DIED}: killed on the controller's word"


class InlineExecutor:
    """Advances one trial by one event per call of :meth:`events`."""

    slots = 1

    def __init__(self) -> None:
        self._running: tuple[int, Iterator[TrialEvent]] | None = None
        self._stop = False

    def submit(self, spec: TrialSpec) -> None:
        """Take a trial; it runs inside :meth:`events`."""
        if self._running is not None:
            raise ExecutorError("the inline executor runs one trial at a time; wait for its result")
        self._stop = False
        self._running = (spec.number, trial_events(spec, lambda: self._stop))

    def adopt(self, number: int) -> bool:
        """False: what ran in an earlier process ended with it."""
        del number
        return False

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        """The next event of the trial, however long it takes."""
        del timeout
        if self._running is None:
            return []
        number, stream = self._running
        try:
            event = next(stream)
        except Exception as failure:  # whatever broke, the controller must go on
            event = lost(failure)
        if isinstance(event, TrialResult):
            self._running = None
        return [(number, event)]

    def stop(self, number: int) -> None:
        """End the trial after its present epoch."""
        self._stop = self._running is not None and self._running[0] == number

    def kill(self, number: int) -> None:
        """Drop the trial: nothing of it runs between two calls of :meth:`events`."""
        if self._running is not None and self._running[0] == number:
            self._running = (number, iter([TrialResult(Outcome.LOST, reason=KILLED)]))

    def close(self) -> None:
        """Drop what runs."""
        self._running = None


def lost(failure: BaseException) -> TrialResult:
    """The result of a trial whose worker broke; the first line of a long text says enough."""
    first = (str(failure).strip().splitlines() or [""])[0]
    reason = f"{type(failure).__name__}: {first}"
    return TrialResult(Outcome.LOST, reason=reason, suspect=not isinstance(failure, SURROUNDINGS))


_: type[Executor] = InlineExecutor
