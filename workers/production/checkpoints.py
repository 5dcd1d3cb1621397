"""Checkpoints of a full training: the state after an epoch, from which it goes on exactly.

A checkpoint is a folder ``epoch-0003`` with the model's own files and ``checkpoint.json``: whose
it is, and the record of all epochs so far. It is written beside and renamed, so that it is whole
or absent. Two are kept: the last one and that of the best epoch, if those are not the same.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from search_spaces.documents import DAMAGE, read_text
from search_spaces.errors import ConfigError, DataError
from search_spaces.records import decode, encode
from workers.models.base import GenerativeModel
from workers.production.record import EpochRecord, best_of
from workers.production.spec import TrainingSpec

RECORD = "checkpoint.json"
#: Of a record: some kilobytes for each epoch [bytes].
MAX_RECORD = 256 * 2**20
_EPOCHS, _PART = "epoch-*", ".part"


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
    folder = spec.checkpoints
    part = folder / _PART
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    model.save(part)
    record = {"training": spec.identity, "epochs": [encode(r) for r in records]}
    (part / RECORD).write_text(json.dumps(record), encoding="utf-8")
    last = of_epoch(spec, records[-1].epoch)
    shutil.rmtree(last, ignore_errors=True)
    part.rename(last)
    kept = {last, of_epoch(spec, best_of(records).epoch)}
    for other in folder.glob(_EPOCHS):
        if other not in kept:
            shutil.rmtree(other, ignore_errors=True)


def of_epoch(spec: TrainingSpec, epoch: int) -> Path:
    """The folder of an epoch's checkpoint."""
    return spec.checkpoints / f"epoch-{epoch:04d}"


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
        if of_epoch(spec, best_of(saved.records).epoch).is_dir():
            return saved
    return None


def _found(spec: TrainingSpec) -> Iterator[tuple[Checkpoint, dict[str, object]]]:
    """Readable checkpoints, the newest first, with what they say whose they are."""
    for folder in sorted(spec.checkpoints.glob(_EPOCHS), reverse=True):
        try:
            record = json.loads(read_text(folder / RECORD, DataError, MAX_RECORD))
            epochs = tuple(decode(EpochRecord, epoch, RECORD) for epoch in record["epochs"])
            if epochs:
                yield Checkpoint(folder, epochs), dict(record["training"])
        except DAMAGE:
            continue
