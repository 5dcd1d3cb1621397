"""`metaopt simulate`, and that parametrised showers are named wherever they are reported."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import h5py
import pytest
from click.testing import CliRunner, Result

from metaopt.cli.main import cli
from metaopt.errors import ConfigError, MissingExtraError
from metaopt.reports.page import page
from metaopt.reports.shower_files import validate
from metaopt.reports.validation_tables import document
from search_spaces import load_geometry
from workers.simulation.label import label_of

OPTIONS = ("--engine", "gflash", "--energy", "10:20", "--events")


def call(*arguments: str) -> Result:
    """A command's result; errors of ours are raised."""
    result = CliRunner().invoke(cli, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_file_is_simulated_once(tmp_path: Path) -> None:
    out = str(tmp_path / "made.h5")
    first = call("simulate", "clic-12x12x12", *OPTIONS, "7", "-o", out)
    assert first.stdout == "" and "7 of 7 showers" in first.stderr
    assert f"{out}: 7 showers; GFlash metaopt" in first.stderr
    again = call("simulate", "clic-12x12x12", *OPTIONS, "7", "-o", out)
    assert "7 showers, there already; GFlash" in again.stderr


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--energy", "fast", "a range reads like 10:200"),
        ("--energy", "50:", "a range reads like 10:200, or 50, got '50:'"),
        ("--theta", ":90", "a range reads like 10:200, or 50, got ':90'"),
        ("--processes", "0", "0 is not in the"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(
    option: str, value: str, rule: str, tmp_path: Path
) -> None:
    out = str(tmp_path / "o.h5")
    result = call("simulate", "pbwo4", "--events", "1", "-o", out, option, value)
    assert result.exit_code == 2 and rule in result.output
    assert not list(tmp_path.iterdir())


def test_a_wrong_request_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--energy must be LOW:HIGH within"):
        call(
            "simulate", "pbwo4", "--engine", "gflash", "--events", "1", "--energy", "900",
            "-o", str(tmp_path / "o.h5"),
        )  # fmt: skip
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(find_spec("geant4_pybind") is not None, reason="geant4-pybind is installed")
def test_without_geant4_the_install_line_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match="pip install"):
        call("simulate", "pbwo4", "--events", "1", "-o", str(tmp_path / "o.h5"))


def test_an_interruption_is_told_with_the_way_on(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    arguments = ("simulate", "clic-12x12x12", *OPTIONS, "50000", "-o", str(out))
    with subprocess.Popen(
        [sys.executable, "-m", "metaopt", *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        while not list(tmp_path.glob("out.h5.parts/*.npz")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130 and "the same command goes on" in told
    assert not out.exists()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    """400 parametrised showers."""
    out = tmp_path_factory.mktemp("sample") / "gflash.h5"
    call("simulate", "clic-12x12x12", *OPTIONS, "400", "-o", str(out))
    return str(out)


def test_a_validation_names_parametrised_showers(sample: str) -> None:
    made = validate(sample, sample, load_geometry("clic-12x12x12"), 0, 0, lambda _: None)
    line = "gflash.h5 is not a full simulation: its showers are parametrised (GFlash"
    assert any(note.startswith(line) for note in made.notes)
    assert line in page(made) and line in " ".join(document(made)["notes"])


def test_a_search_on_parametrised_showers_says_so(sample: str, tmp_path: Path) -> None:
    # Refused after the note, for want of events.
    storage = f"sqlite:///{tmp_path}/s.db"
    where = ("--results", str(tmp_path), "--storage", storage, "--executor", "inline")
    result = CliRunner().invoke(
        cli, ["run", "--data", sample, "--geometry", "clic-12x12x12", *where]
    )
    assert "note: gflash.h5 is not a full simulation" in result.stderr


def test_a_label_survives_a_copy_of_its_data_set(sample: str, tmp_path: Path) -> None:
    with h5py.File(sample) as source, h5py.File(tmp_path / "copy.h5", "w") as copy:
        source.copy("ECAL", copy)
        assert copy["ECAL"].attrs["engine"] == "GFlash"
        assert bool(copy["ECAL"].attrs["parametrised"])
    found = label_of(tmp_path / "copy.h5")
    assert found is not None and found.parametrised
