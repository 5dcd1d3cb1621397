"""The readout cells of a calorimeter: a regular grid, or layers of rings.

Both kinds give the same quantities, so that nobody needs to ask which one it is:

    shape     cells along the three axes of a shower's array
    present   mask of the cells that exist, None where all do
    pitch     typical cell size along each axis                          [mm]
    edges     cell edges along one axis, in one layer                    [mm], [rad]
    centres   barycentre of each cell and its own spread about it        [mm]

A grid's axes are (x, y, z), a cylinder's (r, alpha, layer). z runs along the depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import GeometryError

Array64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Cells along one axis; what a network needs is the network's own limit.
MAX_CELLS = 1024


@dataclass(frozen=True)
class Centres:
    """Where the cells are.

    Attributes:
        x, y: barycentres (t, l) of t columns in l layers, (t, 1) where all layers are alike
            [mm]; a column is a cell of the first two axes of a shower's array.
        spread: root mean square distance (t, l) or (t, 1) from the barycentre, per axis, of
            points in a cell that is bent around the axis [mm]; 0 for straight cells.
        z: depths (l,) of the layers' middles [mm].
    """

    x: Array64
    y: Array64
    spread: Array64
    z: Array64


@dataclass(frozen=True)
class Cells:
    """A regular grid.

    Attributes:
        shape: cells along x, y and z; z is the depth.
        pitch: size of a cell along each axis [mm].
        kind: of the readout.
    """

    shape: tuple[int, int, int]
    pitch: tuple[float, float, float]
    kind: Literal["grid"] = "grid"

    def check(self, where: str) -> None:
        """Raise :class:`GeometryError` unless this can be a calorimeter."""
        _check_shape(self.shape, where)
        if any(p <= 0 for p in self.pitch):
            raise GeometryError(
                f"{where}: cells.pitch must be positive [mm], got {list(self.pitch)}"
            )

    @property
    def identity(self) -> dict[str, Any]:
        """What two equal calorimeters have in common, as plain data."""
        return {"shape": list(self.shape), "pitch": list(self.pitch)}

    @property
    def present(self) -> Mask | None:
        """None: every cell exists."""
        return None

    @property
    def transverse(self) -> float:
        """Size of a transverse cell [mm]: the geometric mean of the pitches in x and y."""
        return math.sqrt(self.pitch[0] * self.pitch[1])

    def edges(self, axis: int, layer: int = 0) -> Array64:  # noqa: ARG002 - all are alike
        """Edges along one axis [mm], in every layer: x and y about the centre, z from the front."""
        n, pitch = self.shape[axis], self.pitch[axis]
        start = -0.5 * n * pitch if axis < 2 else 0.0
        edges: Array64 = start + pitch * np.arange(n + 1, dtype=np.float64)
        return edges

    @cached_property
    def centres(self) -> Centres:
        """Middles of the cells."""
        x, y, z = (_middles(self.edges(axis)) for axis in range(3))
        x, y = (c.reshape(-1, 1) for c in np.meshgrid(x, y, indexing="ij"))
        return Centres(x, y, np.zeros_like(x), z)


@dataclass(frozen=True)
class Ring:
    """One layer of a cylinder.

    Attributes:
        radii: edges of the radial bins [mm], rising.
        alpha: number of equal angular bins from -pi to pi; 1 is a full ring.
        depth: thickness along the shower [mm].
    """

    radii: tuple[float, ...]
    alpha: int
    depth: float

    def check(self, where: str) -> None:
        """Raise :class:`GeometryError` unless this can be a layer."""
        rising = all(a < b for a, b in pairwise(self.radii))
        if len(self.radii) < 2 or self.radii[0] < 0 or not rising:
            raise GeometryError(
                f"{where}: cells.radii must be two or more rising edges >= 0 [mm], "
                f"got {list(self.radii)}"
            )
        if self.alpha < 1 or self.depth <= 0:
            raise GeometryError(
                f"{where}: cells.alpha >= 1 and cells.depth > 0 [mm] must hold, "
                f"got {self.alpha} and {self.depth:g}"
            )


@dataclass(frozen=True)
class Cylinder:
    """Layers of rings about the shower axis, as CaloChallenge and Par04 have.

    Showers are arrays (n, r, alpha, layer) as large as the largest layer. Cells that a
    layer does not have are absent, and always zero.

    Attributes:
        radii: radial edges [mm] of all layers, or a list for each layer.
        alpha: angular bins of all layers, or a number for each layer.
        depth: thickness [mm] of all layers, or a number for each layer.
        count: number of layers, where no list says it.
        kind: of the readout.
    """

    radii: tuple[float, ...] | tuple[tuple[float, ...], ...]
    alpha: int | tuple[int, ...]
    depth: float | tuple[float, ...]
    count: int = 1
    kind: Literal["cylinder"] = "cylinder"

    def check(self, where: str) -> None:
        """Raise :class:`GeometryError` unless this can be a calorimeter."""
        lengths = [self.count, *(len(column) for column in self._columns)]
        if any(n not in (1, max(lengths)) for n in lengths):
            raise GeometryError(
                f"{where}: cells.count and the lists in cells.radii, alpha and depth must give "
                f"one number of layers, got {', '.join(map(str, lengths))}; drop count"
            )
        if max(lengths) > MAX_CELLS:  # before there is a ring for each
            raise GeometryError(
                f"{where}: cells.count <= {MAX_CELLS} must hold, got {max(lengths)} layers"
            )
        for number, layer in enumerate(self.layers):
            layer.check(f"{where}, layer {number}")
        _check_shape(self.shape, where)

    @property
    def _columns(self) -> tuple[tuple[Any, ...], ...]:
        """Radii, alpha and depth, each with an entry per layer or with one for all."""
        nested = any(isinstance(r, tuple) for r in self.radii)
        alpha, depth = (v if isinstance(v, tuple) else (v,) for v in (self.alpha, self.depth))
        return self.radii if nested else (self.radii,), alpha, depth

    @cached_property
    def layers(self) -> tuple[Ring, ...]:
        """Every layer with its own edges."""
        n = max(self.count, *(len(column) for column in self._columns))
        full = [c if len(c) == n else c * n for c in self._columns]
        return tuple(Ring(*row) for row in zip(*full, strict=True))

    @property
    def identity(self) -> dict[str, Any]:
        """What two equal calorimeters have in common, as plain data."""
        layers = [[list(a.radii), a.alpha, a.depth] for a in self.layers]
        return {"kind": self.kind, "layers": layers}

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Cells (r, alpha, layer) of a shower's array."""
        radial = max(len(a.radii) - 1 for a in self.layers)
        return radial, max(a.alpha for a in self.layers), len(self.layers)

    @cached_property
    def present(self) -> Mask | None:
        """Which cells exist (r, alpha, layer), or None if every layer has the same number."""
        mask = np.zeros(self.shape, dtype=np.bool_)
        for i, layer in enumerate(self.layers):
            mask[: len(layer.radii) - 1, : layer.alpha, i] = True
        mask.flags.writeable = False
        return None if mask.all() else mask

    @property
    def transverse(self) -> float:
        """Size of a transverse cell [mm]: the median width of the radial bins of all layers.

        It makes radii comparable between calorimeters; for the ATLAS-like layers of
        CaloChallenge's first data set it is half a Moliere radius.
        """
        return float(np.median(np.concatenate([np.diff(a.radii) for a in self.layers])))

    @property
    def pitch(self) -> tuple[float, float, float]:
        """Typical size of a cell along r, along the arc at half the radius, and in depth [mm]."""
        radius = 0.5 * max(a.radii[-1] for a in self.layers)
        depth = sum(a.depth for a in self.layers) / len(self.layers)
        return self.transverse, 2 * math.pi * radius / self.shape[1], depth

    def edges(self, axis: int, layer: int = 0) -> Array64:
        """Edges of r [mm] or alpha [rad] in one layer, or of the layers from the front [mm]."""
        ring = self.layers[layer]
        if axis == 0:
            return np.array(ring.radii, dtype=np.float64)
        if axis == 1:
            return np.linspace(-math.pi, math.pi, ring.alpha + 1)
        return np.cumsum([0.0, *(a.depth for a in self.layers)])

    @cached_property
    def centres(self) -> Centres:
        """Barycentres of the cells: a full ring's is the axis, and the ring its spread."""
        alike = len({(a.radii, a.alpha) for a in self.layers}) == 1
        layers = self.layers[:1] if alike else self.layers
        x, y, spread = np.zeros((3, *self.shape[:2], len(layers)))
        for i, ring in enumerate(layers):
            here = slice(len(ring.radii) - 1), slice(ring.alpha), i
            radius = _middles(self.edges(0, i))[:, None]
            alpha = _middles(self.edges(1, i))
            # The barycentre of an arc of half angle h lies at sin(h)/h of its radius.
            inward = np.sinc(1 / ring.alpha)
            x[here], y[here] = radius * inward * np.cos(alpha), radius * inward * np.sin(alpha)
            spread[here] = radius * math.sqrt(0.5 * (1 - inward**2))
        x, y, spread = (c.reshape(-1, len(layers)) for c in (x, y, spread))
        return Centres(x, y, spread, _middles(self.edges(2)))


def _middles(edges: Array64) -> Array64:
    return np.asarray(0.5 * (edges[1:] + edges[:-1]))


def _check_shape(shape: tuple[int, int, int], where: str) -> None:
    if any(not 1 <= n <= MAX_CELLS for n in shape):
        raise GeometryError(
            f"{where}: cells.shape must have 1 to {MAX_CELLS} cells on each axis, got {list(shape)}"
        )
