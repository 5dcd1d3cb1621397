"""One trial: events, budgets, failures, saved models. On the toy model and Geant4 showers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import h5py
import numpy as np
import pytest

from objectives.showers import Conditions
from search_spaces.errors import DataError
from workers.data.splits import part_events
from workers.executors.inline import InlineExecutor
from workers.models.registry import make_family
from workers.models.toy import Toy, ToyModel
from workers.runner import epoch_indices, trial_events
from workers.saved import CHECK_DRAW
from workers.trial import Outcome, Progress, Resources, TrialResult, TrialSpec


def test_one_progress_per_epoch_then_a_result(toy_spec: TrialSpec) -> None:
    *epochs, result = list(trial_events(toy_spec, lambda: False))
    assert [cast("Progress", e).epoch for e in epochs] == [1, 2]
    assert isinstance(result, TrialResult) and result.outcome is Outcome.COMPLETE
    assert result.showers == 200 and result.score is not None and 0 < result.score < 2.8
    assert set(result.groups) >= {"energy", "longitudinal", "transverse", "cells", "dup"}
    # The least so far, from the first epoch on: pruning asks for it.
    first, last = (cast("Progress", e).ms_per_shower for e in epochs)
    assert first and last and 0 < last <= first and result.metrics["ms_per_shower"] == last


def test_equal_specs_give_equal_trials(toy_spec: TrialSpec) -> None:
    first, second = ([*trial_events(toy_spec, lambda: False)][-1] for _ in range(2))
    assert cast("TrialResult", first).score == cast("TrialResult", second).score


def test_better_parameters_score_better(toy_spec: TrialSpec) -> None:
    bad = replace(toy_spec, point={**toy_spec.point, "sharpness": 0.3, "cells": "smooth"})
    scores = [
        cast("TrialResult", [*trial_events(s, lambda: False)][-1]).score for s in (toy_spec, bad)
    ]
    assert scores[0] is not None and scores[1] is not None and scores[0] < scores[1] - 0.1


def test_a_stop_ends_after_the_epoch(toy_spec: TrialSpec) -> None:
    progress, result = list(trial_events(toy_spec, lambda: True))
    assert isinstance(progress, Progress) and isinstance(result, TrialResult)
    assert result.outcome is Outcome.STOPPED
    assert result.metrics["ms_per_shower"] == progress.ms_per_shower


def test_divergence_is_the_configurations_own_failure(toy_spec: TrialSpec) -> None:
    diverging = replace(toy_spec, point={**toy_spec.point, "rate": 2.5})
    (result,) = trial_events(diverging, lambda: False)
    assert isinstance(result, TrialResult) and result.outcome is Outcome.FAILED
    assert result.score == 2.8 and "overshoots" in result.reason


class Told(Toy):
    """A family of one's own, whose models say what the test wants."""

    says: ClassVar[dict[str, Any]] = {}

    def build(self, *asked: Any) -> ToyModel:
        model = super().build(*asked)
        model.metrics = lambda: self.says  # type: ignore[method-assign]
        return model


def test_own_numbers_are_plain_and_finite(
    toy_spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = replace(toy_spec, family=f"{__name__}:Told")
    given = {"narrow": np.float32(1.5), "whole": np.int64(3), "none": np.nan, "endless": np.inf}
    monkeypatch.setattr(Told, "says", given)
    result = cast("TrialResult", [*trial_events(told, lambda: False)][-1])
    assert json.loads(json.dumps(result.to_json()))["metrics"].items() >= {
        ("narrow", 1.5),
        ("whole", 3.0),
    }
    assert not {"none", "endless"} & set(result.metrics)  # an export could not be read
    for wrong in (np.arange(3.0), "good", None):
        monkeypatch.setattr(Told, "says", {"mine": wrong})
        with pytest.raises(DataError, match="metric 'mine' of the model must be a number, got"):
            list(trial_events(told, lambda: False))


def test_a_saved_model_gives_the_same_showers(toy_spec: TrialSpec) -> None:
    list(trial_events(toy_spec, lambda: False))
    folder = Path(toy_spec.folder)
    model = make_family("toy").load(
        folder, "default", toy_spec.point, toy_spec.geometry, Resources()
    )
    with np.load(folder / "check.npz", allow_pickle=False) as check:
        again = model.generate(Conditions.of(check["energy"], check["theta"]), CHECK_DRAW)
        np.testing.assert_array_equal(again, check["cells"])
    assert TrialSpec.from_json(toy_spec.to_json()) == toy_spec


def test_every_event_is_used_once_before_any_is_used_twice() -> None:
    windows = [epoch_indices(100, 30, epoch, seed=3) for epoch in range(1, 11)]
    counts = np.bincount(np.concatenate(windows), minlength=100)
    assert (counts == 3).all()
    assert (np.bincount(np.concatenate(windows[:3]), minlength=100) <= 1).all()


def test_a_lost_worker_is_not_the_configurations_failure(toy_spec: TrialSpec) -> None:
    executor = InlineExecutor()
    executor.submit(replace(toy_spec, family="nowhere.models:Family"))
    ((number, event),) = executor.events(0)
    assert number == 0 and isinstance(event, TrialResult)
    assert event.outcome is Outcome.LOST and "nowhere.models" in event.reason


def test_test_showers_that_cannot_be_judged_are_unreadable_and_not_lost(
    toy_spec: TrialSpec, tmp_path: Path
) -> None:
    """A lost trial is tried again, as if another worker could read them."""
    (source,) = toy_spec.data.files
    changed = replace(toy_spec.data, files=(str(tmp_path / "changed.h5"),))
    shutil.copy(source, changed.files[0])
    with h5py.File(changed.files[0], "r+") as file:
        n = len(file["ECAL"])
        file["ECAL"][part_events((n,), changed, "test")[5]] = 0.0
    spec = replace(toy_spec, data=changed, test_reference=str(tmp_path / "test.npz"))
    (result,) = trial_events(spec, lambda: False)
    assert isinstance(result, TrialResult) and result.outcome is Outcome.UNREADABLE
    assert "every test shower must" in result.reason
