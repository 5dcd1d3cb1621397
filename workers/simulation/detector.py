"""A geometry as a stack of slabs that can be simulated, and its medium as a whole.

One layer, from the front: absorber, gap, sensor, gap. Several layers may make one readout layer.
The axis of a shower crosses the middle of the cells at 40 % of the depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from search_spaces.cells import Cells
from search_spaces.errors import GeometryError
from search_spaces.geometry import Geometry, Layers
from workers.simulation.materials import Material, material

Role = Literal["absorber", "gap", "sensor"]

#: Share of the depth at which a tilted axis crosses the middle of the cells: near the maximum.
PIVOT = 0.4
#: How well the thicknesses must add up to the depth of a readout layer [mm].
TOLERANCE_MM = 1e-6


@dataclass(frozen=True)
class Slab:
    """One plate of a layer: its front and thickness [mm], the front counted from the layer's."""

    role: Role
    material: Material
    front_mm: float
    mm: float


@dataclass(frozen=True)
class Detector:
    """A calorimeter that can be simulated.

    Attributes:
        cells: the readout.
        slabs: of one layer, from the front.
        merged: layers of which one readout layer is made.
        plate_mm: widths of absorber and gap in x and y [mm].
    """

    cells: Cells
    slabs: tuple[Slab, ...]
    merged: int
    plate_mm: tuple[float, float]

    @classmethod
    def of(cls, geometry: Geometry) -> Detector:
        """The detector that a geometry's ``[layers]`` describe.

        Raises:
            GeometryError: they do not describe one, or not one with the geometry's cells.
        """
        where, cells = f"geometry {geometry.name!r}", geometry.cells
        if not isinstance(cells, Cells):
            raise GeometryError(
                f"{where}: only a regular grid can be simulated, got kind = {cells.kind!r}; "
                'give cells of kind = "grid"'
            )
        slabs = _slabs(geometry.layers, where)
        merged = _merged(slabs, cells, where)
        width = [
            max(geometry.layers.plate_mm, n * p)
            for n, p in zip(cells.shape[:2], cells.pitch[:2], strict=True)
        ]
        return cls(cells, slabs, merged, (width[0], width[1]))

    @property
    def layer_mm(self) -> float:
        """Thickness of one layer [mm]."""
        return sum(slab.mm for slab in self.slabs)

    @property
    def layers(self) -> int:
        """Number of layers, of which several may be read out together."""
        return self.cells.shape[2] * self.merged

    @property
    def depth_mm(self) -> float:
        """Thickness of all layers [mm]."""
        return self.layers * self.layer_mm

    @property
    def sensor(self) -> Slab:
        """The slab that is read out."""
        return next(slab for slab in self.slabs if slab.role == "sensor")

    @property
    def absorber(self) -> Slab | None:
        """The slab that makes the shower; None in a homogeneous calorimeter."""
        return next((slab for slab in self.slabs if slab.role == "absorber"), None)


def _slabs(layers: Layers, where: str) -> tuple[Slab, ...]:
    """The plates that are there, in their order."""
    if not 0 <= layers.gap_front <= 1:
        raise GeometryError(
            f"{where}: layers.gap_front must lie in [0, 1], the share of the gap before the "
            f"sensor, got {layers.gap_front:g}"
        )
    _check_pairs(layers, where)
    back = 1 - layers.gap_front
    plates: tuple[tuple[Role, str, float], ...] = (
        ("absorber", layers.absorber, layers.absorber_mm),
        ("gap", layers.gap, layers.gap_mm * layers.gap_front),
        ("sensor", layers.sensor, layers.sensor_mm),
        ("gap", layers.gap, layers.gap_mm * back),
    )
    made, front = [], 0.0
    for role, name, mm in plates:
        if mm > 0:
            made.append(Slab(role, material(name, f"{where}: layers.{role}"), front, mm))
            front += mm
    return tuple(made)


def _check_pairs(layers: Layers, where: str) -> None:
    for role in ("absorber", "gap", "sensor"):
        name, mm = getattr(layers, role), getattr(layers, f"{role}_mm")
        if bool(name) != (mm > 0) or mm < 0:
            raise GeometryError(
                f"{where}: layers.{role} and layers.{role}_mm > 0 go together, got {name!r} and "
                f"{mm:g}; give both or neither"
            )
    if not layers.sensor:
        raise GeometryError(
            f"{where}: a detector that is simulated needs layers.sensor and layers.sensor_mm [mm], "
            "got none; add them"
        )


def _merged(slabs: tuple[Slab, ...], cells: Cells, where: str) -> int:
    """How many layers make a readout layer."""
    layer = sum(slab.mm for slab in slabs)
    merged = max(round(cells.pitch[2] / layer), 1)
    if not math.isclose(merged * layer, cells.pitch[2], abs_tol=TOLERANCE_MM):
        raise GeometryError(
            f"{where}: cells.pitch along z must be a whole number of layers, got "
            f"{cells.pitch[2]:g} mm and absorber + gap + sensor = {layer:g} mm; change one"
        )
    return merged
