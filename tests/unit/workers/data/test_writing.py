"""What is written is read again, whatever the layout."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from objectives.showers import Conditions, Showers
from search_spaces import Geometry
from search_spaces.errors import ConfigError
from search_spaces.geometry import Cells, Storage
from search_spaces.loader import load_geometry
from workers.data.files import ShowerFile
from workers.data.writing import ShowerWriter, appearing

TYPES = Geometry(
    "types",
    Cells((3, 4, 5), (5.0, 5.0, 5.0)),
    (10.0, 200.0),
    (60.0, 120.0),
    particles=("e-", "mystery", "gamma"),
    storage=Storage(theta="angle", particle="type", gev_per_unit=0.02),
)
NAMES = ("3dgan-fixed-angle", "3dgan-variable-angle", "calochallenge-1-pions", "par04")


def showers(geometry: Geometry, n: int) -> Showers:
    rng = np.random.default_rng(2)
    cells = rng.random((n, *geometry.shape), np.float32)
    theta = rng.uniform(*geometry.theta_rad, n) if geometry.has_angle else None
    kinds = rng.integers(len(geometry.particles), size=n)
    return Showers(cells, Conditions.of(rng.uniform(*geometry.energy, n), theta, kinds))


@pytest.mark.parametrize("geometry", [TYPES, *map(load_geometry, NAMES)], ids=lambda g: g.name)
def test_a_file_gives_the_showers_again(geometry: Geometry, tmp_path: Path) -> None:
    given = showers(geometry, 20)
    with appearing(tmp_path / "fast.h5") as part, h5py.File(part, "w") as file:
        writer = ShowerWriter(file, geometry, 20)
        writer.append(given[:7])
        writer.append(given[7:])
    with ShowerFile(str(tmp_path / "fast.h5"), geometry) as again:
        read = again.read(0, 20)
    expected = given.cells if geometry.present is None else given.cells * geometry.present
    np.testing.assert_allclose(read.cells, expected, rtol=3e-7)
    np.testing.assert_allclose(read.energy, given.energy, rtol=3e-7)
    np.testing.assert_allclose(read.theta, given.theta, rtol=3e-7)
    np.testing.assert_array_equal(read.conditions.particle, given.conditions.particle)


def test_chunks_of_many_cells_hold_few_showers(tmp_path: Path) -> None:
    """One that holds more than come at once would be compressed again for each of them."""
    for name, shape, expected in (("fine", (100, 100, 100), 1), ("coarse", (12, 12, 12), 16)):
        geometry = Geometry(name, Cells(shape, (5.0, 5.0, 5.0)), (10.0, 200.0))
        with h5py.File(tmp_path / name, "w") as file:
            ShowerWriter(file, geometry, 64)
            assert file["ECAL"].chunks == (expected, *shape)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="half way"),
        appearing(tmp_path / "fast.h5") as part,
    ):
        part.write_bytes(b"half")
        raise RuntimeError("half way")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "years.h5").write_bytes(b"of simulation")
    with pytest.raises(ConfigError, match="must be a new file"), appearing(tmp_path / "years.h5"):
        pytest.fail("must not begin")
    assert (tmp_path / "years.h5").read_bytes() == b"of simulation"


def test_a_name_under_which_nothing_can_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / ("x" * 250)
    with pytest.raises(ConfigError, match="cannot be written"), appearing(out) as part:
        part.touch()
