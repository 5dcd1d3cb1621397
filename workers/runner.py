"""One trial from start to end: data, model, epochs, score.

The same generator runs under Ray, inline, and in ``metaopt trial spec.json``.
"""

from __future__ import annotations

import errno
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray

from objectives.objective import WORST, Score, evaluate, judge
from objectives.reference import Reference
from objectives.showers import Showers
from search_spaces.errors import DataError, TrialFailedError
from workers import checkpoints, data, saved
from workers.models.adjusting import adjust
from workers.models.base import GenerativeModel
from workers.plotted import FILE, Plotted
from workers.reuse import Models
from workers.schedule import point_at
from workers.timing import MS_PER_SHOWER, clock_for, ms_per_shower
from workers.trial import (
    TEST_ERROR,
    TEST_SCORE,
    Outcome,
    Progress,
    TrialEvent,
    TrialResult,
    TrialSpec,
)

#: Seeds of the latent draws: one for the score of each epoch, and a fresh one for the
#: final score, so that no trial is chosen for a lucky draw.
EPOCH_DRAW, FINAL_DRAW = 1, 2
#: A full disk, or a full quota.
FULL = (errno.ENOSPC, errno.EDQUOT)
#: Showers of a batch whose generation is timed.
TIMED_BATCH = 16

Index = NDArray[np.int64]


def trial_events(
    spec: TrialSpec, stop: Callable[[], bool], models: Models | None = None
) -> Iterator[TrialEvent]:
    """Run a trial: one Progress per epoch, then one TrialResult.

    The configuration's own failure (diverged, infeasible), showers that cannot be read and a
    full disk are results; any other exception is the infrastructure's and passes through.

    Args:
        spec: the trial.
        stop: asked after each epoch; true ends the trial with the outcome STOPPED.
        models: makes its model; anew by default.
    """
    trial = _Trial(spec, models or Models())
    try:
        yield from trial.run(stop)
    except TrialFailedError as failure:
        yield trial.result(Outcome.FAILED, score=WORST, reason=str(failure))
    except OSError as failure:
        if failure.errno not in FULL:
            raise
        place = failure.filename or spec.folder
        got = os.strerror(failure.errno)  # HDF5's own text is a page
        reason = f"{place}: {no_room(got)}"
        yield trial.result(Outcome.UNREADABLE, score=None, reason=reason)


def no_room(got: str) -> str:
    """What is to be done about a full disk, of which this was said."""
    return f"a trial must have room for its files, got: {got}; free some space"


def load_reference(spec: TrialSpec) -> Reference:
    """The reference artefact of a trial's data, read from its file or built from the data."""
    if spec.reference and Path(spec.reference).is_file():
        return Reference.load(Path(spec.reference))
    return data.build_reference(spec.data, spec.geometry)


def load_test_reference(spec: TrialSpec) -> Reference:
    """Likewise of the test events; kept for the next trial."""
    path = Path(spec.test_reference)
    if path.is_file():
        with suppress(DataError):  # of another version: made again
            return Reference.load(path)
    reference = data.build_reference(spec.data, spec.geometry, "test")
    path.parent.mkdir(parents=True, exist_ok=True)
    reference.save(path)
    return reference


def epoch_indices(n: int, showers: int, epoch: int, seed: int) -> Index:
    """Which of n training events the given epoch uses: consecutive windows of shuffled passes.

    Every event is used once before any is used twice, whatever ``showers`` is.
    """
    positions = np.arange((epoch - 1) * showers, epoch * showers)
    passes = positions // n
    shuffled = {int(p): np.random.default_rng([seed, int(p)]).permutation(n) for p in set(passes)}
    return np.array([shuffled[int(p)][q] for p, q in zip(passes, positions % n, strict=True)])


