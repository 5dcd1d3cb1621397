"""Checkpoints of a running trial: the state after an epoch, from which it goes on exactly.

A checkpoint is a folder of :mod:`workers.snapshots`, whose record says which trial it belongs
to, and what the trial reported so far. The one before it is removed afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.documents import DAMAGE
from search_spaces.records import decode, encode
from workers import snapshots
from workers.models.base import GenerativeModel
from workers.schedule import point_at, until
from workers.trial import Progress, TrialSpec


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
    place, epoch = Path(spec.checkpoint), progress[-1].epoch
    record = {"trial": _identity(spec, epoch), "progress": [encode(p) for p in progress]}
    folder = snapshots.of_epoch(place, epoch)
    # An attempt that was lost may still be at work.
    snapshots.write(folder, f".part-{os.uname().nodename}-{os.getpid()}", model.save, record)
    snapshots.keep(place, [folder])


def latest(spec: TrialSpec) -> Checkpoint | None:
    """The newest whole checkpoint of this trial, if there is one.

    One of other parameters, data or seed is none: the trial starts again.
    """
    if not spec.checkpoint:
        return None
    for folder in snapshots.newest_first(Path(spec.checkpoint)):
        try:
            record = snapshots.read(folder)
            progress = tuple(decode(Progress, p, folder.name) for p in record["progress"])
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
