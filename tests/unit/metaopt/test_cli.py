"""The command line without workers: help, bad input, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result

from metaopt.cli.main import COMMANDS, cli
from metaopt.errors import MetaoptError, exit_code

HEAVY = {
    "tensorflow",
    "keras",
    "ray",
    "optuna",
    "sqlalchemy",
    "sklearn",
    "scipy",
    "numpy",
    "plotly",
}


def call(*arguments: str) -> tuple[int, str]:
    """Exit code and message, as ``main`` gives them."""
    result: Result = CliRunner().invoke(cli, list(arguments))
    if isinstance(result.exception, MetaoptError):
        return exit_code(result.exception), str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom metaopt.cli.main import main\nsys.argv = ['metaopt', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint('LOADED', *sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split("LOADED")[1].split())
    assert "click" in loaded and not loaded & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_within_80_columns(name: str) -> None:
    code, text = call(name, "--help")
    assert code == 0 and "Usage:" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_errors_are_one_line_and_an_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "metaopt", "run", str(tmp_path / "none.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("metaopt: ") and "cannot be read" in line


@pytest.fixture
def showers(tmp_path: Path) -> Path:
    """Files that are wrong in one way each."""
    rng = np.random.default_rng(0)
    cells = rng.gamma(0.1, 0.01, (600, 12, 12, 12)).astype(np.float32)
    energy = rng.uniform(10, 200, 600).astype(np.float32)

    def write(name: str, **sets: object) -> None:
        with h5py.File(tmp_path / name, "w") as file:
            for key, value in sets.items():
                file[key] = value

    bad = cells.copy()
    bad[5, 0, 0, 0] = np.nan
    write("good.h5", ECAL=cells, energy=energy)
    write("nan.h5", ECAL=bad, energy=energy)
    write("negative.h5", ECAL=-cells, energy=energy)
    write("keys.h5", SHOWERS=cells, energy=energy)
    write("shape.h5", ECAL=cells[:, :11], energy=energy)
    write("range.h5", ECAL=cells, energy=energy * 10)
    write("few.h5", ECAL=cells[:50], energy=energy[:50])
    (tmp_path / "text.h5").write_text("no HDF5")
    (tmp_path / "text.db").write_text("no database, but long enough to look like one" * 20)
    (tmp_path / "typo.toml").write_text(
        '[data]\nfiles=["sample"]\ngeometry="clic-12x12x12"\n[serach]\n'
    )
    (tmp_path / "space.toml").write_text(
        'family = "gan3d"\npreset = "fixed-angle"\n[parameters.dropuot]\ntype = "float"\n'
        "low = 0.0\nhigh = 0.5\n"
    )
    # Kernels of one cell cannot bring an up-sampling of 2 x 3 to 21 layers.
    (tmp_path / "never.toml").write_text(
        'family = "gan3d"\npreset = "fixed-angle"\n'
        + "".join(f'[parameters.g{i}_kernel]\ntype = "int"\nlow = 1\nhigh = 1\n' for i in (1, 2, 3))
    )
    (tmp_path / "odd.toml").write_text(
        "energy = [10, 200]\n[cells]\nshape = [12, 12, 21]\npitch = [10, 10, 10]\n"
    )
    return tmp_path


ODD = ("--data", "{tmp}/good.h5", "--geometry", "{tmp}/odd.toml")
SAMPLE = ("--geometry", "clic-12x12x12")


@pytest.mark.parametrize(
    ("arguments", "code", "rule"),
    [
        (("--data", "{tmp}/none.h5", *SAMPLE), 2, "no file matches"),
        (("--data", "{tmp}/text.h5", *SAMPLE), 2, "not a readable HDF5 file"),
        (("--data", "{tmp}/keys.h5", *SAMPLE), 2, "needs the data sets ECAL, energy"),
        (("--data", "{tmp}/shape.h5", *SAMPLE), 2, r"must be \(n, 12, 12, 12\)"),
        (("--data", "{tmp}/nan.h5", *SAMPLE), 2, "must be finite"),
        (("--data", "{tmp}/negative.h5", *SAMPLE), 2, ">= 0 GeV"),
        (("--data", "{tmp}/range.h5", *SAMPLE), 2, r"energy must lie in \[10, 200\] GeV"),
        (("--data", "{tmp}/few.h5", *SAMPLE), 2, "each split needs at least 100 events"),
        (("--data", "{tmp}/good.h5"), 2, "data.geometry is required"),
        (("--data", "{tmp}/good.h5", "--geometry", "clic-25x25"), 2, "did you mean"),
        (("--space", "quik"), 2, "did you mean 'quick'"),
        (("--space", "{tmp}/space.toml"), 2, "unknown parameter 'dropuot'|did you mean 'dropout'"),
        (("--space", "{tmp}/never.toml", *ODD), 2, "no point of space 'never' can be built"),
        (("--strategy", "genetics"), 2, "did you mean 'genetic'"),
        (("--strategy", "nowhere.swarm:Swarm"), 2, "cannot be imported"),
        (("--pruning", "halfing"), 2, "did you mean 'halving'"),
        (("--executor", "slurm"), 2, "unknown executor .slurm."),
        (("--time-budget", "soon"), 2, "reads like 90s"),
        (("--trials", "0"), 2, "search.trials >= 1"),
        (("--trials", "many"), 2, "not a valid integer"),
        (("--evaluation-showers", "5000"), 2, "the validation events"),
        (("--gpus", "1"), 1, "1 workers need 1 CPUs and 1 GPUs each"),
        (("--gpus", "1.5"), 2, "share of one GPU"),
        (("--ray-address", "127.0.0.1:1"), 1, "cannot be reached"),
        (("--storage", "sqlite:///{tmp}/text.db"), 1, "not a database"),
        (("--storage", "results.db"), 1, "a storage URL reads like"),
        (("{tmp}/typo.toml",), 2, "unknown key 'serach'; did you mean 'search'"),
        (("--trails", "5"), 2, "No such option"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
def test_bad_input_is_one_clear_line_and_leaves_the_store_as_it_was(
    showers: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, rule: str
) -> None:
    monkeypatch.chdir(showers)
    got, text = call("run", *(a.format(tmp=showers) for a in arguments))
    assert (got, bool(re.search(rule, text))) == (code, True), text
    assert not list(showers.glob("results/*.db"))


@pytest.mark.parametrize(
    ("arguments", "code", "rule"),
    [
        (("studies",), 1, "no study store results/metaopt.db"),
        (("show", "s"), 1, "no study store"),
        (("dashboard",), 1, "no study store"),
        (("export", "s", "-o", "out"), 1, "no study store"),
        (("export", "--list"), 1, "no study store"),
        (("trial", "none.json"), 2, "not a readable JSON file"),
    ],
)
def test_reading_commands_make_no_store(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    rule: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    got, text = call(*arguments)
    assert got == code and rule in text
    assert not list(tmp_path.iterdir())
