"""A numpy shower model: the whole service runs and is tested with it, without TensorFlow.

It is a product of three mean profiles with gamma-distributed cells and a
Gaussian response. Training moves the profiles from flat ones towards those of
the data, by the share ``rate`` of the distance per epoch; a rate above 1.9
overshoots for ever and is reported as diverged. ``fluctuation`` scales the
spread of the response, and ``sharpness`` is an exponent on the transverse
profiles: both are right at 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.documents import DAMAGE
from search_spaces.errors import DataError, DivergedError, SpaceError
from search_spaces.geometry import Geometry
from search_spaces.parameters import Point
from search_spaces.records import decode
from workers.models.base import Index
from workers.models.team import Team, share
from workers.trial import Resources

Array = NDArray[np.float32]
Profile = NDArray[np.float64]

DIVERGENCE_RATE = 1.9


@dataclass(frozen=True)
class ToyParams:
    """What a point of a toy space may set."""

    rate: float = 0.5
    fluctuation: float = 1.0
    sharpness: float = 1.0
    cells: str = "gamma"


class Toy:
    """The toy family: one preset, ``default``."""

    mutable = ("rate", "fluctuation", "sharpness")

    def problem(self, preset: str, point: Point, geometry: Geometry) -> str | None:
        """Why this configuration cannot be built: only for a sharpness that is not positive."""
        del geometry
        if preset != "default":
            raise SpaceError(f"the toy family has the preset 'default', got {preset!r}")
        params = decode(ToyParams, point, "toy", SpaceError)
        return None if params.sharpness > 0 else "sharpness > 0 must hold"

    def build(
        self, preset: str, point: Point, geometry: Geometry, seed: int, resources: Resources
    ) -> ToyModel:
        """A model with flat profiles."""
        del preset, resources
        flat = [np.full(n, 1 / n) for n in geometry.shape]
        return ToyModel(decode(ToyParams, point, "toy"), flat, 0.0, 0.0, seed)

    def load(
        self, folder: Path, preset: str, point: Point, geometry: Geometry, resources: Resources
    ) -> ToyModel:
        """The model that :meth:`ToyModel.save` wrote."""
        model = self.build(preset, point, geometry, 0, resources)
        model.take_over(folder)
        return model


class ToyModel:
    """Mean profiles, a response and its spread."""

    def __init__(
        self,
        params: ToyParams,
        profiles: list[Profile],
        response: float,
        spread: float,
        seed: int,
    ) -> None:
        self.params = params
        self.profiles = profiles
        self.response = response
        self.spread = spread
        self.seed = seed
        self._team: Team | None = None

    def adjust(self, values: Point) -> None:
        """Take other values of the mutable parameters."""
        for name in values:
            if name not in Toy.mutable:
                raise SpaceError(f"{name!r} of the toy may not change while it trains")
        self.params = decode(ToyParams, {**vars(self.params), **values}, "toy", SpaceError)

    def take_over(self, folder: Path) -> None:
        """Go on as the model that was saved there."""
        try:
            state = json.loads((folder / "toy.json").read_text())
            self.profiles = [np.array(p) for p in state["profiles"]]
            self.response, self.spread = state["response"], state["spread"]
            self.seed = state["seed"]
        except DAMAGE as failure:
            raise DataError(
                f"{folder}: must hold a saved toy model, got: {failure}; train it again"
            ) from failure

    def join(self, team: Team) -> None:
        """Train as one of a team: each worker sees its share of the showers."""
        self._team = team

    def train_epoch(
        self, showers: Showers, epoch: int, rows: Index | None = None
    ) -> Mapping[str, float]:
        """Move every quantity by ``rate`` of its distance to the data's."""
        if self.params.rate > DIVERGENCE_RATE:
            raise DivergedError(f"the toy overshoots for rate > {DIVERGENCE_RATE}; lower it")
        rng = np.random.default_rng([self.seed, epoch])
        chosen = np.arange(len(showers)) if rows is None else rows
        pick = rng.permutation(chosen)[: max(len(chosen) // 2, 1)]
        pick = pick[share(len(pick), self._team)]
        cells = showers.cells[pick].astype(np.float64)
        sums = cells.sum((1, 2, 3))
        ratio = sums / showers.energy[pick]
        rate = self.params.rate
        distance = 0.0
        for axis, profile in enumerate(self.profiles):
            others = tuple(a for a in (0, 1, 2, 3) if a != axis + 1)
            target = self._mean(cells.sum(others) / cells.sum())
            distance += float(np.abs(target - profile).sum())
            self.profiles[axis] = np.maximum(profile + rate * (target - profile), 0)
        response, spread = self._mean(np.array([ratio.mean(), ratio.std()]))
        self.response += rate * (float(response) - self.response)
        self.spread += rate * (float(spread) - self.spread)
        return {"profile_distance": distance}

    def _mean(self, values: Profile) -> Profile:
        """Over the workers of the team."""
        if self._team is None:
            return values
        return self._team.total(values.astype(np.float32)).astype(np.float64) / self._team.size

    def generate(self, conditions: Conditions, seed: int) -> Array:
        """Showers whose mean is the product of the profiles; the angle is ignored."""
        energy = conditions.energy
        rng = np.random.default_rng([self.seed, seed])
        x, y, z = self.profiles
        x, y = x**self.params.sharpness, y**self.params.sharpness
        shape = np.einsum("i,j,k->ijk", x / x.sum(), y / y.sum(), z / z.sum())
        factor = self.response + self.params.fluctuation * self.spread * rng.standard_normal(
            len(energy)
        )
        mean = np.maximum(factor, 0)[:, None, None, None] * energy[:, None, None, None] * shape
        if self.params.cells == "gamma":
            scale = 2e-4  # energy of one crossing [GeV]
            mean = rng.gamma(np.maximum(mean / scale, 1e-9), scale)
        showers: Array = mean.astype(np.float32)
        return showers

    def save(self, folder: Path) -> None:
        """Write ``toy.json``."""
        state = {
            "profiles": [p.tolist() for p in self.profiles],
            "response": self.response,
            "spread": self.spread,
            "seed": self.seed,
        }
        (folder / "toy.json").write_text(json.dumps(state))

    def metrics(self) -> Mapping[str, float]:
        """The number of fitted values."""
        return {"generator_parameters": float(sum(len(p) for p in self.profiles) + 2)}

    def summary(self) -> str:
        """One line."""
        return f"product of profiles {[len(p) for p in self.profiles]}, {self.params}"
