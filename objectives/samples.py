"""Events as the statistics see them: values and the conditions they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Rows = NDArray[np.intp] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Sample:
    """Features or pulls of n showers, with their conditions.

    Attributes:
        values: (n, k), features in their own units or pulls [sigma].
        energy: primary energy (n,) [GeV].
        theta: angle of incidence (n,) [rad].
    """

    values: Array
    energy: Array
    theta: Array

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Rows) -> Sample:
        return Sample(self.values[rows], self.energy[rows], self.theta[rows])

    def ordered(self) -> Sample:
        """The same events in an order that does not depend on the one they came in."""
        return self[np.lexsort((*self.values.T[::-1], self.theta, self.energy))]


def stratified(energy: Array, theta: Array, n: int) -> NDArray[np.intp]:
    """Choose n of the R events, spread evenly over (Ep, theta).

    Events are ordered along a path through the plane of conditions (strips of Ep, in each
    theta up or down in turn) and taken at equal steps. More than R are whole copies first.

    Returns:
        Indices (n,).
    """
    total = len(energy)
    copies, rest = divmod(n, total)
    strips = max(1, round(np.sqrt(total)))
    path: list[NDArray[np.intp]] = []
    for i, strip in enumerate(np.array_split(np.argsort(energy, kind="stable"), strips)):
        by_theta = strip[np.argsort(theta[strip], kind="stable")]
        path.append(by_theta if i % 2 == 0 else by_theta[::-1])
    steps = np.concatenate(path)[((np.arange(rest) + 0.5) * total / max(rest, 1)).astype(np.intp)]
    return np.concatenate([np.tile(np.arange(total), copies), steps])
