"""Files of simulations: their content, their label, and that interruptions change nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from search_spaces import load_geometry
from search_spaces.errors import ConfigError, ExecutorError
from search_spaces.geometry import Storage
from workers.data import ShowerFile
from workers.simulation.job import BLOCK, Job, make_job
from workers.simulation.label import label_of, parametrised
from workers.simulation.output import Parts, is_done
from workers.simulation.primaries import primaries
from workers.simulation.run import simulate

MERGED = load_geometry("clic-12x12x12")
#: Three blocks.
EVENTS = 2 * BLOCK["gflash"] + 10
COMMAND = ("clic-12x12x12", "--engine", "gflash", "--energy", "10:20", "--seed", "5")


def job(events: int = EVENTS, seed: int = 5) -> Job:
    return make_job(MERGED, "gflash", events, energy=(10.0, 20.0), seed=seed)


def content(path: Path) -> dict[str, bytes]:
    """Everything but the measured time."""
    with h5py.File(path) as file:
        return {name: data[:].tobytes() for name, data in file.items() if name != "cpu_seconds"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulation that nothing disturbed, in one process."""
    out = tmp_path_factory.mktemp("whole") / "whole.h5"
    assert simulate(job(), out)
    return out


def test_the_file_holds_showers_conditions_times_and_by_what_it_was_made(whole: Path) -> None:
    with ShowerFile(str(whole), MERGED) as file:
        showers = file.read(0, len(file))
    showers.check(MERGED, "whole")
    assert len(showers) == EVENTS
    shot = list(primaries(job().beam, MERGED.cells, 0, EVENTS))
    np.testing.assert_allclose(showers.energy, [p.energy for p in shot], rtol=1e-6)
    with h5py.File(whole) as file:
        assert file["cpu_seconds"].shape == (EVENTS,) and file["cpu_seconds"][:].min() > 0
        assert file.attrs["tilt_axis"] == "y" and file.attrs["seed"] == 5
        assert all(data.attrs["engine"] == "GFlash" for data in file.values())
    assert not whole.with_name("whole.h5.parts").exists()


def test_parametrised_showers_are_told_from_a_full_simulation(whole: Path, tmp_path: Path) -> None:
    label = label_of(whole)
    assert label is not None and label.parametrised
    assert (label.engine, "hep-ex/0001020" in label.physics_list) == ("GFlash", True)
    with h5py.File(tmp_path / "unknown.h5", "w") as file:
        file["ECAL"] = np.zeros((2, 2))
    assert label_of(tmp_path / "unknown.h5") is None
    assert label_of(tmp_path / "none.h5") is None
    (line,) = parametrised([str(whole), str(tmp_path / "unknown.h5")])
    assert line.startswith("whole.h5 is not a full simulation") and "GFlash" in line


def test_a_data_set_in_a_group_is_labelled_too(tmp_path: Path) -> None:
    geometry = replace(MERGED, storage=replace(MERGED.storage, showers="data/ECAL"))
    simulate(make_job(geometry, "gflash", 5), tmp_path / "grouped.h5")
    with h5py.File(tmp_path / "grouped.h5") as file, h5py.File(tmp_path / "part.h5", "w") as part:
        file.copy("data/ECAL", part.create_group("copied"))
    label = label_of(tmp_path / "part.h5")
    assert label is not None and label.parametrised


def test_the_number_of_processes_changes_nothing(whole: Path, tmp_path: Path) -> None:
    assert simulate(job(), tmp_path / "two.h5", processes=2)
    assert content(tmp_path / "two.h5") == content(whole)


