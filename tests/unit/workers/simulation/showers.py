"""Showers of the parametrisation, made in this process."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from search_spaces.geometry import Geometry
from workers.simulation.gflash import GFlashEngine
from workers.simulation.primaries import Beam, primaries

#: Cells (n, x, y, z) [GeV] of n electrons of an energy [GeV], at normal incidence.
Shoot = Callable[[Geometry, float, int], NDArray[np.float32]]


def parametrised(
    geometry: Geometry, energy: float, events: int, particle: str = "e-"
) -> NDArray[np.float32]:
    """Those of the parametrisation."""
    engine = GFlashEngine(geometry)
    beam = Beam((energy, energy), (90.0, 90.0), (particle,), 0)
    return np.array([engine.shower(p) for p in primaries(beam, geometry.cells, 0, events)])
