"""The mesh of cells that networks work on: a calorimeter's own, or a cylinder's made regular.

A regular grid is its own mesh. Layers of a cylinder may differ in their radial and angular bins;
a mesh has as many of each in every layer:

r       The i-th bin of each layer is the i-th of the mesh. A layer with fewer has *absent* cells.
alpha   The mesh has a multiple of every layer's number of bins, so that each cell of the
        calorimeter is a whole number m of cells of the mesh, next to each other: its energy
        is spread evenly over them, and their sum is its energy. A full ring stays a full ring.
        The first cell and the last are neighbours: the mesh is periodic.
layer   Layers in order.

An axis with fewer cells than networks need is filled up with absent cells. Total energy is kept
both ways, and cells that went to the mesh come back the same, but for rounding where m > 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_spaces.cells import Cylinder
from search_spaces.errors import InfeasibleError
from search_spaces.geometry import Geometry
from workers.models.gan3d.params import Axes

Array = NDArray[np.float32]

#: Cells per axis between which the published layers make sense.
CELLS = (8, 128)


@dataclass(frozen=True, eq=False)
class Mesh:
    """Cells as networks see them.

    Attributes:
        shape: cells of the mesh along each axis.
        cells: of the calorimeter along each axis.
        periodic: whether the ends of the second axis meet.
        present: ones at the cells of the mesh that exist, or None if all do.
        joined: ones (layer, alpha of the calorimeter, alpha of the mesh) at the cells of the mesh
            that make a cell of the calorimeter, or None if each is one.
    """

    shape: Axes
    cells: Axes
    periodic: bool = False
    present: Array | None = None
    joined: Array | None = None

    @classmethod
    def of(cls, geometry: Geometry) -> Mesh:
        """The mesh of a calorimeter.

        Raises:
            InfeasibleError: layers of a cylinder have angular bins that fit no mesh.
        """
        cells = geometry.cells
        return _of_cylinder(cells) if isinstance(cells, Cylinder) else cls.regular(cells.shape)

    @classmethod
    def regular(cls, shape: Axes) -> Mesh:
        """The mesh of a regular grid: its own cells."""
        return cls(shape, shape)

    @property
    def shares(self) -> Array | None:
        """What part (as ``joined``) of a calorimeter's cell each cell of the mesh gets."""
        if self.joined is None:
            return None
        shares: Array = self.joined / np.maximum(self.joined.sum(axis=2, keepdims=True), 1)
        return shares


def _of_cylinder(cells: Cylinder) -> Mesh:
    bins = [ring.alpha for ring in cells.layers]
    least, most = CELLS
    whole = math.lcm(*bins)
    if whole > most:
        raise InfeasibleError(
            f"the networks need a number of cells up to {most} that every layer's angular bins "
            f"divide, got {sorted(set(bins))}; merge cells, or use another family"
        )
    around = whole * -(-least // whole)
    shape = (max(cells.shape[0], least), around, max(cells.shape[2], least))
    present = np.zeros(shape, np.float32)
    for layer, ring in enumerate(cells.layers):
        present[: len(ring.radii) - 1, :, layer] = 1
    joined = None
    if min(bins) < around:
        place = np.arange(around) * np.array(bins)[:, None] // around
        joined = np.eye(cells.shape[1], dtype=np.float32)[place].transpose(0, 2, 1)
    return Mesh(shape, cells.shape, True, None if present.all() else present, joined)
