"""Checkpoints of a running trial: the state after an epoch, from which it goes on exactly.

A checkpoint is a folder ``epoch-0003`` with the model's own files and ``checkpoint.json``:
which trial it belongs to, and what the trial reported so far. It is written beside and
renamed, so that it is whole or absent; the one before it is removed afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.documents import DAMAGE, read_text
from search_spaces.errors import DataError
from search_spaces.records import decode, encode
from workers.models.base import GenerativeModel
from workers.schedule import point_at, until
from workers.trial import Progress, TrialSpec

RECORD = "checkpoint.json"
#: Of a record: some kilobytes for each epoch [bytes].
MAX_RECORD = 256 * 2**20
_EPOCHS = "epoch-*"


@dataclass(frozen=True)
class Checkpoint:
    """Where a trial can go on.

    Attributes:
        folder: holds the model, as it saved itself.
        progress: what the trial reported, one for each epoch done.
    """

    folder: Path
    progress: tuple[Progress, ...]


def write(spec: TrialSpec, model: GenerativeModel, progress: Sequence[Progress]) -> None:
    """Keep the state after the last epoch of ``progress``, and no older one."""
    folder = Path(spec.checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".part-{os.uname().nodename}-{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    model.save(part)
    identity = _identity(spec, progress[-1].epoch)
    record = {"trial": identity, "progress": [encode(p) for p in progress]}
    (part / RECORD).write_text(json.dumps(record))
    final = folder / f"epoch-{progress[-1].epoch:04d}"
    shutil.rmtree(final, ignore_errors=True)
    part.rename(final)
    for older in folder.glob(_EPOCHS):
        if older != final:
            shutil.rmtree(older, ignore_errors=True)


def latest(spec: TrialSpec) -> Checkpoint | None:
    """The newest whole checkpoint of this trial, if there is one.

    One of other parameters, data or seed is none: the trial starts again.
    """
    if not spec.checkpoint:
        return None
    for folder in sorted(Path(spec.checkpoint).glob(_EPOCHS), reverse=True):
        try:
            record = json.loads(read_text(folder / RECORD, DataError, MAX_RECORD))
            progress = tuple(decode(Progress, p, RECORD) for p in record["progress"])
            whole = 0 < len(progress) <= spec.budget.epochs
            if whole and record["trial"] == _identity(spec, progress[-1].epoch):
                return Checkpoint(folder, progress)
        except DAMAGE:
            continue
    return None


def _identity(spec: TrialSpec, epoch: int) -> dict[str, Any]:
    """What decides the state after an epoch: not what is to come."""
    changes = encode(until(spec.schedule, epoch))
    return {
        "family": spec.family,
        "preset": spec.preset,
        "point": point_at(spec.point, spec.schedule, epoch),
        "geometry": spec.geometry.digest,
        "data": encode(spec.data) | {"files": None},
        "showers": spec.budget.showers,
        "evaluation_showers": spec.budget.evaluation_showers,
        "seed": spec.seed,
        "precision": spec.resources.precision,
        **({"schedule": changes} if changes else {}),
    }
