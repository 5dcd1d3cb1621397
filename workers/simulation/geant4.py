"""Showers simulated by Geant4, through geant4-pybind; the only file that imports it.

Geant4 holds one geometry per process and reads its environment once: this file is imported by
:mod:`workers.simulation.worker` only, in a process whose environment is
:func:`workers.simulation.engines.environment`. Every Geant4 object stays referenced from Python,
which would delete it otherwise.
"""
# mypy: allow-subclassing-any

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import geant4_pybind as g4
import numpy as np
from numpy.typing import NDArray

from search_spaces.cells import Cells
from search_spaces.geometry import Geometry
from workers.simulation import em_data
from workers.simulation.detector import PIVOT, Detector
from workers.simulation.materials import AIR
from workers.simulation.primaries import Primary

Array = NDArray[np.float32]

#: Air around the detector [mm].
MARGIN_MM = 100.0
#: Distance from the front face at which primaries begin [mm].
BEFORE_MM = 1e-3


def version() -> str:
    """Of Geant4 itself, such as 11.4.1."""
    number = int(g4.G4VERSION_NUMBER)  # 1141 is 11.4.1
    return f"{number // 100}.{number // 10 % 10}.{number % 10}"


class Geant4Engine:
    """Showers of one calorimeter; one object per process.

    Args:
        geometry: of the showers.
        cut_mm: production cut in range [mm].
        folder: where Geant4's data files are written; None if the environment names real ones.

    Raises:
        GeometryError: the geometry cannot be simulated.
    """

    def __init__(self, geometry: Geometry, cut_mm: float, folder: Path | None) -> None:
        self.detector = Detector.of(geometry)
        if folder is not None:
            em_data.write(folder, _elements(self.detector), _photoelectric())
        self._manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
        self._construction = _Construction(self.detector)
        self._physics = _Physics(cut_mm, computed=folder is not None)
        self._actions = _Actions(self.detector)
        for part in (self._construction, self._physics, self._actions):
            self._manager.SetUserInitialization(part)
        self._manager.Initialize()
        g4.G4UImanager.GetUIpointer().ApplyCommand(f"/run/setCut {cut_mm} mm")

    def simulate(self, primaries: Iterable[Primary]) -> Iterator[tuple[Array, float]]:
        """Cells (x, y, z) [GeV] in sensors and CPU seconds of each shower.

        Raises:
            RuntimeError: Geant4 ended before all showers.
        """
        gun, event = self._actions.gun, self._actions.event
        gun.primaries = list(primaries)
        event.done.clear()
        self._manager.BeamOn(len(gun.primaries))
        if len(event.done) != len(gun.primaries):
            raise RuntimeError("Geant4 ended the run before all showers")
        yield from event.done


