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
from objectives.central import central
from objectives.groups import JOINT, JOINT_CLIP
from objectives.pulls import CLIP
from objectives.reference import Reference
from objectives.samples import Sample
from objectives.showers import Conditions
from search_spaces.geometry import Cells, Geometry

Array64 = NDArray[np.float64]

#: Keeps divisions finite.
TINY = 1e-12
#: What identifies a shower: copies share these.
SHAPE = ("mx", "my", "mz", "sx", "sy", "sz")


@dataclass(frozen=True, eq=False)
class Side:
    """The good showers of one side, with what the full simulation gives at their conditions.

    Attributes:
        names: of the k features.
        sample: their values (n, k) and conditions.
        expected, spread: mu and sigma (n, k).
        pulls: z (n, k).
    """

    names: tuple[str, ...]
    sample: Sample
    expected: Array64
    spread: Array64
    pulls: Array64

    @classmethod
    def of(cls, sample: Sample, reference: Reference) -> Side:
        """A sample with the features of a reference."""
        expected, spread = reference.pulls.moments(sample.conditions)
        pulls = reference.pulls(sample).values.astype(np.float64)
        return cls(reference.names, sample, expected, spread, pulls)

    def __len__(self) -> int:
        return len(self.sample)

    def __getitem__(self, rows: NDArray[np.bool_]) -> Side:
        parts = (part[rows] for part in (self.expected, self.spread, self.pulls))
        return Side(self.names, self.sample[rows], *parts)

    def residual(self, name: str, relative: bool) -> Array64:
        """r, or r/mu (n,), of a feature: in the latter large showers weigh no more than small."""
        mu = self.expected[:, self.names.index(name)]
        r = self.value(name) - mu
        return r / np.where(np.abs(mu) > TINY, mu, TINY) if relative else r

    def value(self, name: str) -> Array64:
        """Values (n,) of a feature."""
        return self.sample.values[:, self.names.index(name)].astype(np.float64)

    def scatter(self, name: str) -> Array64:
        """Pulls (n,) of a feature about their own mean at each condition.

        A bias would seem a spread otherwise: a constant share of the energy is few sigma at
        low energy and many at high. The mean of r is fitted, as a polynomial of the
        conditions and as one times mu.
        """
        column = self.names.index(name)
        mu, sigma = (part[:, column] for part in (self.expected, self.spread))
        # Not the pulls: those of a large bias are all at the clip, which would seem no spread.
        z = _held((self.value(name) - mu) / sigma)
        trends = _trends(self.sample.conditions)
        terms = np.concatenate([trends, trends * mu[:, None]], axis=1) / sigma[:, None]
        terms /= np.maximum(np.linalg.norm(terms, axis=0), TINY)
        fit, _, rank, _ = np.linalg.lstsq(terms, z, rcond=1e-6)
        freedom = max(len(z) - int(rank), 1)
        return np.asarray((z - terms @ fit) * np.sqrt(len(z) / freedom))

    @property
    def shapes(self) -> NDArray[np.void]:
        """One comparable item (n,) for each shower, from features that no condition enters.

        Rounded: the last bits depend on which other showers were in the same block.
        """
        columns = [i for i, n in enumerate(self.names) if n in SHAPE]
        rows = np.ascontiguousarray(np.round(self.sample.values[:, columns], 4))
        return rows.view([("", rows.dtype)] * len(columns)).ravel()

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Features of the correlation matrix, in order."""
        return tuple(n for n in self.names if n in JOINT)

    @cached_property
    def correlation(self) -> Array64:
        """The correlation matrix of pulls that the objective's ``corr`` compares."""
        return distances.correlation(self._joint)

    @cached_property
    def correlation_error(self) -> Array64:
        """Standard deviations (k, k) of the correlations, whatever the pulls' distribution.

        From the influence u v - c (u^2 + v^2)/2 of each shower (standardised pulls u, v) on a
        correlation c; at least (1 - c^2)/sqrt(n), that of normal pulls. In long tails few showers
        decide, and the latter is several times too small.
        """
        z = self._joint.astype(np.float64)
        spread = z.std(axis=0)
        u = np.divide(z - z.mean(axis=0), spread, out=np.zeros_like(z), where=spread > TINY)
        found = []
        for column, c in zip(u.T, self.correlation, strict=True):
            influence = column[:, None] * u - c * (column[:, None] ** 2 + u**2) / 2
            found.append(np.maximum(influence.std(axis=0), 1 - c**2))
        return np.asarray(np.stack(found) / np.sqrt(max(len(z) - 3, 1)))

    @property
    def _joint(self) -> Array64:
        columns = [self.names.index(name) for name in self.joint_names]
        return np.asarray(np.clip(self.pulls[:, columns], -JOINT_CLIP, JOINT_CLIP))


@dataclass(frozen=True, eq=False)
class Sides:
    """What is compared.

    Attributes:
        generated: the generated showers.
        full: full-simulation showers that took no part in the reference's fit.
        fitted: those that did.
        geometry: of all of them.
    """

    generated: Side
    full: Side
    fitted: Side
    geometry: Geometry

    @property
    def across(self) -> tuple[float, str]:
        """Factor and unit in which lengths across the shower are told, from transverse cells.

        Cells are of one size only in a grid where they are square.
        """
        cells = self.geometry.cells
        if isinstance(cells, Cells) and cells.pitch[0] == cells.pitch[1]:
            return 1.0, "cells"
        return cells.transverse, "mm"

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
        joined = (
            np.concatenate([getattr(p, name) for p in parts])
            for name in ("expected", "spread", "pulls")
        )
        return Side(self.names, sample, *joined)


def _held(z: Array64) -> Array64:
    """Values (n,) held to the pulls' clip about their median: the fit shall not follow a tail."""
    centre, clip = float(np.median(z)), CLIP * max(1.0, central(z)[1])
    return np.clip(z, centre - clip, centre + clip)


def _trends(conditions: Conditions) -> Array64:
    """Polynomial terms (n, 5 t) of ln Ep and theta, for each of t particle types."""
    x = np.log(conditions.energy.astype(np.float64))
    x, y = (v - v.mean() for v in (x, conditions.theta.astype(np.float64)))
    terms = np.stack([np.ones_like(x), x, x**2, y, y**2], axis=1)
    types = (conditions.particle == t for t in np.unique(conditions.particle))
    return np.concatenate([terms * of_type[:, None] for of_type in types], axis=1)
