"""Where the cells of a calorimeter are, for sums over cells.

Notation:

    t         transverse column: a cell of the first two axes of a shower's array
    l         layer
    x, y      barycentre of a cell                             [transverse cells]
    v         mean square distance from it along x, and along y, of points in a cell that
              is bent around the axis                          [transverse cells^2]
    z, depth  layer index, depth of the layer's middle         [layers], [transverse cells]

A full ring has its barycentre on the axis, and v = R^2/2: it adds its radius to
widths and to distances from the shower's barycentre, and nothing to the barycentre.
For the straight cells of a grid v is zero, and the same formulas hold.

One transverse cell is the geometric mean of the pitches in x and y of a grid, and the
median width of a cylinder's radial bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search_spaces.geometry import Geometry

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CellTable:
    """Coordinates of t columns in l layers.

    Attributes:
        x, y, v: (t, 1) where all layers are alike, else (t, l).
        z, depth: (l,).
    """

    x: Array64
    y: Array64
    v: Array64
    z: Array64
    depth: Array64

    @classmethod
    def of(cls, geometry: Geometry) -> CellTable:
        """The table of any geometry."""
        where, unit = geometry.cells.centres, geometry.cells.transverse
        layers = np.arange(len(where.z), dtype=np.float64)
        x, y, spread = (c / unit for c in (where.x, where.y, where.spread))
        return cls(x, y, spread**2, layers, where.z / unit)

    @cached_property
    def thirds(self) -> Array64:
        """Membership (l, 3) of each layer in the thirds of the depth (8, 8, 9 of 25 layers)."""
        n = len(self.z)
        edges = [n // 3, 2 * n // 3]
        return np.eye(3)[np.digitize(np.arange(n), edges)]

    @cached_property
    def _layer_weights(self) -> Array:
        """Rows 1 and y (2, t), of layers that are alike."""
        return np.stack([np.ones(len(self.y)), self.y[:, 0]]).astype(np.float32)

    def layer_sums(self, cells: Array) -> tuple[Array64, Array64]:
        """Sums (n, l) of energy and of y times energy in each layer, of (n, t, l) cells."""
        if self.x.shape[1] == 1:
            sums = np.matmul(self._layer_weights, cells).astype(np.float64)
            return sums[:, 0], sums[:, 1]
        energy = cells.sum(axis=1, dtype=np.float64)
        return energy, np.einsum("tl,ntl->nl", self.y, cells, dtype=np.float64)

    def columns(self, cells: Array) -> Array64:
        """Energies (n, c) at each of :attr:`places`, of (n, t, l) cells."""
        same = cells.sum(axis=2) if self.x.shape[1] == 1 else cells.reshape(len(cells), -1)
        return same.astype(np.float64)

    @cached_property
    def places(self) -> tuple[Array64, Array64, Array64]:
        """x, y and v (c,) of what shares them: columns, or cells where layers differ."""
        return self.x.ravel(), self.y.ravel(), self.v.ravel()
