"""What a place that trials are copied to is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from metaopt.agenda import Assignment
from metaopt.store.views import TrialView
from workers.event_log import Chapters
from workers.trial import Progress


class Tracker(Protocol):
    """A place that trials are copied to, each under its number in the study.

    Any method raises OSError where the place cannot be reached or written just now; it is
    then called again with the same arguments, later.
    """

    #: The place's name for people.
    name: str

    def begin(self, trials: Sequence[TrialView]) -> None:
        """A run of the study begins; what earlier runs left out of these trials is added."""

    def started(self, number: int, assignment: Assignment) -> None:
        """A trial was submitted, or taken up: then its epochs come again from the first."""

    def progressed(self, number: int, progress: Progress) -> None:
        """A trial scored an epoch."""

    def finished(self, trial: TrialView) -> None:
        """A trial ended."""

    def close(self) -> None:
        """The run ended."""


def epoch_chapters(progress: Progress) -> Chapters:
    """The curves of a scored epoch."""
    time = {"seconds": progress.seconds}
    if progress.ms_per_shower is not None:
        time["ms_per_shower"] = progress.ms_per_shower
    return {
        "score": {"S": progress.score},
        "groups": progress.groups,
        "losses": progress.losses,
        "time": time,
    }


def last_chapters(trial: TrialView) -> Chapters:
    """What is known when a trial has ended: its final score, which is that of more showers."""
    final = {"S": trial.score, "error": trial.error, **trial.groups}
    return {
        "final": {name: value for name, value in final.items() if value is not None},
        "metrics": trial.metrics,
    }
