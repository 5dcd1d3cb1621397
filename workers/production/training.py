"""The loop of a full training: an epoch, its score, a checkpoint, the record."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from objectives.objective import evaluate
from objectives.reference import Reference
from objectives.showers import Showers
from search_spaces.errors import ConfigError
from workers import data
from workers.models.adjusting import adjust
from workers.models.base import GenerativeModel
from workers.models.registry import make_family
from workers.models.team import Parallel
from workers.production import checkpoints
from workers.production.checkpoints import Checkpoint
from workers.production.record import Diary, EpochRecord
from workers.production.ring import Ring
from workers.production.spec import TrainingSpec
from workers.runner import EPOCH_DRAW, epoch_indices
from workers.schedule import point_at


def epochs(spec: TrainingSpec, saved: Checkpoint | None) -> Generator[EpochRecord, None, None]:
    """Train the epochs that are left; each one that is yielded is kept.

    Args:
        spec: the training.
        saved: where it goes on.

    Raises:
        DataError: showers or a checkpoint cannot be read.
        DivergedError: the training failed; what it reached before is kept.
    """
    training = Training(spec, saved)
    for _ in range(spec.epochs - training.done):
        record = training.advance()
        assert record is not None
        yield record


class Training:
    """The model and its showers, in one worker.

    Args:
        spec: the training.
        saved: where it goes on; the same in all workers.
        ring: the workers that train together; None: this one alone.

    Attributes:
        done: epochs.

    Raises:
        ConfigError: several workers cannot train such a model.
        DataError: showers or a checkpoint cannot be read.
    """

    def __init__(
        self, spec: TrainingSpec, saved: Checkpoint | None, ring: Ring | None = None
    ) -> None:
        self._spec, self._ring = spec, ring
        self._showers = data.load(spec.data, spec.geometry, "training", shared=str(spec.cache))
        self._model = load_model(spec, saved)
        records = saved.records if saved else ()
        self.done = len(records)
        if ring is not None:
            _join(self._model, ring, spec)
        # The first worker judges and keeps; the others wait for it.
        self._keeper = _Keeper(spec, records) if ring is None or ring.rank == 0 else None

    def advance(self) -> EpochRecord | None:
        """Train an epoch; the first worker keeps it, and returns its record.

        Raises:
            DivergedError: the training failed.
        """
        spec, start = self._spec, time.monotonic()
        before = self._ring.seconds if self._ring else 0.0
        epoch = spec.epochs_before + self.done + 1
        rows = epoch_indices(len(self._showers), spec.showers, epoch, spec.seed)
        adjust(self._model, spec.point, spec.schedule, epoch)
        losses = self._model.train_epoch(self._showers, epoch, rows)
        self.done += 1
        if self._keeper is None:
            return None
        ended = time.monotonic()
        spent = self._ring.seconds - before if self._ring else 0.0
        effort = Effort(ended - start, spent, self._ring.size if self._ring else 1)
        return self._keeper.keep(self._model, losses, effort)


def _join(model: GenerativeModel, ring: Ring, spec: TrainingSpec) -> None:
    if not isinstance(model, Parallel):
        raise ConfigError(
            f"models of the family {spec.family!r} are trained by one worker, got {ring.size}; "
            "give --workers 1"
        )
    model.join(ring)


def load_model(spec: TrainingSpec, saved: Checkpoint | None) -> GenerativeModel:
    """The model of a checkpoint, of the weights to begin with, or a fresh one."""
    family = make_family(spec.family)
    folder = str(saved.folder) if saved else spec.weights
    if folder:
        done = spec.epochs_before + (saved.epoch if saved else 0)
        given = (spec.preset, point_at(spec.point, spec.schedule, done))
        return family.load(Path(folder), *given, spec.geometry, spec.resources)
    point = point_at(spec.point, spec.schedule, 1)
    return family.build(spec.preset, point, spec.geometry, spec.seed, spec.resources)


@dataclass(frozen=True)
class Effort:
    """What an epoch took: see :class:`EpochRecord`."""

    training_seconds: float
    communication_seconds: float
    workers: int


class _Keeper:
    """Scores epochs on validation events, and keeps them."""

    def __init__(self, spec: TrainingSpec, records: tuple[EpochRecord, ...]) -> None:
        self._spec = spec
        self._reference = Reference.load(Path(spec.reference))
        self._records = list(records)
        self._diary = Diary(spec, records)

    def keep(
        self, model: GenerativeModel, losses: Mapping[str, float], effort: Effort
    ) -> EpochRecord:
        """The record of an epoch; all that it is made of is on disk then."""
        start, epoch = time.monotonic(), len(self._records) + 1
        conditions = self._reference.conditions(self._spec.evaluation_showers)
        cells = model.generate(conditions, EPOCH_DRAW)
        score = evaluate(Showers(cells, conditions), self._reference)
        before = self._records[-1].seconds if self._records else 0.0
        record = EpochRecord(
            epoch=epoch,
            score=score.value,
            error=score.error,
            groups=score.groups,
            metrics=score.metrics,
            losses={name: float(value) for name, value in losses.items()},
            showers=epoch * self._spec.showers,
            seconds=before + effort.training_seconds + time.monotonic() - start,
            **vars(effort),
        )
        self._records.append(record)
        checkpoints.write(self._spec, model, self._records)
        self._diary.add(record)
        return record
