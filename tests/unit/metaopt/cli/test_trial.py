"""``metaopt trial``: one trial alone, beside its study."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from metaopt.cli.main import cli
from metaopt.errors import ConfigError
from workers.runner import trial_events
from workers.trial import TrialSpec


@pytest.fixture
def finished(toy_spec: TrialSpec, tmp_path: Path) -> TrialSpec:
    """A trial of a study that has left its files."""
    spec = replace(toy_spec, checkpoint=str(tmp_path / "checkpoints"), checkpoint_seconds=0)
    list(trial_events(spec, stop=lambda: False))
    return spec


def _contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = (f for f in folder.rglob("*") if f.is_file())
    return {str(f): (f.read_bytes(), f.stat().st_mtime_ns) for f in files}


def test_a_trial_alone_leaves_the_files_of_its_study(finished: TrialSpec, tmp_path: Path) -> None:
    before = _contents(tmp_path)
    spec = Path(finished.folder) / "trial.json"
    done = CliRunner().invoke(cli, ["trial", str(spec)])
    assert done.exit_code == 0 and len(done.output.splitlines()) == 3, done.output
    assert _contents(tmp_path) == before


def test_its_files_go_to_a_new_folder_where_they_are_asked_for(
    finished: TrialSpec, tmp_path: Path
) -> None:
    spec, out = Path(finished.folder) / "trial.json", tmp_path / "alone"
    done = CliRunner().invoke(cli, ["trial", str(spec), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert {f.name for f in out.iterdir()} == {f.name for f in spec.parent.iterdir()}
    assert json.loads((out / "trial.json").read_text())["folder"] == str(out)
    for taken in (out, spec):
        refused = CliRunner().invoke(cli, ["trial", str(spec), "-o", str(taken)])
        assert "must be an empty or new folder" in str(refused.exception)


@pytest.mark.parametrize(
    ("table", "key", "value", "rule"),
    [
        (None, "seed", -1, "seed >= 0 must hold, got -1"),
        (None, "seed", 2**63, "seed < 2\\^63 must hold|must fit in 64 bits"),
        ("budget", "epochs", -1, "budget.epochs >= 1 must hold, got -1"),
        ("budget", "showers", 0, "budget.showers >= 1 must hold, got 0"),
        ("budget", "evaluation_showers", 0, "budget.evaluation_showers >= 1 must hold, got 0"),
    ],
)
def test_a_specification_that_cannot_be_trained_is_refused(
    toy_spec: TrialSpec, tmp_path: Path, table: str | None, key: str, value: int, rule: str
) -> None:
    tables = toy_spec.to_json()
    (tables[table] if table else tables)[key] = value
    (tmp_path / "spec.json").write_text(json.dumps(tables))
    refused = CliRunner().invoke(cli, ["trial", str(tmp_path / "spec.json")])
    assert isinstance(refused.exception, ConfigError)
    assert re.search(rule, str(refused.exception))
