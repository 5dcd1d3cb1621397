"""What can be simulated, and that one line says why anything else cannot."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from search_spaces import load_geometry
from search_spaces.errors import ConfigError, GeometryError, MissingExtraError
from search_spaces.geometry import GFlash
from search_spaces.records import decode, encode
from workers.simulation.engines import VARIABLES, environment
from workers.simulation.job import Job, make_job
from workers.simulation.primaries import Beam, primaries

CLIC = load_geometry("clic-51x51x25")
MIXED = replace(CLIC, particles=("e-", "gamma"), storage=replace(CLIC.storage, particle="particle"))


def test_what_is_not_given_is_the_geometrys() -> None:
    job = make_job(CLIC, "gflash", 7)
    assert job.beam == Beam((10.0, 200.0), (60.0, 120.0), ("e-",), 0)
    assert decode(Job, encode(job)) == job


def test_blocks_cover_all_showers_once() -> None:
    job = make_job(CLIC, "gflash", 1203)
    showers = [i for b in range(job.blocks) for i in range(*job.showers(b))]
    assert showers == list(range(1203))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"events": 0}, "events >= 1"),
        ({"seed": -1}, "seed >= 0"),
        ({"cut_mm": 0.0, "engine": "geant4"}, "production cut > 0 mm must hold, got 0"),
        ({"cut_mm": float("nan"), "engine": "geant4"}, "production cut > 0 mm must hold, got nan"),
        ({"cut_mm": float("inf"), "engine": "geant4"}, "production cut > 0 mm must hold, got inf"),
        ({"cut_mm": 0.7}, "--cut is a production cut of Geant4, got 0.7 for --engine gflash"),
        ({"energy": (5.0, 50.0)}, r"--energy must be LOW:HIGH within the geometry's \[10, 200\]"),
        ({"energy": (50.0, 20.0)}, "got 50:20"),
        ({"energy": (float("nan"), 20.0)}, "got nan:20"),
        ({"theta": (10.0, 90.0)}, "--theta must be"),
        ({"particles": ("pi+",)}, "cannot simulate 'pi[+]'"),
        ({"particles": ("mu-",)}, "cannot simulate 'mu-'; --engine geant4 can"),
        ({"particles": ("e-", "e+")}, "several particle types need storage.particle"),
    ],
)
def test_a_job_that_cannot_be_done_is_refused(changes: dict[str, Any], rule: str) -> None:
    given = {"geometry": CLIC, "engine": "gflash", "events": 10} | changes
    with pytest.raises(ConfigError, match=rule):
        make_job(**given)


def test_a_geometry_without_layers_or_angle_is_refused() -> None:
    with pytest.raises(GeometryError, match=r"needs layers\.sensor"):
        make_job(load_geometry("3dgan-fixed-angle"), "gflash", 1)
    with pytest.raises(ConfigError, match="stores no angle"):
        make_job(replace(CLIC, storage=replace(CLIC.storage, theta="")), "gflash", 1)


@pytest.mark.parametrize(
    "keys",
    [
        {"energy": "ECAL"},
        {"theta": "/energy"},
        {"showers": "data", "energy": "data/energy"},
        {"particle": "cpu_seconds"},
    ],
)
def test_data_sets_that_cannot_stand_beside_each_other_are_refused(keys: dict[str, str]) -> None:
    geometry = replace(CLIC, storage=replace(CLIC.storage, **keys))
    with pytest.raises(GeometryError, match="must have a data set of its own to be written"):
        make_job(geometry, "gflash", 1)


def test_several_particles_are_equally_frequent() -> None:
    job = make_job(MIXED, "gflash", 4000)
    shot = [p.particle for p in primaries(job.beam, CLIC.cells, 0, 400)]
    # Binomial: five standard deviations.
    assert abs(shot.count("e-") - 200) < 5 * 10


def test_primaries_fill_their_ranges_and_depend_on_seed_and_number_alone() -> None:
    beam = Beam((10.0, 200.0), (60.0, 120.0), ("e-",), 3)
    shot = list(primaries(beam, CLIC.cells, 0, 2000))
    energy = np.array([p.energy for p in shot])
    # Uniform: five standard errors of the mean.
    assert energy.mean() == pytest.approx(105, abs=5 * 190 / np.sqrt(12 * 2000))
    assert energy.min() < 11 and energy.max() > 199
    assert max(abs(p.x) for p in shot) <= 2.55
    (again,) = primaries(beam, CLIC.cells, 1234, 1235)
    assert (again.energy, again.theta, again.x) == (
        shot[1234].energy, shot[1234].theta, shot[1234].x
    )  # fmt: skip
    assert again.rng.random() == shot[1234].rng.random()
    (other,) = primaries(replace(beam, seed=4), CLIC.cells, 1234, 1235)
    assert other.energy != again.energy


@pytest.mark.skipif(find_spec("geant4_pybind") is not None, reason="geant4-pybind is installed")
def test_geant4_without_its_package_names_the_install_line() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'metaopt\[geant4\]'"):
        make_job(CLIC, "geant4", 1)


def test_geant4_runs_in_an_environment_of_its_own(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    beam = Beam((10.0, 20.0), (90.0, 90.0), ("e-",), 0)
    job = Job(replace(CLIC, gflash=GFlash()), "geant4", "geant4-pybind", 1, beam)
    assert {environment(job, tmp_path)[name] for name in VARIABLES} == {str(tmp_path)}
    assert not set(VARIABLES) & set(os.environ)
    real = tmp_path / "G4EMLOW8.8"
    real.mkdir()
    monkeypatch.setenv("G4LEDATA", str(real))
    made = environment(job, tmp_path / "unused")
    assert (made["G4LEDATA"], made["GEANT4_DATA_DIR"]) == (str(real), str(tmp_path))