@dataclass
class _Trial:
    """The running totals of one trial."""

    spec: TrialSpec
    models: Models

    def __post_init__(self) -> None:
        self.start = time.monotonic()
        self.progress: list[Progress] = []
        self.kept = self.start

    def run(self, stop: Callable[[], bool]) -> Iterator[TrialEvent]:
        spec, budget = self.spec, self.spec.budget
        limit = budget.epochs * budget.showers
        try:
            reference = load_reference(spec)
            test = load_test_reference(spec) if spec.test_reference else None
            training = data.load(spec.data, spec.geometry, "training", limit, spec.showers)
        except DataError as failure:
            yield self.result(Outcome.UNREADABLE, score=None, reason=str(failure))
            return
        model = self._model()
        yield from self.progress
        for epoch in range(self.epoch + 1, budget.epochs + 1):
            chosen = epoch_indices(len(training), budget.showers, epoch, spec.seed)
            adjust(model, spec.point, spec.schedule, epoch)
            losses = model.train_epoch(training, epoch, chosen)
            score = _evaluate(model, reference, budget.evaluation_showers, EPOCH_DRAW)
            self._scored_epoch(epoch, score, losses, self._timed(model, reference))
            yield self.progress[-1]
            stopped = epoch < budget.epochs and stop()
            self._keep(model, now=stopped)
            if stopped:
                yield self._scored(Outcome.STOPPED, score)
                return
        result = self._scored(Outcome.COMPLETE, self._final_score(model, reference))
        metrics = {**result.metrics, **_own_numbers(model), **_tested(model, test)}
        self._save(model, reference)
        yield replace(result, metrics=metrics)

    def _final_score(self, model: GenerativeModel, reference: Reference) -> Score:
        """S of fresh showers at all validation events, of which some are left for plots."""
        showers = _generated(model, reference, len(reference), FINAL_DRAW)
        seen = reference.features(showers)
        if self.spec.plots:
            folder = Path(self.spec.folder)
            folder.mkdir(parents=True, exist_ok=True)
            Plotted.of(showers, seen, reference).save(folder / FILE)
        return judge(seen, reference, asked=len(reference))

    def _model(self) -> GenerativeModel:
        """The model as another attempt left it, or a fresh one."""
        spec = self.spec
        saved = checkpoints.latest(spec)
        if saved is not None:
            point = point_at(spec.point, spec.schedule, saved.progress[-1].epoch)
            with suppress(DataError):  # damaged: the trial starts again
                model = self.models.loaded(spec, point, saved.folder)
                self.progress = list(saved.progress)
                self.start -= saved.progress[-1].seconds
                return model
        return self.models.built(spec, point_at(spec.point, spec.schedule, 1))

    def _keep(self, model: GenerativeModel, *, now: bool) -> None:
        """Write a checkpoint: at once, or if the last one is old enough."""
        spec = self.spec
        if spec.checkpoint and (now or time.monotonic() - self.kept >= spec.checkpoint_seconds):
            checkpoints.write(spec, model, self.progress)
            self.kept = time.monotonic()

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.progress[-1].epoch if self.progress else 0

    def _timed(self, model: GenerativeModel, reference: Reference) -> float:
        """Milliseconds per shower, the least so far: what disturbs only ever adds.

        After the first epoch already, since a rung asks for it; training does not change it.
        """
        conditions, clock = reference.conditions(TIMED_BATCH), clock_for(self.spec.resources)
        ms = ms_per_shower(model.generate, conditions, TIMED_BATCH, clock=clock)
        before = self.progress[-1].ms_per_shower if self.progress else None
        return ms if before is None else min(ms, before)

    def _scored_epoch(
        self, epoch: int, score: Score, losses: Mapping[str, float], ms: float
    ) -> None:
        self.progress.append(
            Progress(
                epoch=epoch,
                score=score.value,
                groups=score.groups,
                losses={k: float(v) for k, v in losses.items()},
                seconds=self.seconds,
                showers=epoch * self.spec.budget.showers,
                ms_per_shower=ms,
            )
        )

    def _scored(self, outcome: Outcome, score: Score) -> TrialResult:
        metrics = {**score.metrics, "floor": score.floor, "floor_sd": score.floor_sd}
        ms = self.progress[-1].ms_per_shower
        metrics |= {} if ms is None else {MS_PER_SHOWER: ms}
        return replace(
            self.result(outcome, score.value),
            error=score.error,
            groups=score.groups,
            metrics=metrics,
        )

    def result(self, outcome: Outcome, score: float | None, reason: str = "") -> TrialResult:
        return TrialResult(
            outcome=outcome,
            score=score,
            reason=reason,
            epochs=self.epoch,
            showers=self.epoch * self.spec.budget.showers,
            seconds=self.seconds,
        )

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def _save(self, model: GenerativeModel, reference: Reference) -> None:
        folder = Path(self.spec.folder)
        saved.save(model, folder, reference)
        (folder / "trial.json").write_text(json.dumps(self.spec.to_json(), indent=1))


def _own_numbers(model: GenerativeModel) -> dict[str, float]:
    """What the model says of itself, as the store and JSON can hold it.

    A number that is not finite is none: exports and strategies could not read it.

    Raises:
        DataError: a metric is no number.
    """
    own: dict[str, float] = {}
    for name, value in model.metrics().items():
        # Numbers of NumPy too, and arrays of one.
        if getattr(value, "ndim", 0) or not isinstance(value, SupportsFloat):
            raise DataError(
                f"metric {name!r} of the model must be a number, got {type(value).__name__}; "
                "return numbers from metrics()"
            )
        own[name] = float(value)
    return {name: value for name, value in own.items() if math.isfinite(value)}


def _tested(model: GenerativeModel, reference: Reference | None) -> dict[str, float]:
    """S of the test events, where it is asked for."""
    if reference is None:
        return {}
    score = _evaluate(model, reference, len(reference), FINAL_DRAW)
    return {TEST_SCORE: score.value, TEST_ERROR: score.error}


def _evaluate(model: GenerativeModel, reference: Reference, showers: int, draw: int) -> Score:
    """The score of freshly generated showers."""
    generated = _generated(model, reference, min(showers, len(reference)), draw)
    return evaluate(generated, reference, asked=len(generated.conditions))


def _generated(model: GenerativeModel, reference: Reference, showers: int, draw: int) -> Showers:
    conditions = reference.conditions(showers)
    return Showers(model.generate(conditions, draw), conditions)
