"""What a run leaves for the dashboard. On the toy model, SQLite and Geant4 showers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Monitor, Quiet
from metaopt.preflight import prepare
from metaopt.stopping import Ending
from metaopt.store.database import StudyStore
from workers.executors.inline import InlineExecutor
from workers.plotted import FILE
from workers.trial import Progress

from ...conftest import SAMPLE
from ...optuna_store import opened

Make = Callable[..., StudyConfig]


class Removing(Quiet):
    """Removes the showers once the first trial has read them."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def progressed(self, number: int, progress: Progress) -> None:
        del number, progress
        self.file.unlink(missing_ok=True)


def run(config: StudyConfig, monitor: Monitor | None = None) -> tuple[Ending, dict[str, Any]]:
    """How a run ended, and the study's attributes for the dashboard."""
    plan = prepare(config)
    study = StudyStore(config.study.storage, create=True).create(config.name, plan.document)
    ending = Controller(plan, study, InlineExecutor(), monitor or Quiet()).run()
    with opened(config.study.storage) as storage:
        kept = optuna.load_study(study_name=config.name, storage=storage)
        attributes = storage.get_study_system_attrs(kept._study_id)
    return ending, {k.removeprefix("dashboard:"): v for k, v in attributes.items()}


def pictures(config: StudyConfig) -> list[Path]:
    return sorted((Path(config.study.results) / "artifacts").glob("*"))


def test_a_study_its_trials_and_its_gain_are_shown(toy_config: Make) -> None:
    config = toy_config(study__plots=True, search__trials=3)
    _, shown = run(config)
    assert "clic-12x12x12" in shown["note_str:0"] and "metaopt export toy" in shown["note_str:0"]
    assert "others are compared with" in shown["1:note_str:0"]
    assert "trial 0, has" in shown["2:note_str:0"] and "sigma" in shown["2:note_str:0"]
    assert "plot_data:S-by-compute:0" in shown
    complete = [k for k in shown if k.endswith("note_str:0") and "Weights" in str(shown[k])]
    found = pictures(config)
    assert len(found) == len(complete) and found[0].read_text().startswith("<svg")
    assert all(any(p.name in str(shown[k]) for p in found) for k in complete)
    assert not list(Path(config.study.results).rglob(FILE))


def test_showers_that_are_gone_cost_the_picture_and_no_trial(
    toy_config: Make, tmp_path: Path
) -> None:
    file = Path(shutil.copy(SAMPLE, tmp_path / "showers.h5"))
    given = {"data__files": [str(file)], "data__geometry": "clic-12x12x12"}
    config = toy_config(study__plots=True, search__trials=1, **given)
    ending, shown = run(config, Removing(file))
    assert ending is Ending.TRIALS and not file.exists() and not pictures(config)
    assert "others are compared with" in shown["1:note_str:0"]


def test_later_trials_have_a_note_if_they_are_the_best_so_far(
    toy_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metaopt.showcase.NOTED", 1)
    config = toy_config(search__trials=4, study__plots=False)
    _, shown = run(config)
    assert "Furthest from Geant4" in shown["1:note_str:0"] and not pictures(config)
    best, expected = float("inf"), []
    for trial in StudyStore(config.study.storage).study("toy").trials():
        score = trial.score if trial.complete and trial.score is not None else float("inf")
        if trial.number < 1 or score < best:
            expected.append(trial.number + 1)
        best = min(best, score)
    assert [n for n in range(1, 5) if f"{n}:note_ver" in shown] == expected
