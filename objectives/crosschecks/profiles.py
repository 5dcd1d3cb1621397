"""What the historic scores need of each shower: profiles along the axes, angle, hottest cell.

Notation:

    s_i       energy of the cells with index i along an axis              [GeV]
    Etot      sum_i s_i                                                   [GeV]
    M1        sum_i i s_i/Etot, i from 0                                  [cells]
    M2        sum_i s_i (i - M1)^2/Etot                                   [cells^2]

All in index space, as published (Khattak et al., Eur. Phys. J. C 82 (2022) 386): cells
count as cubes, whatever their pitch. On a cylinder the axes are (r, alpha, layer).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectives.observables import bad_events, chunks, filled_cells
from objectives.showers import Conditions, Rows, Showers
from search_spaces.geometry import Geometry

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]

#: Orders of the moments: mean and variance.
ORDERS = 2
#: The published angle of a shower without energy [rad].
EMPTY_ANGLE = 100.0


@dataclass(frozen=True, eq=False)
class Profiles:
    """Profiles of n showers that need not be kept: about 400 bytes each.

    Attributes:
        axes: energy along each of the three axes (n, cells) [GeV]; 0 for bad events.
        hottest: indices (n, 3) of the cell with the most energy.
        angle: measured angle (n,) [rad], of :func:`measured_angle`.
        conditions: of the n showers.
    """

    axes: tuple[Array, Array, Array]
    hottest: Array
    angle: Array
    conditions: Conditions

    @classmethod
    def of(cls, showers: Showers, geometry: Geometry) -> Profiles:
        """The profiles of showers; their cells may hold anything.

        Read out like the observables: cells below the threshold and bad events are 0.

        Raises:
            DataError: if the grid is not the geometry's.
        """
        showers.check_grid(geometry)
        parts = [_chunk(showers[rows], geometry) for rows in chunks(showers)]
        return cls.joined(parts or [_chunk(showers, geometry)])

    @classmethod
    def joined(cls, parts: Sequence[Profiles]) -> Profiles:
        """The profiles of all showers of at least one part, for files read in blocks."""
        x, y, z = (np.concatenate([p.axes[i] for p in parts]) for i in range(3))
        hottest, angle = (
            np.concatenate([getattr(p, name) for p in parts]) for name in ("hottest", "angle")
        )
        return cls((x, y, z), hottest, angle, Conditions.joined([p.conditions for p in parts]))

    def __len__(self) -> int:
        return len(self.angle)

    def __getitem__(self, rows: Rows) -> Profiles:
        x, y, z = self.axes
        chosen = self.hottest[rows], self.angle[rows], self.conditions[rows]
        return Profiles((x[rows], y[rows], z[rows]), *chosen)

    @property
    def total(self) -> Array64:
        """Etot (n,) [GeV]."""
        return np.asarray(self.axes[2].sum(axis=1, dtype=np.float64))

    def moments(self, axis: int) -> Array64:
        """M1 and M2 (n, 2) along an axis, 0 for showers without energy."""
        s = self.axes[axis].astype(np.float64)
        share = s / np.maximum(s.sum(axis=1, keepdims=True), 1e-30)
        index = np.arange(s.shape[1], dtype=np.float64)
        first = share @ index
        second = (share * (index - first[:, None]) ** 2).sum(axis=1)
        return np.stack([first, second], axis=1)


def measured_angle(over_x: Array64, over_y: Array64) -> Array64:
    """The published estimate of the angle of incidence (n,) [rad].

    For each layer, the angle of the line from the shower's barycentre to the layer's, in
    the plane of y and the distance along the axis; their mean is weighted with the depth,
    not the energy. A distance of zero counts as 1e-7 cells. Cells are taken for cubes.

    Args:
        over_x: energy summed over x (n, y, z).
        over_y: energy summed over y (n, x, z).
    """
    layers = over_x.sum(axis=1)
    filled, total = layers > 0, np.maximum(layers.sum(axis=1, keepdims=True), 1e-30)
    sums = [np.einsum("nil,i->nl", p, np.arange(p.shape[1]) + 0.5) for p in (over_y, over_x)]
    depth = np.broadcast_to(np.arange(layers.shape[1]) + 0.5, layers.shape)
    x, y = (np.divide(s, layers, out=np.zeros_like(s), where=filled) for s in sums)
    mean_x, mean_y = (s.sum(axis=1, keepdims=True) / total for s in sums)
    dz = depth - (layers * depth).sum(axis=1, keepdims=True) / total
    along = np.maximum(np.hypot(x - mean_x, dz), 1e-7)
    angle = 0.5 * np.pi - np.arctan(np.where(dz < 0, mean_y - y, y - mean_y) / along)
    weight = depth * filled
    mean = (weight * angle).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-30)
    return np.where(filled.any(axis=1), mean, EMPTY_ANGLE)


def _chunk(showers: Showers, geometry: Geometry) -> Profiles:
    cells = np.asarray(showers.cells, dtype=np.float32)
    with np.errstate(invalid="ignore"):  # bad events may hold NaN
        keep = filled_cells(cells, geometry)
    keep[bad_events(cells, geometry.threshold)] = False
    cells = np.where(keep, cells, np.float32(0))
    flat = cells.reshape(len(cells), -1).argmax(axis=1)
    hottest = np.stack(np.unravel_index(flat, geometry.shape), axis=1).astype(np.float32)
    over_x, over_y = cells.sum(axis=1), cells.sum(axis=2)
    axes = over_y.sum(axis=2), over_x.sum(axis=2), over_x.sum(axis=1)
    angle = measured_angle(over_x.astype(np.float64), over_y.astype(np.float64))
    return Profiles(axes, hottest, angle.astype(np.float32), showers.conditions)
