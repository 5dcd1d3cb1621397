"""Events as the statistics see them: values and the conditions they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Rows

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sample:
    """Features or pulls of n showers, with their conditions.

    Attributes:
        values: (n, k), features in their own units or pulls [sigma].
        conditions: of the n showers.
    """

    values: Array
    conditions: Conditions

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Rows) -> Sample:
        return Sample(self.values[rows], self.conditions[rows])

    def ordered(self) -> Sample:
        """The same events in an order that does not depend on the one they came in."""
        c = self.conditions
        return self[np.lexsort((*self.values.T[::-1], c.particle, c.theta, c.energy))]


def stratified(conditions: Conditions, n: int) -> NDArray[np.intp]:
    """Choose n of the R events, spread evenly over the particle types and over (Ep, theta).

    Events of each type are ordered along a path through the plane of (Ep, theta) and all are
    taken at equal steps. More than R are whole copies first.

    Returns:
        Indices (n,).
    """
    total = len(conditions)
    copies, rest = divmod(n, total)
    types = np.unique(conditions.particle)
    path = np.concatenate(
        [_path(conditions, np.flatnonzero(conditions.particle == p)) for p in types]
    )
    steps = path[((np.arange(rest) + 0.5) * total / max(rest, 1)).astype(np.intp)]
    return np.concatenate([np.tile(np.arange(total), copies), steps])


def _path(conditions: Conditions, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows in strips of Ep, in each of them theta up or down in turn."""
    by_energy = rows[np.argsort(conditions.energy[rows], kind="stable")]
    path: list[NDArray[np.intp]] = []
    for i, strip in enumerate(np.array_split(by_energy, max(1, round(np.sqrt(len(rows)))))):
        by_theta = strip[np.argsort(conditions.theta[strip], kind="stable")]
        path.append(by_theta if i % 2 == 0 else by_theta[::-1])
    return np.concatenate(path)
