"""What the benchmarks of networks share: threads, and made-up showers of a preset's geometry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.geometry import Geometry
from search_spaces.loader import load_geometry

#: CPU threads of every measurement.
THREADS = 2
#: Mean share of the primary energy that the cells hold, and the shape of one cell's spectrum:
#: small, so that nine cells in ten fall below the threshold, as in full simulation.
SAMPLING_FRACTION, CELL_SHAPE = 0.02, 0.1


def geometry_of(preset: str) -> Geometry:
    """The calorimeter that a preset was published for, CLIC-like."""
    return load_geometry("clic-25x25x25" if preset == "fixed-angle" else "clic-51x51x25")


def made_up_showers(geometry: Geometry, n: int, seed: int = 1) -> Showers:
    """n showers at random conditions: product of mean profiles times gamma-distributed cells."""
    rng = np.random.default_rng(seed)
    energy = rng.uniform(*geometry.energy, n).astype(np.float32)
    theta = rng.uniform(*geometry.theta_rad, n).astype(np.float32)
    cells = rng.standard_gamma(CELL_SHAPE, (n, *geometry.shape), dtype=np.float32)
    cells *= _profile(geometry.shape)
    cells *= SAMPLING_FRACTION * (energy / cells.sum((1, 2, 3)))[:, None, None, None]
    cells[cells < geometry.threshold] = 0
    return Showers(cells, Conditions.of(energy, theta))


def _profile(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Exponential across, a gamma distribution in depth; (x, y, z)."""
    x, y = (np.exp(-np.abs(np.arange(n) - 0.5 * (n - 1))) for n in shape[:2])
    depth = (np.arange(shape[2]) + 0.5) / shape[2]
    z = depth**3 * np.exp(-8 * depth)
    return np.asarray(np.einsum("i,j,k->ijk", x, y, z), np.float32)
