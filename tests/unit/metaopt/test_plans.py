"""``metaopt run --dry-run``: what a study would be and cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from metaopt.cli.main import cli
from metaopt.config import StudyConfig
from metaopt.preflight import prepare
from metaopt.reports.plans import Cost, costs_of, plan_table


def test_a_family_that_predicts_nothing_has_a_plan_without_costs(
    toy_config: Callable[..., StudyConfig],
) -> None:
    plan = prepare(toy_config())
    assert costs_of(plan) == []
    rows = dict(plan_table(plan, []).rows)
    assert rows["showers"] == "1,200 training, 400 validation, 400 test"
    assert rows["trials"] == "6 by 'random'"
    assert rows["budget of a trial"] == "2 epochs of 100 showers"
    assert len(rows) == 4


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
    done = CliRunner().invoke(cli, ["run", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "345,524 + 54,154" in done.output
    assert "all trials like the first" in done.output
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["references"]
