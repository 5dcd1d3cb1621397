"""Trials as MLflow runs, nested under one run of the study.

A study is found again by its key, a trial by its number: a study that goes on in a new
process, or on another machine, goes on in the same runs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from metaopt.agenda import Assignment
from metaopt.store.views import INTERRUPTED, TrialView
from metaopt.tracking.base import epoch_chapters, last_chapters
from search_spaces.parameters import Value
from workers.event_log import Chapters, curves
from workers.trial import Progress

#: The experiment, unless MLFLOW_EXPERIMENT_NAME says another.
EXPERIMENT = "metaopt"
#: Tags by which runs are found again.
KEY, TRIAL = "metaopt.study_key", "metaopt.trial"
#: MLflow's own tags: a nested run, and the name that it shows.
PARENT, NAME = "mlflow.parentRunId", "mlflow.runName"
SCORE, BEST = "score/S", "best S"
#: What MLflow is told unless the environment says it: to give up soon, as calls are repeated
#: here, and to send nothing to its makers.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class MLflowTracker:
    """A tracking server or database; implements :class:`metaopt.tracking.base.Tracker`.

    Args:
        uri: of it.
        study: the study's name.
        key: the same for all runs of the study, and for no other study.
        document: what the study is about, as parameters of its run.
    """

    name = "MLflow"

    def __init__(self, uri: str, study: str, key: str, document: Mapping[str, Value]) -> None:
        self._uri, self._study, self._key, self._document = uri, study, key, document
        self._experiment = self._parent = ""
        self._runs: dict[int, str] = {}
        self._ended: set[int] = set()
        #: Epochs that a run had before it was taken up.
        self._known: dict[int, int] = {}
        self._best = float("inf")

    def begin(self, trials: Sequence[TrialView]) -> None:
        """Find the runs of the study, or begin them; add trials that are missing."""
        with self._reached():
            self._find(new=not trials)
            for trial in trials:
                if trial.finished is not None and trial.number not in self._ended:
                    self._add(trial)

    def started(self, number: int, assignment: Assignment) -> None:
        """Begin a trial's run, and end that of a trial whose controller died."""
        before = assignment.before
        with self._reached():
            if before is not None and before.repeatable and before.number not in self._ended:
                self._add(before)
            if number in self._runs:
                self._known[number] = self._last_epoch(number)
            else:
                self._start(number, assignment.point, assignment.proposal, assignment.seed)

    def progressed(self, number: int, progress: Progress) -> None:
        """Add an epoch."""
        if progress.epoch > self._known.get(number, 0):
            with self._reached():
                self._log(self._runs[number], progress.epoch, epoch_chapters(progress))

    def finished(self, trial: TrialView) -> None:
        """End a trial's run."""
        with self._reached():
            self._end(trial)

    def close(self) -> None:
        """End the study's run; the next one begins it again."""
        if self._parent:
            with self._reached():
                self._client.set_terminated(self._parent)

    # -- runs -----------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self._uri)

    def _find(self, *, new: bool) -> None:
        """The runs of the study; of a new one only where no trial is in them."""
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        known = self._client.get_experiment_by_name(name)
        self._experiment = known.experiment_id if known else self._client.create_experiment(name)
        parent = next(self._search(f"tags.`{KEY}` = '{self._key}'"), None)
        trials = list(self._children(parent.info.run_id)) if parent else []
        if parent is None or (new and trials):
            parent, trials = self._create({KEY: self._key, NAME: self._study}), []
            self._log_parameters(parent.info.run_id, self._document)
        self._parent = parent.info.run_id
        self._client.update_run(self._parent, status="RUNNING")
        self._runs = {int(run.data.tags[TRIAL]): run.info.run_id for run in trials}
        over = [run for run in trials if run.info.status != "RUNNING"]
        self._ended = {int(run.data.tags[TRIAL]) for run in over}
        self._best = parent.data.metrics.get(BEST, self._best)

    def _children(self, parent: str) -> Iterator[Any]:
        return self._search(f"tags.`{PARENT}` = '{parent}'")

    def _search(self, where: str) -> Iterator[Any]:
        """Runs, newest first."""
        order, token = ["attributes.start_time DESC"], ""
        while True:
            page = self._client.search_runs(
                [self._experiment], where, order_by=order, page_token=token or None
            )
            yield from page
            token = page.token
            if not token:
                return

    def _create(self, tags: Mapping[str, str], began: datetime | None = None) -> Any:
        start = int(1000 * (began.timestamp() if began else time.time()))
        return self._client.create_run(self._experiment, start_time=start, tags=dict(tags))

    def _start(
        self,
        number: int,
        point: Mapping[str, Value],
        proposal: int,
        seed: int,
        began: datetime | None = None,
    ) -> None:
        tags = {
            PARENT: self._parent,
            TRIAL: str(number),
            NAME: f"{self._study} trial {number}",
            "metaopt.proposal": str(proposal),
            "metaopt.seed": str(seed),
        }
        self._runs[number] = self._create(tags, began).info.run_id
        self._log_parameters(self._runs[number], point)

    def _add(self, trial: TrialView) -> None:
        """A trial whose end was not followed: S of its epochs, and its end."""
        number = trial.number
        if number not in self._runs:
            self._start(number, trial.point, trial.proposal or 0, trial.seed, trial.started)
        known = self._last_epoch(number)
        for epoch, score in trial.rungs:
            if epoch > known:
                self._log(self._runs[number], epoch, {"score": {"S": score}})
        self._end(trial)

    def _last_epoch(self, number: int) -> int:
        """The last epoch that a trial's run has; 0 of a new one."""
        history = self._client.get_metric_history(self._runs[number], SCORE)
        return max((point.step for point in history), default=0)

    def _end(self, trial: TrialView) -> None:
        run = self._runs[trial.number]
        self._log(run, trial.epochs, last_chapters(trial))
        self._client.set_tag(run, "metaopt.state", trial.outcome or trial.state)
        if trial.reason:
            self._client.set_tag(run, "metaopt.reason", trial.reason)
        ended = None if trial.finished is None else int(1000 * trial.finished.timestamp())
        self._client.set_terminated(run, _status(trial), end_time=ended)
        self._ended.add(trial.number)
        if trial.complete and trial.score is not None and trial.score < self._best:
            self._best = trial.score
            self._client.log_metric(self._parent, BEST, trial.score, step=trial.number)

    def _log(self, run: str, step: int, chapters: Chapters) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        values = [Metric(name, value, now, step) for name, value in curves(chapters).items()]
        if values:
            self._client.log_batch(run, metrics=values)

    def _log_parameters(self, run: str, values: Mapping[str, Value]) -> None:
        from mlflow.entities import Param

        self._client.log_batch(run, params=[Param(k, str(v)) for k, v in values.items()])

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Tell a place that is away, which is an OSError, from one that refuses."""
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        import logging

        from mlflow.exceptions import MlflowException

        for logger in ("mlflow", "alembic"):
            logging.getLogger(logger).setLevel(logging.WARNING)
        try:
            yield
        except MlflowException as failure:
            if failure.get_http_status_code() < 500:
                raise
            raise ConnectionError(f"{place_of(self._uri)} cannot be reached") from failure


def place_of(uri: str) -> str:
    """A tracking URI without user and password: the only form that is ever shown."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _status(trial: TrialView) -> str:
    if trial.outcome == INTERRUPTED:
        return "KILLED"
    return "FINISHED" if trial.state in ("complete", "pruned") else "FAILED"
