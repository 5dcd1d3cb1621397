"""A real study in a real MLflow database, by its own client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaopt.cli.session import run_study
from metaopt.config import StudyConfig
from metaopt.errors import ConfigError
from metaopt.store.database import StudyStore
from metaopt.tracking.registry import check_trackers
from search_spaces.loader import load_space


def test_a_place_is_needed(
    toy_config: Callable[..., StudyConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ConfigError, match="needs a tracking server"):
        check_trackers(toy_config(study__log=["mlflow"]).study)


def runs(client: Any) -> tuple[list[Any], dict[int, Any]]:
    experiment = client.get_experiment_by_name("metaopt").experiment_id
    found = client.search_runs([experiment])
    parents = [r for r in found if "metaopt.trial" not in r.data.tags]
    trials = {int(r.data.tags["metaopt.trial"]): r for r in found if r not in parents}
    assert len(parents) + len(trials) == len(found)
    return parents, trials


@pytest.mark.filterwarnings("default")  # MLflow's tables use what SQLAlchemy deprecates
def test_a_run_per_trial_in_one_of_the_study_and_none_twice(
    toy_config: Callable[..., StudyConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="pip install '.[mlflow]'")
    place = f"sqlite:///{tmp_path}/mlflow.db"
    logged = {"study__log": ["mlflow"], "study__tracking_uri": place}
    assert run_study(toy_config(search__trials=2, **logged)) == 0
    # A server that is away: the study ends as it would, and the next run adds the trial.
    away = logged | {"study__tracking_uri": "http://me:secret@127.0.0.1:9"}
    assert run_study(toy_config(search__trials=3, **away)) == 0
    said = capsys.readouterr().err
    assert said.count("http://127.0.0.1:9 cannot be reached") == 1 and "secret" not in said
    # A controller that was killed: its trial is repeated under another number.
    config = toy_config(search__trials=4, **logged)
    study = StudyStore(config.study.storage).study("toy")
    study.start(load_space("toy"), study.trials()[0].point, 3, {})
    assert run_study(config) == 0

    client = mlflow.MlflowClient(tracking_uri=place)
    (parent,), trials = runs(client)
    *complete, killed, repeated = study.trials()
    assert sorted(trials) == [0, 1, 2, 3, 4] and parent.info.status == "FINISHED"
    assert trials[killed.number].info.status == "KILLED"
    stored = [*complete, repeated]
    assert parent.data.metrics["best S"] == min(t.score or 9 for t in stored)
    for trial in stored:
        run = trials[trial.number]
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == "FINISHED" and run.data.tags["metaopt.state"] == "complete"
        history = client.get_metric_history(run.info.run_id, "score/S")
        assert sorted((m.step, m.value) for m in history) == list(trial.rungs)
        assert run.data.params == {k: str(v) for k, v in trial.point.items()}
        assert run.data.metrics["final/S"] == trial.score
