"""What is shown of a study in the store, without anything that runs it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from metaopt.cli.main import cli
from metaopt.cli.watch_view import WatchView
from metaopt.config import StudyConfig
from metaopt.errors import ConfigError, StoreError
from metaopt.sitting import SittingRecord
from metaopt.store.database import StudyStore
from metaopt.store.sitting import Sitting
from metaopt.store.study import StoredStudy
from search_spaces.loader import load_space
from workers.trial import Outcome, Progress, TrialResult

POINT = {"rate": 0.5, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}
SPACE = load_space("toy")
DOCUMENT = {
    "strategy": "random",
    "space": {"name": "toy"},
    "geometry": {"name": "clic"},
    "budget": {"epochs": 3},
}

Open = Callable[[str], StudyStore]


@pytest.fixture
def study(tmp_path: Path, open_store: Open) -> StoredStudy:
    """A study that is run since 100 s, with a complete trial of 50 s, and another at work."""
    study = open_store(f"sqlite:///{tmp_path}/s.db").create("s", DOCUMENT)
    study.hold()
    study.record_sitting(Sitting("genetic", 4, 1, time.time() - 100))
    study.start(SPACE, POINT, 0, {})
    study.finish(0, TrialResult(Outcome.COMPLETE, 1.25, 0.02, epochs=3, seconds=50.0))
    study.start(SPACE, POINT, 1, {})
    return study


def test_each_change_is_one_line(study: StoredStudy, capsys: pytest.CaptureFixture[str]) -> None:
    def lines() -> list[str]:
        view.look()
        return [line.partition("  ")[2] for line in capsys.readouterr().out.splitlines()]

    view = WatchView(study)
    best = "best S 1.250 ± 0.020 (trial 0)"
    assert lines() == [
        "s: genetic search of toy on clic, 1 worker", f"1/4 trials, {best}", "trial 1 started",
    ]  # fmt: skip
    assert lines() == []
    study.report(1, Progress(1, 1.5, {}, {}, 1.0, 100))
    assert lines() == ["trial 1 epoch 1/3 S 1.500"]
    ended = study.finish(1, TrialResult(Outcome.LOST, reason="a worker died"))
    study.start(SPACE, POINT, 1, {}, ended, attempt=2)
    assert lines() == [
        f"trial 1 lost S –: a worker died [1/4 trials, {best}]",
        "trial 2 started (repeats trial 1)",
    ]  # fmt: skip
    study.finish(2, TrialResult(Outcome.STOPPED, 1.6, 0.1, epochs=1), pruned=True)
    study.start(SPACE, POINT, 1, {}, study.trials()[2])
    study.start(SPACE, POINT, 0, {"confirms": "0"}, seed=7)
    assert lines() == [
        f"trial 2 pruned S 1.600 ± 0.100 [2/4 trials, 1 pruned, {best}]",
        "trial 3 started (resumes trial 2)", "trial 4 started (confirms trial 0)",
    ]  # fmt: skip
    study.finish(4, TrialResult(Outcome.COMPLETE, 1.45, 0.02, epochs=3))
    best = "best S 1.350 ± 0.100 (trial 0, 2 seeds)"
    assert lines() == [f"trial 4 complete S 1.450 ± 0.020 [3/4 trials, 1 pruned, {best}]"]
    # Nothing displaces a confirmed configuration but another one.
    study.finish(3, TrialResult(Outcome.COMPLETE, 1.2, 0.02, epochs=3))
    assert lines() == [f"trial 3 complete S 1.200 ± 0.020 [3/4 trials, {best}]"]


def test_the_time_left_follows_the_complete_trials(study: StoredStudy) -> None:
    view = WatchView(study, silent=True)
    view.look()
    state = view.state()
    assert state["running"] and 100 <= state["elapsed"] < 130
    # Two trials of 50 s to come, and what is left of the running one, on one worker.
    assert 100 < state["left"] <= 150 and (state["done"], state["trials"]) == (1, 4)
    assert state["running_trials"] == [{"trial": 1, "epoch": 0, "S": None}]


@pytest.fixture(params=["America/New_York", "Asia/Tokyo"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process lives in another time zone than the store."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_times_are_those_of_any_time_zone(
    study: StoredStudy, toy_config: Callable[..., StudyConfig]
) -> None:
    record = SittingRecord(toy_config(), study, 1)
    record.tick(None)
    told = study.finish(1, TrialResult(Outcome.COMPLETE, 1.5, 0.02, epochs=3, seconds=1.0))
    read = study.trials()[1]
    assert (told.started, told.finished) == (read.started, read.finished)
    assert told.finished and abs(time.time() - told.finished.timestamp()) < 30
    study.start(SPACE, POINT, 2, {})
    view = WatchView(study, silent=True)
    view.look()
    # Four trials of 25.5 s: the running one began a moment ago.
    assert 70 < view.state()["left"] <= 102
    record.ended("interrupted")
    study.release()
    view.look()
    assert view.over and view.state()["elapsed"] < 30


def test_an_absent_store_is_waited_for(
    study: StoredStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    view = WatchView(study)
    view.look()
    capsys.readouterr()
    for _ in range(3):
        view.lost("nobody answers")
    view.look()
    said = capsys.readouterr().out
    assert said.count("nobody answers; waiting for it") == 1 and said.count("answers again") == 1


def test_the_end_and_its_reason(study: StoredStudy) -> None:
    view = WatchView(study, silent=True)
    view.look()
    assert not view.over
    study.release()
    view.look()
    assert view.over and not view.explained  # not yet
    study.record_sitting(Sitting("genetic", 4, 1, time.time() - 100, ending="interrupted"))
    view.look()
    assert view.over and view.explained
    best = "best S 1.250 ± 0.020 (trial 0)"
    assert view.conclusion() == f"study 's' has ended: interrupted; {best}"


def test_once_and_json_print_the_state(study: StoredStudy, tmp_path: Path) -> None:
    ask = ["watch", "s", "--storage", f"sqlite:///{tmp_path}/s.db"]
    shown = CliRunner().invoke(cli, [*ask, "--once"], catch_exceptions=False)
    assert shown.exit_code == 0 and "1.250 ± 0.020" in shown.stdout and "0/3" in shown.stdout
    state = json.loads(CliRunner().invoke(cli, [*ask, "--json"]).stdout)
    assert state["best"] == {"trial": 0, "S": 1.25, "error": 0.02}


def test_what_cannot_be_watched(tmp_path: Path, open_store: Open) -> None:
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    store.create("s", {})
    ask = ["--storage", f"sqlite:///{tmp_path}/s.db"]
    absent = CliRunner().invoke(cli, ["watch", "t", *ask]).exception
    assert isinstance(absent, StoreError) and "no study 't'" in str(absent)
    empty = CliRunner().invoke(cli, ["watch", "s", *ask]).exception
    assert isinstance(empty, ConfigError) and "not made by metaopt" in str(empty)
