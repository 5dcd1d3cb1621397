"""Small data and models for the tests of the 3DGAN family."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.showers import Conditions, Showers
from search_spaces import Geometry
from search_spaces.geometry import Cells
from workers.models.gan3d.family import Gan3D, Gan3DModel
from workers.trial import Resources

#: A network of a second or so to compile.
SMALL = {
    "g_layers": 2,
    "g1_filters": 4,
    "g2_filters": 4,
    "g1_kernel": 3,
    "g2_kernel": 3,
    "d_layers": 2,
    "d1_filters": 4,
    "d2_filters": 4,
    "d1_kernel": 3,
    "d2_kernel": 3,
    "latent_size": 8,
    "batch_size": 8,
}


def geometry(shape: tuple[int, int, int] = (8, 8, 8), *, angle: bool = False) -> Geometry:
    theta = (60.0, 120.0) if angle else (90.0, 90.0)
    return Geometry("test", Cells(shape, (5.0, 5.0, 5.0)), (10.0, 200.0), theta)


def showers(n: int = 32, shape: tuple[int, int, int] = (8, 8, 8)) -> Showers:
    rng = np.random.default_rng(5)
    energy = rng.uniform(10, 200, n).astype(np.float32)
    cells = rng.gamma(0.2, 1.0, (n, *shape)).astype(np.float32)
    cells *= 0.02 * energy[:, None, None, None] / cells.sum((1, 2, 3), keepdims=True)
    theta = rng.uniform(1.1, 2.0, n)
    return Showers(cells, Conditions.of(energy, theta))


def model(seed: int = 1, *, angle: bool = False, **point: float) -> Gan3DModel:
    preset = "variable-angle-a" if angle else "fixed-angle"
    return Gan3D().build(preset, SMALL | point, geometry(angle=angle), seed, Resources())


@pytest.fixture(scope="session", autouse=True)
def _tensorflow() -> None:
    from workers.models.gan3d import backend

    backend.start(Resources())
