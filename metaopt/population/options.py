"""What a study of a population may set, and with which values its members begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaopt.strategies.base import Observation, Proposal
from metaopt.strategies.warm_start import WARM
from search_spaces.errors import ConfigError
from search_spaces.parameters import Parameter, Point, Value
from search_spaces.space import SearchSpace
from workers.models.adjusting import mutable_names


@dataclass(frozen=True)
class PopulationTraining:
    """``pbt`` and ``pb2``.

    The network and the transform of the data are those of one point, for all members: the best
    of an earlier study, or a baseline. What the model family may change while it trains is
    drawn from the space for each member but the first, and changes at the barriers.

    Attributes:
        interval: epochs between two barriers.
        quantile: share of the members that others replace at a barrier.
        resample: probability that a value is drawn anew; else it is multiplied, and a whole
            number goes one step down or up.
        shrink, grow: what it is multiplied by.
        bandit: whether a Gaussian process chooses values, as far as it would change them: ``pb2``.
        baseline: name of the point to begin with; empty takes the space's first.
        warm: points of earlier studies; the first one goes before the baseline.

    Raises:
        ConfigError: an option out of range.
    """

    interval: int = 1
    quantile: float = 0.25
    resample: float = 0.25
    shrink: float = 0.8
    grow: float = 1.25
    bandit: bool = False
    baseline: str = ""
    warm: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        rules = {
            "interval >= 1": self.interval >= 1,
            "0 < quantile <= 0.5": 0 < self.quantile <= 0.5,
            "0 <= resample <= 1": 0 <= self.resample <= 1,
            "0 < shrink < 1 < grow": 0 < self.shrink < 1 < self.grow,
        }
        for rule, holds in rules.items():
            if not holds:
                raise ConfigError(f"a population needs {rule}, got {self}")

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """The points of the members after those that there are: the values to begin with."""
        first = len(history) + len(pending)
        return [self._beginning(space, first + i, rng) for i in range(n)]

    def _beginning(self, space: SearchSpace, member: int, rng: np.random.Generator) -> Proposal:
        base, note = self.base(space)
        if member == 0:
            return Proposal(base, note)
        drawn = space.from_unit(rng.random(len(space.parameters)))
        values = {p.name: drawn.get(p.name, base[p.name]) for p in changing(space, base)}
        return Proposal({**base, **values}, {"operators": "values drawn"})

    def base(self, space: SearchSpace) -> tuple[Mapping[str, Value], Mapping[str, str]]:
        """The point with the network of all members, and a note of where it comes from.

        Raises:
            ConfigError: there is no such baseline.
        """
        if self.warm:
            return dict(self.warm[0]), {"operators": WARM}
        for baseline in space.baselines:
            if self.baseline in ("", baseline.name):
                return dict(baseline.point), {"baseline": baseline.name}
        known = ", ".join(b.name for b in space.baselines) or "none"
        raise ConfigError(
            f"a population begins with one network: space {space.name!r} has the baselines "
            f"{known}, got {self.baseline!r}; name another one, add one, or give --earlier"
        )


def changing(space: SearchSpace, point: Point) -> list[Parameter]:
    """The parameters of a point that may change while its model trains.

    Raises:
        ConfigError: there is none.
    """
    names = mutable_names(space.family)
    found = [p for p in space.parameters if p.name in names and p.name in point]
    if not found:
        raise ConfigError(
            f"a population needs parameters that may change in a training, got none in space "
            f"{space.name!r}; add some of: {', '.join(names) or 'none'}"
        )
    return found


def check_population(
    training: PopulationTraining, space: SearchSpace, members: int, *, earlier: bool
) -> None:
    """Refuse a study without a population.

    Args:
        training: the options.
        space: what may vary.
        members: how many there are to be.
        earlier: whether the network comes from an earlier study.

    Raises:
        ConfigError: too few members, nothing to change, or no network to begin with.
    """
    if members < 2:
        raise ConfigError(
            f"a population needs at least 2 members, got search.trials = {members}; give --trials"
        )
    known = {p.name: p.from_unit(0.5) for p in space.parameters}
    changing(space, known if earlier else training.base(space)[0])
