"""Checkpoints of a full training: the state after an epoch, from which it goes on exactly.

A checkpoint is a folder of :mod:`workers.snapshots`, whose record says whose it is, and holds
the record of all epochs so far. Two are kept: the last one and that of the best epoch, if those
are not the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from search_spaces.documents import DAMAGE
from search_spaces.errors import ConfigError
from search_spaces.records import decode, encode
from workers import snapshots
from workers.models.base import GenerativeModel
from workers.production.record import EpochRecord, best_of
from workers.production.spec import TrainingSpec

_PART = ".part"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training can go on.

    Attributes:
        folder: holds the model, as it saved itself.
        records: one for each epoch done.
    """

    folder: Path
    records: tuple[EpochRecord, ...]

    @property
    def epoch(self) -> int:
        """After which it was kept."""
        return self.records[-1].epoch


def write(spec: TrainingSpec, model: GenerativeModel, records: Sequence[EpochRecord]) -> None:
    """Keep the state after the last of the epochs, and that of the best."""
    record = {"training": spec.identity, "epochs": [encode(r) for r in records]}
    last = snapshots.of_epoch(spec.checkpoints, records[-1].epoch)
    snapshots.write(last, _PART, model.save, record)
    snapshots.keep(spec.checkpoints, [last, best(spec, records).folder])


def best(spec: TrainingSpec, records: Sequence[EpochRecord]) -> Checkpoint:
    """That of the best epoch, of those that are whole; the last one is."""
    found = {saved.epoch: saved for saved, _ in _found(spec)}
    return found[best_of([record for record in records if record.epoch in found]).epoch]


def latest(spec: TrainingSpec) -> Checkpoint | None:
    """The newest whole checkpoint, if there is one.

    Raises:
        ConfigError: it is of another training, or beyond the epochs that are asked for.
    """
    for saved, identity in _found(spec):
        for what, value in spec.identity.items():
            if identity.get(what) != value:
                raise ConfigError(
                    f"{spec.folder} holds a training with another {what.replace('_', ' ')}; "
                    "restore it, or give another -o"
                )
        if len(saved.records) > spec.epochs:
            raise ConfigError(
                f"{spec.folder} holds a training of {len(saved.records)} epochs, got --epochs "
                f"{spec.epochs}; give as many or more, or another -o"
            )
        return saved
    return None


def _found(spec: TrainingSpec) -> Iterator[tuple[Checkpoint, dict[str, object]]]:
    """Whole checkpoints, the newest first, with what they say whose they are."""
    for folder in snapshots.newest_first(spec.checkpoints):
        try:
            record = snapshots.read(folder)
            epochs = tuple(decode(EpochRecord, epoch, folder.name) for epoch in record["epochs"])
            if epochs:
                yield Checkpoint(folder, epochs), dict(record["training"])
        except DAMAGE:
            continue
