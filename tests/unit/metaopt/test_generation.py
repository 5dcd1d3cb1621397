"""``metaopt generate``: the same file however it is made, and never half a file."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import tomli_w
from click.testing import CliRunner, Result

import metaopt
from metaopt.cli.main import cli
from metaopt.errors import INTERRUPTED, ConfigError, DataError, MetaoptError, exit_code
from metaopt.export import Ranges
from metaopt.generation import block_size, make_block, make_order, model_digest
from objectives.showers import Showers
from search_spaces.geometry import Geometry
from search_spaces.loader import load_geometry
from search_spaces.records import encode
from workers.data import survey
from workers.data.files import ShowerFile
from workers.models.toy import Toy
from workers.trial import Resources

GEOMETRY = load_geometry("clic-12x12x12")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy model that was trained on the bundled sample."""
    folder = tmp_path_factory.mktemp("model")
    made = Toy().build("default", {"rate": 1.0}, GEOMETRY, 1, Resources())
    sample = Path(metaopt.__file__).parent / "sample" / "clic-12x12x12.h5"
    with ShowerFile(str(sample), GEOMETRY) as file:
        made.train_epoch(file.read(0, 200), 1)
    made.save(folder)
    production(folder, GEOMETRY)
    return folder


def production(folder: Path, geometry: Geometry, data: dict[str, object] | None = None) -> None:
    tables = {
        "model": {"family": "toy", "preset": "default", "parameters": {"rate": 1.0}},
        "geometry": encode(geometry),
        "data": data or {},
        **{key: {} for key in ("budget", "score", "provenance")},
    }
    (folder / "production.toml").write_text(tomli_w.dumps(tables))


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["generate", *arguments])


def written(path: Path) -> Showers:
    with ShowerFile(str(path), GEOMETRY) as file:
        return file.read(0, len(file))


@pytest.mark.parametrize(
    ("found", "energy"),
    [
        ((10.4, 199.1), (10.0, 200.0)),  # flat in the range: so far by chance
        ((60.0, 199.1), (60.0, 200.0)),
        ((50.0, 50.0), (50.0, 50.0)),  # a test beam
    ],
)
def test_a_model_makes_the_energies_that_it_was_trained_with(
    model: Path, tmp_path: Path, found: tuple[float, float], energy: tuple[float, float]
) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    production(folder, GEOMETRY, {"trained": {"energy": found}})
    out = tmp_path / "fast.h5"
    assert call(str(folder), "--events", "200", "-o", str(out)).exit_code == 0
    made = written(out).energy
    assert energy[0] <= made.min() <= made.max() <= energy[1]
    assert np.ptp(made) > 0.9 * (energy[1] - energy[0]) or energy[0] == energy[1]
    outside = ("--events", "5", "--energy", "10:55", "-o", str(tmp_path / "low.h5"))
    if energy[0] == 10:
        assert call(str(folder), *outside).exit_code == 0
    else:
        refused = call(str(folder), *outside)
        assert f"energy must lie in {energy[0]:g}:{energy[1]:g} GeV" in str(refused.exception)
        assert "use --extrapolate to go on" in str(refused.exception)
        assert call(str(folder), *outside, "--extrapolate").exit_code == 0


def test_the_round_ends_of_what_was_simulated_can_be_asked_for() -> None:
    """Flat from 5 GeV on, the first of some hundred training events is at 5.15."""
    wide = replace(GEOMETRY, energy=(1.0, 100.0))
    trained = Ranges((5.15, 100.0), (90.0, 90.0))
    assert make_order(wide, 1, trained=trained, energy=(5, 100)).energy == (5, 100)
    for energy in ((4, 100), (5, 101)):
        with pytest.raises(ConfigError, match=r"energy must lie in 5.15:100 GeV, .*--extrapolate"):
            make_order(wide, 1, trained=trained, energy=energy)


def test_a_calorimeter_of_one_energy_is_generated(model: Path, tmp_path: Path) -> None:
    """As of a test beam; 8.2 is no number of single precision."""
    beam = replace(GEOMETRY, energy=(8.2, 8.2))
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    production(folder, beam)
    out = tmp_path / "fast.h5"
    assert call(str(folder), "--events", "20", "-o", str(out)).exit_code == 0
    with ShowerFile(str(out), beam) as file:
        np.testing.assert_allclose(file.read(0, 20).energy, 8.2)


def test_the_seed_alone_decides_the_file(model: Path, tmp_path: Path) -> None:
    n = 2 * block_size(GEOMETRY) + 10
    runs = {"one": ("5", "1"), "two": ("5", "2"), "other": ("6", "1")}
    for name, (seed, processes) in runs.items():
        out = str(tmp_path / f"{name}.h5")
        done = call(
            str(model), "--events", str(n), "-o", out, "--seed", seed, "--processes", processes
        )
        assert done.exit_code == 0, done.output
    one, two, other = ((tmp_path / f"{name}.h5").read_bytes() for name in runs)
    assert one == two
    assert one != other
    assert len(np.unique(written(tmp_path / "one.h5").energy)) == n  # blocks are not alike


