"""One trial as a trainable of Ray Tune: for scripts of Tune's own users.

Each call of ``train`` is an epoch with its score. Tune's checkpoints hold the state of the
training, from which it goes on exactly, and at its end the trained model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from ray import tune

from search_spaces.errors import DataError
from search_spaces.parameters import Point
from workers.runner import trial_events
from workers.timing import MS_PER_SHOWER
from workers.trial import (
    GROUP_PREFIX,
    METRIC_PREFIX,
    Outcome,
    Progress,
    TrialEvent,
    TrialResult,
    TrialSpec,
)

#: What Tune is told beside the human numbers: how the trial stands, S, and epochs done.
OUTCOME, SCORE, EPOCH = "outcome", "S", "epoch"
#: The outcome of a trial that goes on: where Tune ends it there, it was stopped.
RUNNING = "running"


class TuneTrial(tune.Trainable):  # type: ignore[misc]  # Ray has no types
    """Trains and scores the configuration that Tune gives it, epoch by epoch.

    Results hold S (lower is better), ``epoch``, ``outcome`` (running, complete or failed),
    the groups as ``L_energy`` and so on, at the end the human numbers as ``m_...`` and the
    error of S. A configuration's own failure is a result with the worst S; other exceptions
    pass through to Tune.
    """

    _events: Generator[TrialEvent, None, None]
    _known: int

    def setup(self, config: dict[str, Any], trial: Mapping[str, Any] | None = None) -> None:
        """Take a configuration; ``trial`` is the :class:`TrialSpec` that it completes."""
        assert trial is not None
        self._spec = TrialSpec.from_json(trial)
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Run the next trial in this process."""
        self.cleanup()
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train and score an epoch; the last one with the final score.

        Raises:
            DataError: the showers cannot be read.
        """
        event = next(self._events)
        while isinstance(event, Progress) and event.epoch <= self._known:
            event = next(self._events)
        if isinstance(event, Progress) and event.epoch == self._spec.budget.epochs:
            event = next(self._events)
        if isinstance(event, Progress):
            self._known = event.epoch
            return _running(event)
        self._ended = True
        if event.outcome is Outcome.UNREADABLE:
            raise DataError(event.reason)
        return _ended(event)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Keep the state after the last epoch, or the trained model."""
        if not self._ended:
            self._stopped = True
            next(self._events)  # writes its state, and ends
            self._go_on()
        for kept in (self._state, self._model):
            if kept.is_dir():
                shutil.copytree(kept, Path(checkpoint_dir) / kept.name)

    def load_checkpoint(self, checkpoint: str) -> None:
        """Go on from what :meth:`save_checkpoint` kept."""
        self.cleanup()
        shutil.rmtree(self._state, ignore_errors=True)
        if (saved := Path(checkpoint) / self._state.name).is_dir():
            shutil.copytree(saved, self._state)
        self._known = self.iteration
        self._go_on()

    def cleanup(self) -> None:
        """Drop what runs."""
        self._events.close()

    def _begin(self, config: Point) -> None:
        self._state, self._model = Path(self.logdir) / "state", Path(self.logdir) / "model"
        self._completed = replace(
            self._spec,
            point=dict(config),
            seed=seed_of(self._spec.seed, config),
            folder=str(self._model),
            checkpoint=str(self._state),
        )
        self._known, self._ended = 0, False
        self._go_on()

    def _go_on(self) -> None:
        """Train from the last state, or from the beginning."""
        self._stopped = False
        events = trial_events(self._completed, lambda: self._stopped)
        self._events = cast("Generator[TrialEvent, None, None]", events)


def seed_of(study: int, point: Point) -> int:
    """The seed of a training: of the study's seed and the point, in whatever order trials run."""
    text = json.dumps(dict(point), sort_keys=True)
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4")
    return int(np.random.SeedSequence([study, *map(int, words)]).generate_state(1)[0])


def tune_trainable(spec: TrialSpec) -> type[TuneTrial]:
    """The trainable of a study, with the resources that its trials are to have.

    Args:
        spec: its point is replaced by Tune's configuration, its folder by one below Tune's, its
            seed by one of both seed and point.
    """
    given = {"CPU": spec.resources.cpus, "GPU": spec.resources.gpus}
    made = tune.with_parameters(TuneTrial, trial=spec.to_json())
    return cast("type[TuneTrial]", tune.with_resources(made, given))


def _running(progress: Progress) -> dict[str, Any]:
    groups = {f"{GROUP_PREFIX}{name}": value for name, value in progress.groups.items()}
    told = {OUTCOME: RUNNING, SCORE: progress.score, EPOCH: progress.epoch}
    return told | {MS_PER_SHOWER: progress.ms_per_shower} | groups


def _ended(result: TrialResult) -> dict[str, Any]:
    told = {OUTCOME: str(result.outcome), SCORE: result.score, EPOCH: result.epochs, "done": True}
    told |= {f"{GROUP_PREFIX}{name}": value for name, value in result.groups.items()}
    told |= {f"{METRIC_PREFIX}{name}": value for name, value in result.metrics.items()}
    optional = {"error": result.error, "reason": result.reason or None}
    return told | {name: value for name, value in optional.items() if value is not None}
