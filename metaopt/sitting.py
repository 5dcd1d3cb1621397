"""Records in the store that a study is being run, and how the run ended."""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType
from typing import Self

from metaopt.agenda import Assignment
from metaopt.config import StudyConfig
from metaopt.durations import seconds
from metaopt.store.sitting import Sitting
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
from search_spaces.errors import MetaoptError, StoreError
from workers.trial import Progress


class SittingRecord:
    """A context manager around a run; implements :class:`metaopt.monitoring.Monitor`.

    Written when the controller first says something: only then does it hold the study.
    """

    def __init__(self, config: StudyConfig, study: StoredStudy, workers: int) -> None:
        self._study = study
        self._written = False
        self._sitting = Sitting(
            strategy=config.search.strategy,
            # How many segments the training of a population will have nobody knows.
            trials=0 if "population" in study.document else config.search.trials,
            workers=workers,
            began=time.time(),
            time_budget=seconds(config.search.time_budget) or 0.0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A store that failed cannot be told, and another's study is not to be.
        if isinstance(failure, MetaoptError) and not isinstance(failure, StoreError):
            self.ended(f"ended by an error: {failure}")

    def ended(self, ending: str) -> None:
        """Say why the run ended."""
        if self._written:
            self._study.record_sitting(replace(self._sitting, ending=ending))

    def started(self, number: int, assignment: Assignment) -> None:
        """A trial was submitted."""
        del number, assignment
        self._write()

    def progressed(self, number: int, progress: Progress) -> None:
        """Nothing to record."""

    def finished(self, trial: TrialView) -> None:
        """Nothing to record."""

    def tick(self, seconds_left: float | None) -> None:
        """The run goes on."""
        del seconds_left
        self._write()

    def _write(self) -> None:
        if not self._written:
            self._written = True
            self._study.record_sitting(self._sitting)