class _Construction(g4.G4VUserDetectorConstruction):
    """The stack in a world of air; sensors are cut into cells by replication."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._detector = detector
        self._kept: list[Any] = []

    def Construct(self) -> Any:  # noqa: N802 - Geant4's name
        detector = self._detector
        (nx, ny, _), (px, py, _) = detector.cells.shape, detector.cells.pitch
        wide, high = (width + 2 * MARGIN_MM for width in detector.plate_mm)
        world = self._box("World", wide, high, detector.depth_mm + 4 * MARGIN_MM, AIR.nist)
        placed = self._keep(
            g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "World", None, False, 0, False)
        )
        for slab in detector.slabs:
            width = (nx * px, ny * py) if slab.role == "sensor" else detector.plate_mm
            if slab.material is AIR:
                continue
            volume = self._box(slab.role, *width, slab.mm, slab.material.nist)
            if slab.role == "sensor":
                self._segment(volume, slab.mm, slab.material.nist)
            middle = slab.front_mm + 0.5 * slab.mm - 0.5 * detector.depth_mm
            for layer in range(detector.layers):
                where = g4.G4ThreeVector(0, 0, (middle + layer * detector.layer_mm) * g4.mm)
                copy = layer // detector.merged  # several layers may be one of the readout
                self._keep(
                    g4.G4PVPlacement(None, where, volume, slab.role, world, False, copy, False)
                )
        return placed

    def ConstructSDandField(self) -> None:  # noqa: N802 - Geant4's name
        # A scorer of Geant4's own: one in Python would be called at every step.
        scorer = self._keep(g4.G4MultiFunctionalDetector("calorimeter"))
        g4.G4SDManager.GetSDMpointer().AddNewDetector(scorer)
        cells = g4.G4PSEnergyDeposit3D("deposit", *self._detector.cells.shape, 1, 0, 2)
        scorer.RegisterPrimitive(self._keep(cells))
        self.SetSensitiveDetector("cell", scorer)

    def _segment(self, sensor: Any, mm: float, nist: str) -> None:
        (nx, ny, _), (px, py, _) = self._detector.cells.shape, self._detector.cells.pitch
        row = self._box("row", px, ny * py, mm, nist)
        cell = self._box("cell", px, py, mm, nist)
        self._keep(g4.G4PVReplica("row", row, sensor, g4.EAxis.kXAxis, nx, px * g4.mm))
        self._keep(g4.G4PVReplica("cell", cell, row, g4.EAxis.kYAxis, ny, py * g4.mm))

    def _box(self, name: str, x: float, y: float, z: float, nist: str) -> Any:
        """A logical volume of full widths [mm]."""
        half = [0.5 * width * g4.mm for width in (x, y, z)]
        solid = self._keep(g4.G4Box(name, *half))
        return self._keep(g4.G4LogicalVolume(solid, _material(nist), name))

    def _keep(self, made: Any) -> Any:
        self._kept.append(made)
        return made


class _Physics(g4.G4VModularPhysicsList):
    """Electromagnetic physics, option 0."""

    def __init__(self, cut_mm: float, computed: bool) -> None:
        super().__init__()
        self.SetVerboseLevel(0)
        self._physics = g4.G4EmStandardPhysics()
        self.RegisterPhysics(self._physics)
        parameters = g4.G4EmParameters.Instance()
        parameters.SetVerbose(0)
        if computed:
            parameters.SetLivermoreDataDir(em_data.PHOTONS)
        self.SetDefaultCutValue(cut_mm * g4.mm)


class _Gun(g4.G4VUserPrimaryGeneratorAction):
    """Shoots the primaries that it was given, each with its own random seeds."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.primaries: list[Primary] = []
        self._depth = detector.depth_mm
        self._gun = g4.G4ParticleGun(1)

    def GeneratePrimaries(self, event: Any) -> None:  # noqa: N802 - Geant4's name
        primary = self.primaries[event.GetEventID()]
        g4.G4Random.setTheSeeds([*primary.rng.integers(1, 2**31, 4).tolist(), 0], 4)  # ends with 0
        table = g4.G4ParticleTable.GetParticleTable()
        self._gun.SetParticleDefinition(table.FindParticle(primary.particle))
        self._gun.SetParticleEnergy(primary.energy * g4.GeV)
        along = g4.G4ThreeVector(0, math.cos(primary.theta), math.sin(primary.theta))
        self._gun.SetParticleMomentumDirection(along)
        y = primary.y - primary.slope * (PIVOT * self._depth + BEFORE_MM)
        z = -0.5 * self._depth - BEFORE_MM
        start = g4.G4ThreeVector(primary.x * g4.mm, y * g4.mm, z * g4.mm)
        self._gun.SetParticlePosition(start)
        self._gun.GeneratePrimaryVertex(event)


class _Event(g4.G4UserEventAction):
    """Collects the cells of each shower and its CPU time."""

    def __init__(self, cells: Cells) -> None:
        super().__init__()
        self.done: list[tuple[Array, float]] = []
        self._shape = cells.shape
        self._began = 0.0

    def BeginOfEventAction(self, event: Any) -> None:  # noqa: ARG002, N802 - Geant4's name
        self._began = time.process_time()

    def EndOfEventAction(self, event: Any) -> None:  # noqa: N802 - Geant4's name
        cells = np.zeros(self._shape, dtype=np.float32)
        hits = dict(event.GetHCofThisEvent().GetHC(0))
        if hits:
            places = np.fromiter(hits.keys(), dtype=np.int64)
            deposits = np.fromiter((float(v) for v in hits.values()), dtype=np.float64)
            cells.reshape(-1)[places] = deposits / g4.GeV
        self.done.append((cells, time.process_time() - self._began))


class _Actions(g4.G4VUserActionInitialization):
    """Makes the actions when Geant4 is ready for them."""

    gun: _Gun
    event: _Event

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._detector = detector

    def Build(self) -> None:  # noqa: N802 - Geant4's name
        self.gun, self.event = _Gun(self._detector), _Event(self._detector.cells)
        self.SetUserAction(self.gun)
        self.SetUserAction(self.event)


def _material(nist: str) -> Any:
    return g4.G4NistManager.Instance().FindOrBuildMaterial(nist)


def _elements(detector: Detector) -> set[int]:
    """Atomic numbers of all materials, the air of the world included."""
    names = {AIR.nist, *(slab.material.nist for slab in detector.slabs)}
    found = [_material(name) for name in sorted(names)]
    return {int(m.GetElement(i).GetZasInt()) for m in found for i in range(m.GetNumberOfElements())}


def _photoelectric() -> em_data.CrossSection:
    """Geant4's Sandia table: sigma = sum c_i / E^i, i = 1 to 4."""
    table = g4.G4SandiaTable()

    def barn(z: int, mev: float) -> float:
        coefficients = g4.G4doubleVector([0.0] * 4)
        energy = mev * g4.MeV
        table.GetSandiaCofPerAtom(z, energy, coefficients)
        total = sum(c / energy ** (i + 1) for i, c in enumerate(coefficients))
        return float(total / g4.barn)

    return barn
