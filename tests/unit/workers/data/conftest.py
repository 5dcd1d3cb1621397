"""Small shower files, as HDF5 of several layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from search_spaces.geometry import Cells, Geometry

GEOMETRY = Geometry("g", Cells((8, 8, 9), (5.0, 5.0, 5.0)), (10.0, 200.0))
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a shower file; keyword arguments replace data sets (None leaves one out)."""

    def make(name: str = "a.h5", n: int = 700, seed: int = 0, **changes: object) -> str:
        rng = np.random.default_rng(seed)
        sets: dict[str, object] = {
            "ECAL": rng.gamma(0.1, 0.01, (n, 8, 8, 9)).astype(np.float32),
            "energy": rng.uniform(10, 200, n).astype(np.float32),
        }
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for key, value in (sets | changes).items():
                if value is not None:
                    file[key] = value
        return str(path)

    return make
