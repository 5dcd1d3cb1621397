"""Showers of both engines: the parametrisation everywhere, Geant4 where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from search_spaces.geometry import Geometry
from workers.simulation.job import make_job
from workers.simulation.run import simulate

from .showers import Shoot, parametrised


@pytest.fixture(scope="session")
def geant4(tmp_path_factory: pytest.TempPathFactory) -> Shoot:
    """Showers of Geant4."""
    if find_spec("geant4_pybind") is None:
        pytest.skip("geant4-pybind is not installed: pip install 'metaopt[geant4]'")
    folder = tmp_path_factory.mktemp("geant4")

    def shoot(geometry: Geometry, energy: float, events: int) -> NDArray[np.float32]:
        out = folder / f"{geometry.name}-{energy:g}-{events}.h5"
        theta = (90.0, 90.0)
        simulate(make_job(geometry, "geant4", events, energy=(energy,) * 2, theta=theta), out)
        with h5py.File(out) as file:
            cells: NDArray[np.float32] = file["ECAL"][:]
        return cells

    return shoot


@pytest.fixture(params=["gflash", "geant4"])
def shoot(request: pytest.FixtureRequest) -> Shoot:
    """Showers of either engine."""
    if request.param == "geant4":
        made: Shoot = request.getfixturevalue("geant4")
        return made
    return parametrised
