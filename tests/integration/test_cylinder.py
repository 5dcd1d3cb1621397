"""A cylinder and two particle types from the first file to the last: the CaloChallenge layout."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from metaopt.cli.main import cli
from objectives.showers import Conditions, Showers
from search_spaces.geometry import Geometry
from search_spaces.loader import load_geometry
from workers.data import ShowerFile
from workers.data.writing import ShowerWriter
from workers.simulation.job import make_job
from workers.simulation.run import simulate

from ..conftest import SAMPLE

GRID = load_geometry("clic-12x12x12")
#: As data set 2 of CaloChallenge, with a full ring in front.
CYLINDER = """
energy = [10.0, 200.0]
particles = ["e-", "gamma"]

[cells]
kind = "cylinder"
radii = [[0, 20, 90], RINGS, RINGS, RINGS, RINGS, RINGS, RINGS, RINGS, RINGS, RINGS, RINGS, RINGS]
alpha = [1, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]
depth = 10.1

[storage]
format = "calochallenge"
showers = "showers"
energy = "incident_energies"
particle = "pdg"
gev_per_unit = 1e-3
""".replace("RINGS", "[0, 6, 12, 18, 24, 32, 42, 60, 90]")
#: A network of some seconds, and nothing to search.
SPACE = """
family = "gan3d"
preset = "fixed-angle"

[parameters]
g_layers = { type = "int", low = 2, high = 3 }
g1_filters = { type = "int", low = 4, high = 8 }
d_layers = { type = "int", low = 2, high = 3 }
d1_filters = { type = "int", low = 4, high = 8 }
batch_size = { type = "int", low = 16, high = 32 }

[baselines.published]
g_layers = 2
g1_filters = 4
d_layers = 2
d1_filters = 4
batch_size = 16
"""
#: Showers of each type.
HALF = 350
#: Points of a cell of the grid along x and y that are put into a cell of the cylinder each.
POINTS = 6


def in_cylinder(cells: np.ndarray, cylinder: Geometry) -> np.ndarray:
    """Cells (n, x, y, z) of the grid in rings and sectors, in proportion to their areas."""
    fine = (np.arange(12 * POINTS) + 0.5) * GRID.pitch[0] / POINTS - 6 * GRID.pitch[0]
    x, y = np.meshgrid(fine, fine, indexing="ij")
    split = np.repeat(np.repeat(cells, POINTS, axis=1), POINTS, axis=2) / POINTS**2
    made = np.zeros((len(cells), *cylinder.shape), np.float32)
    for layer in range(12):
        r = np.digitize(np.hypot(x, y), cylinder.edges(0, layer)) - 1
        alpha = np.digitize(np.arctan2(y, x), cylinder.edges(1, layer)) - 1
        for i, j in np.ndindex(cylinder.shape[:2]):
            made[:, i, j, layer] = split[:, (r == i) & (alpha == j), layer].sum(axis=1)
    return made


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Showers]:
    """A folder with geometry, space and file: electrons of Geant4, parametrised photons."""
    folder = tmp_path_factory.mktemp("cylinder")
    (folder / "rings.toml").write_text(CYLINDER)
    (folder / "small.toml").write_text(SPACE)
    with ShowerFile(str(SAMPLE), GRID) as file:
        electrons = file.read(0, HALF)
    simulate(make_job(GRID, "gflash", HALF, particles=("gamma",)), folder / "gamma.h5")
    with ShowerFile(str(folder / "gamma.h5"), GRID) as file:
        photons = file.read(0, HALF)
    geometry = load_geometry(str(folder / "rings.toml"))
    grid = np.concatenate([electrons.cells, photons.cells])
    energy = np.concatenate([electrons.energy, photons.energy])
    cells = in_cylinder(grid, geometry)
    np.testing.assert_allclose(cells.sum((1, 2)), grid.sum((1, 2)), rtol=1e-4, atol=1e-7)
    showers = Showers(cells, Conditions.of(energy, None, np.repeat([0, 1], HALF)))
    showers = showers[np.random.default_rng(7).permutation(2 * HALF)]
    with h5py.File(folder / "rings.h5", "w") as file:
        ShowerWriter(file, geometry, 2 * HALF).append(showers)
    return folder, showers


def metaopt(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception}"
    return done.stdout


def test_a_file_of_calochallenge_is_read_back_as_it_was(given: tuple[Path, Showers]) -> None:
    folder, showers = given
    geometry = load_geometry(str(folder / "rings.toml"))
    with h5py.File(folder / "rings.h5") as file:
        assert file["showers"].shape == (2 * HALF, 2 + 11 * 64)
        energy = file["showers"][:].astype(np.float64).sum(axis=1)
        np.testing.assert_allclose(energy, 1e3 * showers.cells.sum((1, 2, 3)), rtol=1e-5)
    with ShowerFile(str(folder / "rings.h5"), geometry) as file:
        again = file.read(0, 2 * HALF)
    np.testing.assert_allclose(again.cells, showers.cells, rtol=3e-7)
    np.testing.assert_array_equal(again.conditions.particle, showers.conditions.particle)


def test_a_cylinder_of_two_particles_is_searched_generated_and_scored(
    given: tuple[Path, Showers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, _ = given
    geometry, data = str(folder / "rings.toml"), str(folder / "rings.h5")
    metaopt(
        *("run", "--study", "rings", "--geometry", geometry, "--data", data),
        *("--space", str(folder / "small.toml"), "--strategy", "random", "--trials", "1"),
        *("--epochs", "2", "--showers", "160", "--evaluation-showers", "100"),
        *("--executor", "inline", "--pruning", "none", "--confirm", "0"),
    )
    metaopt("export", "rings", "-o", "production")
    made = {}
    for name, more in (("both", ()), ("gamma", ("--particle", "gamma"))):
        metaopt("generate", "production", "--events", "200", "-o", f"{name}.h5", *more)
        with h5py.File(f"{name}.h5") as file:
            made[name] = file["pdg"][:]
            assert file["showers"].shape == (200, 2 + 11 * 64) and file["showers"][:].any()
    assert set(made["both"]) == {11, 22} and set(made["gamma"]) == {22}
    scores = json.loads(metaopt("validate", "both.h5", data, "--geometry", geometry, "--json"))
    assert scores["S"] > scores["floor"] > 0
    assert set(scores["particles"]) == {"e-", "gamma"}
    assert sum(p["events"] for p in scores["particles"].values()) <= 200
    scores = json.loads(metaopt("validate", "gamma.h5", data, "--geometry", geometry, "--json"))
    assert not scores["particles"] and scores["events"]["reference"] == HALF
