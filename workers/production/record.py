"""What is written of each epoch: a line of JSON, and a log for TensorBoard.

Both are made again from the last checkpoint where a training goes on: they hold what led to
the weights, each epoch once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from search_spaces.records import encode
from search_spaces.whole import whole
from workers.event_log import EventLog, curves
from workers.production.spec import TrainingSpec

RECORD, LOG = "training.jsonl", "tensorboard"


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: from 1.
        score, error: S on validation events, lower is better, and its standard deviation.
        groups: L_g of the observables.
        metrics: human numbers by name.
        losses: means over the epoch by name.
        showers: training showers since the start.
        seconds: of training and scoring since the start, all sittings together.
        training_seconds: of this epoch, without its score.
        communication_seconds: of these, in sums over workers, waiting included.
        workers: that trained it.
    """

    epoch: int
    score: float
    error: float
    groups: Mapping[str, float]
    metrics: Mapping[str, float]
    losses: Mapping[str, float]
    showers: int
    seconds: float
    training_seconds: float
    communication_seconds: float = 0.0
    workers: int = 1


def best_of(records: Sequence[EpochRecord]) -> EpochRecord:
    """The epoch with the least S on validation events; of equal ones the first."""
    return min(records, key=lambda record: (record.score, record.epoch))


class Diary:
    """The record of a training on disk.

    Args:
        spec: the training.
        records: epochs done before.
    """

    def __init__(self, spec: TrainingSpec, records: Sequence[EpochRecord]) -> None:
        folder = Path(spec.folder)
        self._file = folder / RECORD
        with whole(self._file) as part:
            part.write_text("".join(map(_line, records)), encoding="utf-8")
        self._log = EventLog(folder / LOG) if spec.tensorboard else None
        for record in records:
            self._plot(record)

    def add(self, record: EpochRecord) -> None:
        """An epoch is done."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(_line(record))
        self._plot(record)

    def _plot(self, record: EpochRecord) -> None:
        if self._log is not None:
            self._log.write(record.epoch, scalars(record))


def scalars(record: EpochRecord) -> dict[str, float]:
    """The curves of a log: their names begin with a chapter."""
    return curves(
        {
            "score": {"S": record.score, "error": record.error},
            "time": {
                "training_seconds": record.training_seconds,
                "communication_seconds": record.communication_seconds,
                "workers": float(record.workers),
            },
            "groups": record.groups,
            "losses": record.losses,
            "metrics": record.metrics,
        }
    )


def _line(record: EpochRecord) -> str:
    return json.dumps(encode(record)) + "\n"
