"""A calorimeter: its cells, its ranges of energy and angle, and how files store it.

Axes are (x, y, z), or (r, alpha, layer) for a cylinder; the depth is the last.
Lengths are in mm, energies in GeV, angles in rad; theta = pi/2 is normal incidence,
and the shower axis tilts along y, as in the published 3DGAN data.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from search_spaces.cells import Cells, Cylinder
from search_spaces.errors import GeometryError
from search_spaces.records import encode

__all__ = ["Cells", "Cylinder", "GFlash", "Geometry", "Layers", "Storage"]


@dataclass(frozen=True)
class Layers:
    """What one layer along z is made of, from the front: absorber, gap, sensor, gap.

    Attributes:
        absorber, sensor, gap: names of materials; empty where there is none.
        absorber_mm, sensor_mm, gap_mm: thicknesses [mm].
        gap_front: share of the gap that lies before the sensor.
        plate_mm: width of absorber and gap in x and y [mm], at least that of the cells.
    """

    absorber: str = ""
    absorber_mm: float = 0.0
    sensor: str = ""
    sensor_mm: float = 0.0
    gap: str = ""
    gap_mm: float = 0.0
    gap_front: float = 0.5
    plate_mm: float = 0.0


@dataclass(frozen=True)
class GFlash:
    """What tunes the parametrised simulation; 0 is estimated from the layers.

    Attributes:
        sampling_fraction: visible over deposited energy of an electron's shower.
        sampling_term: sigma(E)/E sqrt(E) [sqrt(GeV)] of the sampling.
        maximum_shift: added to the depth of the shower maximum [radiation lengths].
        radial_scale: of the distances from the axis.
        spot_scale: of the number of energy spots: few spots fill few cells.
    """

    sampling_fraction: float = 0.0
    sampling_term: float = 0.0
    maximum_shift: float = 0.0
    radial_scale: float = 1.0
    spot_scale: float = 1.0

    def check(self, where: str) -> None:
        """Raise :class:`GeometryError` unless showers can be made with it."""
        fraction, term, shift = self.sampling_fraction, self.sampling_term, self.maximum_shift
        for rule, value, holds in (
            ("0 <= gflash.sampling_fraction <= 1", fraction, 0 <= fraction <= 1),
            ("gflash.sampling_term >= 0", term, 0 <= term < math.inf),
            ("a finite gflash.maximum_shift", shift, math.isfinite(shift)),
            ("gflash.radial_scale > 0", self.radial_scale, 0 < self.radial_scale < math.inf),
            ("gflash.spot_scale > 0", self.spot_scale, 0 < self.spot_scale < math.inf),
        ):
            if not holds:
                raise GeometryError(f"{where}: {rule} must hold, got {value:g}; correct it")


@dataclass(frozen=True)
class Storage:
    """How HDF5 files hold the showers.

    Attributes:
        format: whose layout the files have.
        showers, energy, theta: data-set names; an empty ``theta`` means the geometry's one angle.
        energy_column: column of the primary energy where the energy data set has several.
        gev_per_unit: deposited GeV per file unit (1, or 0.02 for the x50 layout).
        particle: data set of each shower's place in ``particles`` or PDG code; empty: one particle.
    """

    format: Literal["3dgan", "calochallenge", "par04"] = "3dgan"
    showers: str = "ECAL"
    energy: str = "energy"
    theta: str = ""
    energy_column: int = 0
    gev_per_unit: float = 1.0
    particle: str = ""


@dataclass(frozen=True)
class Geometry:
    """One calorimeter, checked at birth.

    Attributes:
        name: what the user calls it; by default as its file.
        title: one line for people.
        cells: the readout, a regular grid or a cylinder.
        energy: lowest and highest primary energy [GeV].
        theta: lowest and highest angle of incidence [degrees]; equal ends mean no angle condition.
        threshold: readout threshold [GeV]: cells below it read zero, on both sides.
        particles: the primaries in the data.
        layers: materials, for the simulation and for people.
        storage: the file layout.
        gflash: tuning of the parametrised simulation.
    """

    name: str
    cells: Cells | Cylinder
    energy: tuple[float, float]
    theta: tuple[float, float] = (90.0, 90.0)
    threshold: float = 1e-6
    title: str = ""
    particles: tuple[str, ...] = ("e-",)
    layers: Layers = field(default_factory=Layers)
    storage: Storage = field(default_factory=Storage)
    gflash: GFlash = field(default_factory=GFlash)

    def __post_init__(self) -> None:
        where = f"geometry {self.name!r}"
        self.cells.check(where)
        if not 0 < self.energy[0] <= self.energy[1]:
            raise GeometryError(
                f"{where}: energy must be [low, high] with 0 < low <= high [GeV], "
                f"got {list(self.energy)}"
            )
        if not 0 < self.theta[0] <= self.theta[1] < 180:
            raise GeometryError(
                f"{where}: theta must be [low, high] with 0 < low <= high < 180 [degrees], "
                f"got {list(self.theta)}"
            )
        storage = self.storage
        if not (self.threshold >= 0 and storage.gev_per_unit > 0 and storage.energy_column >= 0):
            raise GeometryError(
                f"{where}: threshold >= 0, storage.gev_per_unit > 0 and storage.energy_column >= 0 "
                f"must hold, got {self.threshold}, {storage.gev_per_unit} and "
                f"{storage.energy_column}"
            )
        if any(not key.strip("/") or "\0" in key for key in (storage.showers, storage.energy)):
            raise GeometryError(
                f"{where}: storage.showers and storage.energy must name data sets, got "
                f"{storage.showers!r} and {storage.energy!r}; name them"
            )
        self.gflash.check(where)
        if not self.particles:
            raise GeometryError(f"{where}: particles must name at least one, got none; add it")
        if len(set(self.particles)) < len(self.particles):
            raise GeometryError(
                f"{where}: particles must name each one once, got {list(self.particles)}; "
                "leave out the second"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells of a shower's array along its three axes."""
        return self.cells.shape

    @property
    def present(self) -> NDArray[np.bool_] | None:
        """Which cells of a shower's array exist, or None if all do; the others are always zero."""
        return self.cells.present

    @property
    def pitch(self) -> tuple[float, float, float]:
        """Typical cell size along each axis [mm]; exact for a regular grid."""
        return self.cells.pitch

    @property
    def has_angle(self) -> bool:
        """Whether theta varies, and so is a condition."""
        return self.theta[0] < self.theta[1]

    @property
    def theta_rad(self) -> tuple[float, float]:
        """The range of theta [rad]."""
        return math.radians(self.theta[0]), math.radians(self.theta[1])

    def edges(self, axis: int, layer: int = 0) -> NDArray[np.float64]:
        """Cell edges along one axis in one layer [mm], of a cylinder's second axis [rad].

        x and y are about the centre, the depth counts from the front face.
        """
        return self.cells.edges(axis, layer)

    @property
    def digest(self) -> str:
        """SHA-256 of what decides whether scores are comparable: not names or file layout."""
        plain = {**encode(self), "cells": self.cells.identity}
        for key in ("name", "title", "storage", "layers", "gflash"):
            del plain[key]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
