"""``metaopt retarget``: from a geometry file to a finished study, started from another one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from click.testing import CliRunner, Result

from metaopt.cli.main import cli
from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.database import StudyStore
from metaopt.study_file import load_config
from metaopt.warm import LESSONS
from workers.executors.inline import InlineExecutor

from ..optuna_store import opened

#: A lead and liquid-argon calorimeter of few cells.
GEOMETRY = """
title = "A test calorimeter"
energy = [10.0, 50.0]
theta = [90.0, 90.0]
threshold = 1e-4
particles = ["e-"]
cells.shape = [8, 8, 10]
cells.pitch = [20.0, 20.0, 24.0]
layers.absorber = "Pb"
layers.absorber_mm = 4.0
layers.sensor = "lAr"
layers.sensor_mm = 4.0
storage.showers = "ECAL"
storage.energy = "energy"
"""


@pytest.fixture
def storage(toy_config: Callable[..., StudyConfig]) -> str:
    """A store with a study of the bundled showers."""
    config = toy_config(study__name="clic", search__trials=4)
    plan, store = prepare(config), StudyStore(config.study.storage, create=True)
    study = store.create("clic", plan.document)
    Controller(plan, study, InlineExecutor(), Quiet()).run()
    store.close()
    return config.study.storage


def test_a_new_calorimeter_is_simulated_and_searched_from_an_earlier_study(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("argon.toml").write_text(GEOMETRY)
    command = [
        *("retarget", "argon.toml", "--from", "clic", "--storage", storage),
        *("--executor", "inline", "--trials", "4", "--confirm", "0", "--strategy", "genetic"),
    ]
    refused = CliRunner().invoke(cli, command)
    assert "give --data or --simulate N" in str(refused.exception)
    command += ["--simulate", "600", "--engine", "gflash"]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    assert "Of the points of earlier studies" in done.output
    folder = Path("results/argon-genetic")
    written = load_config(folder / "study.toml", {})
    assert written.search.earlier == ("clic",) and written.trial.epochs == 2
    store = StudyStore(storage)
    study = store.study("argon-genetic")
    assert study.document["geometry"]["name"] == "argon"
    assert study.document[LESSONS]["studies"] == ["clic"] and len(study.trials()) == 4
    store.close()
    again = CliRunner().invoke(cli, command)
    assert again.exit_code == 0 and "there already" in again.output


def test_a_study_of_another_program_is_no_start(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/other.db"
    with opened(storage) as foreign:
        optuna.create_study(storage=foreign, study_name="foreign")
    done = CliRunner().invoke(
        cli, ["retarget", "clic-12x12x12", "--from", "foreign", "--storage", storage]
    )
    assert "'foreign' was not made by metaopt" in str(done.exception)


def _retarget(*options: str) -> Result:
    """A retargeting to the bundled showers, of four trials."""
    shared = ("--executor", "inline", "--trials", "4", "--confirm", "0", "--strategy", "genetic")
    return CliRunner().invoke(cli, ["retarget", *options, *shared])


def test_nothing_is_written_for_showers_that_are_not_there(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ("clic-12x12x12", "--from", "clic", "--storage", storage, "--results", "new")
    refused = _retarget(*given, "--data", "smaple")
    assert "no file matches 'smaple'" in str(refused.exception)
    for name in ("../../escaped", "my study"):
        refused = _retarget(*given, "--data", "sample", "--study", name)
        assert "a study name has up to 100 letters" in str(refused.exception)
    assert not (tmp_path / "new").exists() and not (tmp_path.parent / "escaped").exists()
    done = _retarget(*given, "--data", "sample")
    assert done.exit_code == 0, done.output


def test_showers_that_would_be_too_few_are_not_simulated(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("argon.toml").write_text(GEOMETRY)
    given = ("argon.toml", "--from", "clic", "--storage", storage, "--results", "new")
    for asked, why in (
        (("--simulate", "300"), "at least 100 events to score with, got 300 events split"),
        (("--simulate", "1000", "--evaluation-showers", "300"), "<= 200 .the validation events.*;"),
    ):
        refused = _retarget(*given, *asked, "--engine", "gflash")
        assert re.search(why, str(refused.exception))
    assert not (tmp_path / "new").exists()


def test_a_study_that_is_there_is_not_taken_for_another_one(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("argon.toml").write_text(GEOMETRY)
    same = ("--from", "clic", "--storage", storage, "--study", "rt")
    assert _retarget("clic-12x12x12", *same, "--data", "sample").exit_code == 0
    written = Path("results/rt/study.toml").read_text()
    for given, reason in (
        (("argon.toml", *same, "--simulate", "600", "--engine", "gflash"), "rt is of clic-12x12x1"),
        (("clic-12x12x12", *same, "--data", "argon.toml"), "rt has other showers, sample"),
        (("clic-12x12x12", "--from", "rt", *same[2:]), "rt starts from clic"),
    ):
        refused = _retarget(*given)
        assert reason in str(refused.exception) and "give another --study" in str(refused.exception)
    assert Path("results/rt/study.toml").read_text() == written
    for given in ((), ("--data", "sample")):
        assert _retarget("clic-12x12x12", *same, *given).exit_code == 0
