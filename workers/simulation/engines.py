"""The engines by name: how one is made, in which environment, and what its showers are called."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workers.simulation.detector import Detector
from workers.simulation.em_data import data_sets
from workers.simulation.gflash import GFlashEngine
from workers.simulation.job import Job
from workers.simulation.label import GEANT4_NOTICE, Label
from workers.simulation.primaries import Primary

#: Variables by which Geant4 finds data sets; unset ones end it, though none of them is read.
VARIABLES = (
    *("GEANT4_DATA_DIR", "G4LEDATA", "G4ENSDFSTATEDATA", "G4LEVELGAMMADATA", "G4PARTICLEXSDATA"),
    *("G4RADIOACTIVEDATA", "G4NEUTRONHPDATA", "G4PIIDATA", "G4SAIDXSDATA", "G4ABLADATA"),
    "G4INCLDATA",
)


class Simulator(Protocol):
    """What an engine is."""

    @property
    def detector(self) -> Detector:
        """Of the showers."""

    def simulate(self, primaries: Iterable[Primary]) -> Iterator[tuple[NDArray[np.float32], float]]:
        """Cells (x, y, z) [GeV] in sensors and CPU seconds of each shower."""


def environment(job: Job, folder: Path) -> dict[str, str]:
    """The environment of a process that simulates.

    Args:
        job: what is simulated.
        folder: of the data files that are computed, where the environment names none.
    """
    own = dict(os.environ)
    if job.engine != "geant4":
        return own
    given = data_sets(own)
    if given is None:
        return own | dict.fromkeys(VARIABLES, str(folder))
    # Without this variable the import would ask on the terminal for missing data sets.
    return {"GEANT4_DATA_DIR": str(given.parent)} | own


def make_engine(job: Job, computed: Path | None) -> tuple[Simulator, Label]:
    """The engine of a job and the label of its showers; in a process of :func:`environment`.

    Args:
        job: what is simulated.
        computed: folder for the data files that Geant4 reads; None: it has its own data sets.

    Raises:
        GeometryError: the geometry cannot be simulated.
    """
    if job.engine == "gflash":
        made_by = "parametrisation of Grindhammer and Peters, hep-ex/0001020"
        return GFlashEngine(job.geometry), Label("GFlash", job.release, made_by, parametrised=True)
    # Its import takes memory, and reads the environment once.
    from workers.simulation import geant4

    given = data_sets(os.environ) if computed is None else None
    data = f"data set {given.name}" if given else "computed cross sections, no Rayleigh scattering"
    physics = f"G4EmStandardPhysics (option 0), production cut {job.cut_mm:g} mm, {data}"
    version = f"{geant4.version()} ({job.release})"
    label = Label("Geant4", version, physics, parametrised=False, notice=GEANT4_NOTICE)
    return geant4.Geant4Engine(job.geometry, job.cut_mm, computed), label
