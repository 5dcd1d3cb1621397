"""``metaopt report`` of a real toy study, with and without its weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from metaopt.cli.main import cli
from metaopt.cli.session import run_study
from metaopt.config import StudyConfig
from metaopt.errors import ConfigError


def test_a_report_has_the_physics_of_the_best_trial_while_its_weights_are_there(
    toy_config: Callable[..., StudyConfig], tmp_path: Path
) -> None:
    config = toy_config(search__trials=2, data__split=[0.8, 0.1, 0.1])
    assert run_study(config) == 0
    page, ask = tmp_path / "page.html", ["report", "toy", "--storage", config.study.storage]
    made = CliRunner().invoke(cli, [*ask, "-o", str(page), "--json"], catch_exceptions=False)
    document = json.loads(made.stdout)
    assert document["physics"]["events"]["generated"] == 200
    assert document["parts"][0]["items"][0]["series"][0]["trials"]
    html = page.read_text()
    assert "The best trial against Geant4</h2>" in html and "Longitudinal profile" in html
    shutil.rmtree(config.folder / "trials")
    made = CliRunner().invoke(cli, [*ask, "-o", str(page)], catch_exceptions=False)
    assert made.exit_code == 0 and "left out: the weights of trial" in made.stderr
    assert "Left out: the weights of trial" in page.read_text()
    made = CliRunner().invoke(cli, ask)
    assert isinstance(made.exception, ConfigError) and "-o PAGE.HTML" in str(made.exception)
