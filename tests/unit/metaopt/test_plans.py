"""``metaopt run --dry-run``: what a study would be and cost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metaopt.cli.main import cli
from metaopt.config import StudyConfig
from metaopt.preflight import prepare
from metaopt.reports.plans import Cost, costs_of, plan_table
from workers.models.gan3d import calibration


def test_a_family_that_predicts_nothing_has_a_plan_without_costs(
    toy_config: Callable[..., StudyConfig],
) -> None:
    plan = prepare(toy_config())
    assert costs_of(plan) == []
    rows = dict(plan_table(plan, []).rows)
    assert rows["showers"] == "1,200 training, 400 validation, 400 test"
    assert rows["trials"] == "6 by 'random'"
    assert rows["budget of a trial"] == "2 epochs of 100 showers"
    assert rows["study"] == "new"
    assert rows["sampling fraction"].startswith("2.1")  # cells in MeV would have 1,000 times it
    assert rows["training energies"] == "10.4 to 200 GeV, of 10 to 200 GeV in the geometry"
    assert len(rows) == 7


def test_the_time_of_all_trials_is_shared_by_the_workers(
    toy_config: Callable[..., StudyConfig],
) -> None:
    plan = prepare(toy_config(workers__count=2))
    rows = dict(plan_table(plan, [Cost("published", (872948, 73450), 9.6, 866.0, 100.0)]).rows)
    assert rows["published: parameters"] == "872,948 + 73,450"
    assert rows["published: training of a trial"] == "about 1:40"
    assert rows["all trials like the first"] == "about 5:00 on 2 workers"


def test_a_dry_run_predicts_costs_and_writes_no_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibration, "PROBES", calibration.PROBES[2:3])  # the quickest to compile
    monkeypatch.setattr(calibration, "BATCHES", (4, 4))
    done = CliRunner().invoke(cli, ["run", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "345,524 + 54,154" in done.output
    assert "all trials like the first" in done.output
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["references"]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of two trials, which no dry run changes."""
    folder = tmp_path_factory.mktemp("begun")
    with contextlib.chdir(folder):
        assert _run("--trials", "2").exit_code == 0
    return folder


def test_a_dry_run_says_that_a_study_goes_on(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(begun)
    again = _run("--dry-run")
    assert again.exit_code == 0, again.output
    assert "trials recorded: 2" in again.output


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--seed", "9"), "begun with another seed"),
        (("--earlier", "nowhere"), "no study 'nowhere'"),
        (("--log", "nobody"), "'nobody'"),
        (("--executor", "slurm"), "'slurm'"),
    ],
)
def test_a_dry_run_finds_what_the_run_would(
    options: tuple[str, str], complaint: str, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(begun)
    name = ("--study", "other") if "--earlier" in options else ()
    refused = _run("--dry-run", *name, *options)
    assert complaint in str(refused.exception)


def _run(*options: str) -> Result:
    toy = ("--space", "toy", "--study", "one", "--executor", "inline", "--showers", "100")
    return CliRunner().invoke(cli, ["run", *toy, *options])
