"""The schedule of a winning line, exported and replayed by ``metaopt train``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner, Result

import metaopt
from metaopt.cli.main import cli
from metaopt.errors import ConfigError
from metaopt.export import load_production, verify
from search_spaces.records import encode
from workers.runner import trial_events
from workers.schedule import Change
from workers.trial import Budget, Progress, TrialSpec

SAMPLE = Path(metaopt.__file__).parent / "sample" / "clic-12x12x12.h5"
SCHEDULE = (Change(1, {"rate": 0.3}), Change(2, {"rate": 0.9}), Change(4, {"rate": 0.1}))


@pytest.fixture
def winner(toy_spec: TrialSpec, tmp_path: Path) -> tuple[Path, float]:
    """An export of a training with changing values, and its S after the last epoch."""
    # As many as there are: a trial reads no more showers than it uses, in an order of its own.
    spec = replace(
        toy_spec, schedule=SCHEDULE, budget=Budget(4, 300, 100), folder=str(tmp_path / "model")
    )
    last = [e for e in trial_events(spec, lambda: False) if isinstance(e, Progress)][-1]
    model = {"family": "toy", "preset": "default", "parameters": {**spec.point, "rate": 0.1}}
    tables: dict[str, Any] = {
        "model": {**model, "schedule": encode(SCHEDULE)},
        "geometry": encode(spec.geometry),
        "data": {"split": list(spec.data.split), "by": "event"},
        "budget": {"epochs": 4, "showers": 300, "evaluation_showers": 100},
        "score": {"S": last.score},
        "provenance": {"training_seed": spec.seed, "epochs": 4},
    }
    (tmp_path / "model" / "production.toml").write_text(tomli_w.dumps(tables))
    return tmp_path / "model", last.score


def train(model: Path, *arguments: str) -> Result:
    usual = ("--data", str(SAMPLE), "--no-tensorboard", "--evaluation-showers", "100")
    return CliRunner().invoke(cli, ["train", str(model), *usual, *arguments])


def scores(out: Path) -> list[float]:
    lines = (out / "training.jsonl").read_text().splitlines()
    return [json.loads(line)["score"] for line in lines]


def test_a_replayed_schedule_reaches_the_winners_score(
    winner: tuple[Path, float], tmp_path: Path
) -> None:
    model, score = winner
    done = train(model, "--epochs", "4", "--showers-per-epoch", "300")
    assert done.exit_code == 0, done.output
    out = tmp_path / "model-trained"
    assert scores(out)[-1] == score
    assert verify(out) == 0
    made, best = load_production(out).model, scores(out).index(min(scores(out))) + 1
    assert [c.epoch for c in made.schedule] == [c.epoch for c in SCHEDULE if c.epoch <= best]


def test_a_schedule_that_was_edited_is_refused(winner: tuple[Path, float]) -> None:
    file = winner[0] / "production.toml"
    whole = file.read_text()
    for old, new, rule in (
        ("epoch = 4", "epoch = 1", "must rise"),
        ("epoch = 4", "epoch = 0", "epoch >= 1"),
        ("rate = 0.9", 'cells = "smooth"', "may not change"),
    ):
        file.write_text(whole.replace(old, new))
        done = train(winner[0], "--epochs", "1")
        assert isinstance(done.exception, ConfigError) and rule in str(done.exception)
