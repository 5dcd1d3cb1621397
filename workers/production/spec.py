"""The wire contract of a full training: frozen plain data, JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_spaces.geometry import Geometry
from search_spaces.parameters import Value
from search_spaces.records import decode, encode
from workers.schedule import Schedule
from workers.trial import DataSpec, Resources


@dataclass(frozen=True)
class TrainingSpec:
    """All that a worker needs for a full training.

    Attributes:
        family, preset, point, geometry, data: as of a trial.
        epochs: passes, each followed by a score; may be raised when they are done.
        showers: training showers of an epoch.
        evaluation_showers: showers generated for each score.
        seed: of every random draw.
        folder: of the result; all workers see it.
        reference: file of the reference artefact of the validation events.
        weights: folder of the weights to begin with; empty: from scratch.
        epochs_before: epochs that these weights were trained; random numbers go on after them.
        tensorboard: whether a log for TensorBoard is written.
        resources: of each worker.
        schedule: parameters that change while the model trains; the point gives the others.
    """

    family: str
    preset: str
    point: Mapping[str, Value]
    geometry: Geometry
    data: DataSpec
    epochs: int
    showers: int
    evaluation_showers: int
    seed: int
    folder: str
    reference: str
    weights: str = ""
    epochs_before: int = 0
    tensorboard: bool = True
    resources: Resources = field(default_factory=Resources)
    schedule: Schedule = ()

    @property
    def checkpoints(self) -> Path:
        """Where the states are from which the training goes on."""
        return Path(self.folder) / "checkpoints"

    @property
    def cache(self) -> Path:
        """Where decoded showers are that are too many for memory."""
        return Path(self.folder) / "showers"

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the state after an epoch.

        Not the number of epochs to come; nor the number of workers, as far as the batches go.
        """
        return {
            "family": self.family,
            "preset": self.preset,
            "parameters": dict(self.point),
            "geometry": self.geometry.digest,
            "data": encode(self.data) | {"files": None},
            "showers per epoch": self.showers,
            "evaluation showers": self.evaluation_showers,
            "seed": self.seed,
            "first weights": "the trial's" if self.weights else "random",
            "schedule": encode(self.schedule),
            "precision": self.resources.precision,
        }

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(encode(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrainingSpec:
        """The inverse of :meth:`to_json`; raises ConfigError for anything unknown."""
        return decode(cls, data, "training")
