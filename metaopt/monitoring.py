"""Whom the controller tells what happens."""

from __future__ import annotations

from typing import Protocol

from metaopt.agenda import Assignment
from metaopt.store.views import TrialView
from workers.trial import Progress


class Monitor(Protocol):
    """Is told what happens; the terminal view is one."""

    def started(self, number: int, assignment: Assignment) -> None:
        """A trial was submitted, or taken up from an earlier controller."""

    def progressed(self, number: int, progress: Progress) -> None:
        """A trial scored an epoch."""

    def finished(self, trial: TrialView) -> None:
        """A trial ended."""

    def tick(self, seconds_left: float | None) -> None:
        """Some time passed; an estimate of what is left, where there is one."""


class Quiet:
    """A monitor that says nothing: for use as a library."""

    def started(self, number: int, assignment: Assignment) -> None:
        """Say nothing."""

    def progressed(self, number: int, progress: Progress) -> None:
        """Say nothing."""

    def finished(self, trial: TrialView) -> None:
        """Say nothing."""

    def tick(self, seconds_left: float | None) -> None:
        """Say nothing."""


class Several:
    """Tells several monitors, in this order."""

    def __init__(self, *monitors: Monitor) -> None:
        self._monitors = monitors

    def started(self, number: int, assignment: Assignment) -> None:
        """A trial was submitted."""
        for monitor in self._monitors:
            monitor.started(number, assignment)

    def progressed(self, number: int, progress: Progress) -> None:
        """A trial scored an epoch."""
        for monitor in self._monitors:
            monitor.progressed(number, progress)

    def finished(self, trial: TrialView) -> None:
        """A trial ended."""
        for monitor in self._monitors:
            monitor.finished(trial)

    def tick(self, seconds_left: float | None) -> None:
        """Some time passed."""
        for monitor in self._monitors:
            monitor.tick(seconds_left)
