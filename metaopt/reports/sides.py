"""Generated and full-simulation showers, each with what is expected at its conditions.

Notation:

    f, mu, sigma  feature, its mean and spread in the full simulation at the same conditions
    r, z          f - mu, (f - mu)/sigma
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from objectives import distances
from objectives.groups import JOINT, JOINT_CLIP
from objectives.reference import Reference
from objectives.samples import Sample
from objectives.showers import Conditions

Array64 = NDArray[np.float64]

#: Keeps divisions finite.
TINY = 1e-12
#: What identifies a shower: copies share these to the last bit.
SHAPE = ("mx", "my", "mz", "sx", "sy", "sz")


@dataclass(frozen=True, eq=False)
class Side:
    """The good showers of one side, with what the full simulation gives at their conditions.

    Attributes:
        names: of the k features.
        sample: their values (n, k) and conditions.
        expected: mu (n, k).
        pulls: z (n, k).
    """

    names: tuple[str, ...]
    sample: Sample
    expected: Array64
    pulls: Array64

    @classmethod
    def of(cls, sample: Sample, reference: Reference) -> Side:
        """A sample with the features of a reference."""
        expected = reference.pulls.moments(sample.conditions)[0]
        pulls = reference.pulls(sample).values.astype(np.float64)
        return cls(reference.names, sample, expected, pulls)

    def __len__(self) -> int:
        return len(self.sample)

    def __getitem__(self, rows: NDArray[np.bool_]) -> Side:
        return Side(self.names, self.sample[rows], self.expected[rows], self.pulls[rows])

    def residual(self, name: str, relative: bool) -> Array64:
        """r, or r/mu (n,), of a feature: in the latter large showers weigh no more than small."""
        mu = self.expected[:, self.names.index(name)]
        r = self.value(name) - mu
        return r / np.where(np.abs(mu) > TINY, mu, TINY) if relative else r

    def value(self, name: str) -> Array64:
        """Values (n,) of a feature."""
        return self.sample.values[:, self.names.index(name)].astype(np.float64)

    def pull(self, name: str) -> Array64:
        """Pulls (n,) of a feature."""
        return self.pulls[:, self.names.index(name)]

    @property
    def shapes(self) -> NDArray[np.void]:
        """One comparable item (n,) for each shower, from features that no condition enters."""
        columns = [i for i, n in enumerate(self.names) if n in SHAPE]
        rows = np.ascontiguousarray(self.sample.values[:, columns])
        return rows.view([("", rows.dtype)] * len(columns)).ravel()

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Features of the correlation matrix, in order."""
        return tuple(n for n in self.names if n in JOINT)

    @cached_property
    def correlation(self) -> Array64:
        """The correlation matrix of pulls that the objective's ``corr`` compares."""
        columns = [self.names.index(n) for n in self.joint_names]
        return distances.correlation(np.clip(self.pulls[:, columns], -JOINT_CLIP, JOINT_CLIP))


@dataclass(frozen=True, eq=False)
class Sides:
    """What is compared.

    Attributes:
        generated: the generated showers.
        full: full-simulation showers that took no part in the reference's fit.
        fitted: those that did.
    """

    generated: Side
    full: Side
    fitted: Side

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return self.full.names

    @property
    def pair(self) -> tuple[Side, Side]:
        """The two that are compared."""
        return self.generated, self.full

    @cached_property
    def whole(self) -> Side:
        """All full-simulation showers, for plots."""
        parts = self.full, self.fitted
        sample = Sample(
            np.concatenate([p.sample.values for p in parts]),
            Conditions.joined([p.sample.conditions for p in parts]),
        )
        expected, pulls = (
            np.concatenate([getattr(p, name) for p in parts]) for name in ("expected", "pulls")
        )
        return Side(self.names, sample, expected, pulls)
