"""Trains and keeps both networks: epochs, checks, files. What is compiled is in :mod:`step`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from objectives.showers import Showers
from search_spaces.errors import ConfigError, DivergedError, ExecutorError, InfeasibleError
from search_spaces.geometry import Geometry
from workers.models.base import Array, Index
from workers.models.gan3d import batches
from workers.models.gan3d.networks import Model
from workers.models.gan3d.parallel import agree
from workers.models.gan3d.params import Params
from workers.models.gan3d.step import Step
from workers.models.team import Team, share

#: Below this share of the real deposited energy, all energy is lost.
LOST = 1e-4
#: Fewest showers of a worker's share of a batch.
SHARE = 2


class Trainer:
    """The networks and all that their training goes on from.

    Attributes:
        memory_shared: whether others may take memory of its GPU that it needs.
    """

    def __init__(
        self, params: Params, geometry: Geometry, generator: Model, discriminator: Model, seed: int
    ) -> None:
        self.params = params
        self.generator = generator
        self.discriminator = discriminator
        self.seed = seed
        self.step = Step(params, geometry, generator, discriminator, seed)
        self.team: Team | None = None
        self.memory_shared = False

    def adjust(self, params: Params) -> None:
        """Train on with other values of what may change."""
        self.step.adjust(params)
        self.params = params

    def reseed(self, seed: int, dropout: Sequence[int]) -> None:
        """Train on as the trainer of another seed."""
        self.step.reseed(seed, dropout)
        self.seed = seed

    def join(self, team: Team) -> None:
        """Train as one of a team from now on.

        Raises:
            ConfigError: a worker's share of a batch is too small for batch statistics.
        """
        batch = self.params.training.batch_size
        if batch < SHARE * team.size:
            raise ConfigError(
                f"each worker needs at least {SHARE} showers of a batch, {team.size} workers share "
                f"batch_size={batch}; give --workers {max(batch // SHARE, 1)} or fewer"
            )
        self.team = self.step.team = team

    def train_epoch(self, showers: Showers, epoch: int, rows: Index) -> Mapping[str, float]:
        """Mean losses by name over one pass of the rows, in an order fixed by (seed, epoch)."""
        batch = min(self.params.training.batch_size, len(rows))
        order = batches.shuffled(rows, batch, self.seed, epoch)
        self.step.reset_dropout(epoch)
        if self.team is not None:
            agree(self.team, self._variables())
        total = np.zeros(len(self.step.names))
        for segment in batches.segments(showers, order, share(batch, self.team)):
            sums, done = self._run(segment, epoch)
            total += sums
            if done < len(segment.cells):
                raise DivergedError(
                    f"losses and weights must stay finite, got a value that is not at step "
                    f"{segment.first + done + 1} of {len(order)} of epoch {epoch}; lower the "
                    f"learning rates"
                )
        named = dict(zip(self.step.names, map(float, total / len(order)), strict=True))
        if named["energy_ratio"] < LOST:
            raise DivergedError(
                f"the generator lost all energy in epoch {epoch} (deposits "
                f"{named['energy_ratio']:.1e} of the real showers); lower the learning rates"
            )
        return named

    def _run(self, segment: batches.Segment, epoch: int) -> tuple[Array, int]:
        try:
            return self.step.run(segment, epoch)
        except InfeasibleError as failure:
            if not self.memory_shared:
                raise
            # Nothing that the configuration is to be blamed for: later there may be room.
            raise ExecutorError(
                "a training step needs more memory than others leave of its GPU; raise "
                "workers.gpus, or set workers.gpu_memory_mib"
            ) from failure

    def save(self, folder: Path) -> None:
        """Write the weights of both networks, and the state of optimisers and average."""
        for network in (self.generator, self.discriminator):
            with warnings.catch_warnings():
                # Keras reads its variables by a NumPy 1 protocol.
                warnings.simplefilter("ignore", DeprecationWarning)
                network.save_weights(folder / f"{network.name}.weights.h5")
        np.savez(folder / "state.npz", *(v.numpy() for v in self._state()))

    def restore(self, folder: Path) -> None:
        """Read what :meth:`save` wrote: training goes on as if it had not stopped.

        Raises:
            OSError, KeyError, ValueError, UserWarning: files missing or not of these networks.
        """
        for network in (self.generator, self.discriminator):
            with warnings.catch_warnings():
                # Keras keeps fresh weights where the file lacks some, and only warns.
                warnings.simplefilter("error", UserWarning)
                network.load_weights(folder / f"{network.name}.weights.h5")
        with np.load(folder / "state.npz", allow_pickle=False) as arrays:
            for i, variable in enumerate(self._state()):
                variable.assign(arrays[f"arr_{i}"])

    def _variables(self) -> list[Any]:
        return [*self.generator.variables, *self.discriminator.variables, *self._state()]

    def _state(self) -> list[Any]:
        average = self.step.average.variables if self.step.average else []
        return [*self.step.g_optimizer.variables, *self.step.d_optimizer.variables, *average]
