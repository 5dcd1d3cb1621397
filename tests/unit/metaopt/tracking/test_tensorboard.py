"""A real study's log, as TensorBoard reads it; a study that goes on writes no trial twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaopt.cli.session import run_study
from metaopt.config import StudyConfig
from metaopt.store.database import StudyStore

pytest.importorskip("tensorboard", reason="pip install '.[test]' for TensorBoard's reader")


def log_of(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder)).Reload()


def curve(log: Any, tag: str) -> list[tuple[int, float]]:
    return [(point.step, pytest.approx(point.value, abs=1e-5)) for point in log.Scalars(tag)]


def hyperparameters(log: Any, tag: str) -> Any:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = log.SummaryMetadata(f"_hparams_/{tag}").plugin_data.content
    return getattr(HParamsPluginData.FromString(content), tag)


def test_every_trial_has_its_curves_and_its_parameters(
    toy_config: Callable[..., StudyConfig],
) -> None:
    config = toy_config(search__trials=2, study__log=["tensorboard"])
    assert run_study(config) == 0
    folder = config.folder / "tensorboard"
    study = StudyStore(config.study.storage).study("toy")
    for trial in study.trials():
        log = log_of(folder / f"trial-{trial.number:04d}")
        assert curve(log, "score/S") == list(trial.rungs)
        assert curve(log, "final/S") == [(trial.epochs, trial.score)]
        assert curve(log, "final/energy") == [(trial.epochs, trial.groups["energy"])]
        first, last = study.epochs(trial.number)
        (name,) = first["losses"]
        assert curve(log, f"losses/{name}") == [
            (1, first["losses"][name]),
            (2, last["losses"][name]),
        ]
        start = hyperparameters(log, "session_start_info")
        given = {
            key: value.string_value or value.number_value for key, value in start.hparams.items()
        }
        assert given == pytest.approx(trial.point) and start.group_name == f"trial {trial.number}"
        assert hyperparameters(log, "session_end_info").status == 1  # success
    experiment = hyperparameters(log_of(folder), "experiment")
    assert {p.name for p in experiment.hparam_infos} == set(trial.point)

    # Trial 0 was not followed, and the study goes on: it is added, trial 1 stays as it is.
    shutil.rmtree(folder / "trial-0000")
    before = {f: f.stat().st_mtime_ns for f in folder.rglob("trial-0001/*")}
    assert run_study(toy_config(search__trials=3, study__log=["tensorboard"])) == 0
    assert {f: f.stat().st_mtime_ns for f in folder.rglob("trial-0001/*")} == before
    assert curve(log_of(folder / "trial-0000"), "score/S") == list(study.trials()[0].rungs)
    assert (folder / "trial-0002").is_dir()