def test_a_killed_simulation_goes_on_to_the_same_file(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed.h5"
    arguments = ("simulate", *COMMAND, "--events", str(EVENTS), "-o", str(out))
    with subprocess.Popen(
        [sys.executable, "-m", "metaopt", *arguments], stderr=subprocess.DEVNULL
    ) as process:
        while not list(out.with_name("killed.h5.parts").glob("*.npz")):
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
    parts = Parts(out)
    left = parts.missing(job())
    assert 0 not in left and not out.exists()
    told: list[int] = []
    assert simulate(job(), out, report=told.append)
    assert told[0] >= BLOCK["gflash"] and told[-1] == EVENTS
    assert content(out) == content(whole)
    assert not simulate(job(), out)


def test_another_simulation_never_takes_the_place_of_one(whole: Path, tmp_path: Path) -> None:
    before = whole.read_bytes()
    with pytest.raises(ConfigError, match="got GFlash showers of another simulation"):
        simulate(job(seed=6), whole)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="got something else"):
        simulate(job(), tmp_path / "notes.txt")
    assert whole.read_bytes() == before and (tmp_path / "notes.txt").read_text() == "mine"
    Parts(tmp_path / "begun.h5").begin(job())
    with pytest.raises(ConfigError, match="another, unfinished simulation"):
        simulate(job(seed=6), tmp_path / "begun.h5")


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"geom'])
def test_a_damaged_job_is_told_with_a_way_out(content: str, tmp_path: Path) -> None:
    parts = Parts(tmp_path / "x.h5")
    parts.begin(job())
    (parts.folder / "job.json").write_text(content)
    with pytest.raises(ConfigError, match=r"x\.h5\.parts.*remove the folder to begin again"):
        parts.begin(job())


def test_two_simulations_of_one_file_do_not_meet(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "one.h5")
    parts.begin(job())
    with parts.locked(), pytest.raises(ConfigError, match="another process is simulating it"):
        simulate(job(), tmp_path / "one.h5")


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        simulate(job(), tmp_path / "none" / "out.h5")


def test_a_failing_process_is_told_with_its_reason(tmp_path: Path) -> None:
    broken = replace(job(10), geometry=load_geometry("par04"))
    with pytest.raises(ExecutorError, match=r"ended with code 1: .*only a regular grid"):
        simulate(broken, tmp_path / "broken.h5")
    assert not is_done(tmp_path / "broken.h5", broken)


def test_showers_of_one_angle_are_read_with_it_though_their_file_has_none(tmp_path: Path) -> None:
    tilted = replace(MERGED, theta=(70.0, 70.0), storage=Storage())
    out = tmp_path / "tilted.h5"
    simulate(make_job(tilted, "gflash", 12), out)
    with ShowerFile(str(out), tilted) as file:
        showers = file.read(0, 12)
        showers.check(tilted)
        np.testing.assert_allclose(showers.theta, np.radians(70), rtol=1e-6)
        assert "theta" not in h5py.File(out)


@pytest.mark.parametrize(
    "storage",
    [
        Storage(energy="target", energy_column=1, gev_per_unit=0.02, particle="pdg"),
        Storage(format="par04", gev_per_unit=1e-3, particle="pdg"),
        Storage(format="calochallenge", gev_per_unit=1e-3, particle="pdg"),
    ],
    ids=["columns", "par04", "calochallenge"],
)
def test_files_have_the_geometrys_layout(storage: Storage, tmp_path: Path) -> None:
    geometry = replace(MERGED, particles=("e-", "gamma"), storage=storage)
    made = make_job(geometry, "gflash", 12)
    plain = replace(made, geometry=replace(MERGED, storage=Storage()))
    simulate(made, tmp_path / "layout.h5")
    simulate(plain, tmp_path / "plain.h5")
    with ShowerFile(str(tmp_path / "layout.h5"), geometry) as file:
        showers = file.read(0, 12)
    with ShowerFile(str(tmp_path / "plain.h5"), plain.geometry) as file:
        np.testing.assert_allclose(showers.cells, file.read(0, 12).cells, rtol=1e-6)
        np.testing.assert_allclose(showers.energy, file.read(0, 12).energy, rtol=1e-6)
    shot = primaries(made.beam, MERGED.cells, 0, 12)
    kinds = [geometry.particles[i] for i in showers.conditions.particle]
    assert kinds == [p.particle for p in shot]