def test_the_file_can_be_trained_on_and_says_where_it_is_from(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "fast.h5"
    done = call(str(model), "--events", "50", "--energy", "40:60", "-o", str(out), "--seed", "3")
    assert done.exit_code == 0, done.output
    assert survey([str(out)], GEOMETRY)[0] == 50
    showers = written(out)
    assert (
        showers.energy.min() >= 40 and showers.energy.max() <= 60 < 2 * np.ptp(showers.energy) + 60
    )
    filled = showers.cells[showers.cells > 0]
    assert filled.min() >= GEOMETRY.threshold and filled.size
    with h5py.File(out) as file:
        attributes = dict(file.attrs)
    assert attributes["model_digest"] == model_digest(model)
    assert attributes["seed"] == 3 and tuple(attributes["energy_gev"]) == (40, 60)
    assert json.loads(attributes["versions"])["metaopt"] == metaopt.__version__
    assert json.loads(attributes["geometry"])["name"] == GEOMETRY.name
    assert attributes["parametrised"]


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("--energy", "5:100"), r"energy must lie in 10:200 GeV, for which the model was trained"),
        (("--energy", "100:50"), "LOW <= HIGH"),
        (("--energy", "nan"), "LOW <= HIGH"),
        (("--energy", "-1:5", "--extrapolate"), "above 0 GeV"),
        (("--energy", "1e39", "--extrapolate"), "LOW <= HIGH, up to 3e+38, got 1e+39:1e+39"),
        (("--theta", "60:120", "--extrapolate"), "the model has no other"),
        (("--particle", "pi+"), "no showers of 'pi+'"),
        (("--seed", "-1"), "seed >= 0"),
        (("--events", "0"), "events >= 1"),
        (("-o", "{model}/production.toml"), "must be a new file"),
        (("-o", "{model}/none/fast.h5"), "in a folder that is there"),
    ],
)
def test_what_cannot_be_served_is_refused(
    model: Path, tmp_path: Path, arguments: tuple[str, ...], rule: str
) -> None:
    usual = ("--events", "10", "-o", str(tmp_path / "fast.h5"))
    done = call(str(model), *usual, *(a.format(model=model) for a in arguments))
    assert isinstance(done.exception, MetaoptError), done.output
    assert exit_code(done.exception) == 2 and rule in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_an_angle_from_behind_is_refused_whatever_was_trained() -> None:
    angle = replace(GEOMETRY, theta=(60.0, 120.0))
    order = make_order(angle, 10, theta=(50.0, 130.0), extrapolate=True)
    assert order.theta == (50, 130)
    for theta in ((-60.0, 60.0), (90.0, 180.0), (0.0, 90.0)):
        with pytest.raises(ConfigError, match="theta must lie between 0 and 180 degrees"):
            make_order(angle, 10, theta=theta, extrapolate=True)


def test_more_than_was_trained_has_to_be_asked_for(model: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "fast.h5")
    done = call(str(model), "--events", "10", "--energy", "300", "--extrapolate", "-o", out)
    assert done.exit_code == 0, done.output
    with h5py.File(out) as file:
        assert set(file["energy"][:]) == {300}


def test_showers_that_are_none_are_not_handed_on() -> None:
    made = Toy().build("default", {"cells": "smooth"}, GEOMETRY, 1, Resources())
    order = make_order(GEOMETRY, 5, energy=(150, 150))
    assert len(make_block(made, GEOMETRY, order, 0)) == 5
    made.profiles[0][0] = np.nan
    with pytest.raises(DataError, match="the model's of 150 GeV is not; stay nearer"):
        make_block(made, GEOMETRY, order, 0)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(model: Path, tmp_path: Path, sign: signal.Signals) -> None:
    command = [sys.executable, "-m", "metaopt", "generate", str(model), "--events", "10000000"]
    started = subprocess.Popen(
        [*command, "-o", str(tmp_path / "fast.h5")], stderr=subprocess.DEVNULL
    )
    while not any(f.stat().st_size > 1e5 for f in tmp_path.glob("*.part")):
        time.sleep(0.05)
        assert started.poll() is None
    started.send_signal(sign)
    assert started.wait(30) == INTERRUPTED
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [2_000, 300_000])  # at the first data set, and among showers
def test_a_full_disk_is_one_line_and_leaves_nothing(model: Path, tmp_path: Path, size: int) -> None:
    """The kernel's limit on the size of a file stands for the end of a disk."""
    command = [sys.executable, "-m", "metaopt", "generate", str(model), "--events", "2000"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "fast.h5")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr  # HDF5 crashed the process at its end
    assert "fast.h5: cannot be written (File too large)" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_kill_leaves_no_half_file_and_no_process(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "fast.h5"
    command = [sys.executable, "-m", "metaopt", "generate", str(model), "--events", "10000000"]
    started = subprocess.Popen(
        [*command, "-o", str(out), "--processes", "2"], stderr=subprocess.DEVNULL
    )
    children: list[int] = []
    while not (children and any(f.stat().st_size > 1e5 for f in tmp_path.glob("*.part"))):
        time.sleep(0.05)
        assert started.poll() is None
        text = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text()
        children = [int(pid) for pid in text.split()]
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    assert not out.exists()
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        time.sleep(0.05)  # the limit of the test is what fails
