"""Schedules: what is in force when, longer and shorter epochs, replays, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces.errors import ConfigError, SpaceError
from search_spaces.loader import load_geometry
from workers.models.adjusting import adjust, check_schedule
from workers.models.toy import Toy
from workers.reuse import LastModel
from workers.runner import trial_events
from workers.schedule import Change, for_epochs_of, point_at, until
from workers.trial import Budget, Outcome, Progress, Resources, TrialSpec

SCHEDULE = (Change(1, {"rate": 0.9}), Change(3, {"rate": 0.1, "sharpness": 1.2}))


def scores(spec: TrialSpec, stop: int = 0, models: LastModel | None = None) -> list[float]:
    events = list(trial_events(spec, at(stop), models))
    return [e.score for e in events if isinstance(e, Progress)]


def at(epoch: int) -> Callable[[], bool]:
    asked = iter(range(1, 100))
    return lambda: next(asked) == epoch


@pytest.fixture
def spec(toy_spec: TrialSpec, tmp_path: Path) -> TrialSpec:
    """Four epochs with a change before the third, from checkpoints."""
    budget = Budget(4, 100, 100)
    return replace(
        toy_spec, budget=budget, schedule=SCHEDULE, checkpoint=str(tmp_path / "state"),
        checkpoint_seconds=0.0,
    )  # fmt: skip


def test_what_is_in_force() -> None:
    point = {"rate": 0.5, "cells": "gamma"}
    assert point_at(point, SCHEDULE, 2) == {"rate": 0.9, "cells": "gamma"}
    assert point_at(point, SCHEDULE, 3) == {"rate": 0.1, "cells": "gamma", "sharpness": 1.2}
    assert until(SCHEDULE, 2) == SCHEDULE[:1]
    assert point_at(point, (), 1) == point


def test_longer_and_shorter_epochs_have_the_changes_after_the_same_showers() -> None:
    # The second change comes after 200 showers.
    assert [c.epoch for c in for_epochs_of(SCHEDULE, 100, 50)] == [1, 5]
    assert [c.epoch for c in for_epochs_of(SCHEDULE, 100, 200)] == [1, 2]
    assert [c.epoch for c in for_epochs_of(SCHEDULE, 100, 150)] == [1, 3]
    together = (*SCHEDULE, Change(4, {"rate": 0.2}))
    assert for_epochs_of(together, 100, 1000)[1:] == (Change(2, {"rate": 0.2, "sharpness": 1.2}),)
    assert for_epochs_of(SCHEDULE, 100, 100) == SCHEDULE


def test_values_change_when_the_schedule_says(spec: TrialSpec) -> None:
    changing = scores(spec)
    constant = scores(replace(spec, schedule=SCHEDULE[:1], checkpoint=""))
    assert changing[:2] == constant[:2] and changing[2] != constant[2]


def test_a_training_goes_on_across_a_change_to_the_same_scores(
    spec: TrialSpec, tmp_path: Path
) -> None:
    whole = scores(replace(spec, checkpoint=""))
    for stop in (2, 3):
        part = replace(spec, checkpoint=str(tmp_path / str(stop)))
        assert scores(part, stop) == whole[:stop]
        assert scores(part) == whole


def test_a_state_belongs_to_every_schedule_that_led_to_it(spec: TrialSpec) -> None:
    scores(spec, stop=2)
    other = replace(spec, schedule=(SCHEDULE[0], Change(3, {"rate": 0.3})))
    events = list(trial_events(other, lambda: True))
    # The two known epochs come again, one is new: it was stopped after that.
    assert [e.epoch for e in events if isinstance(e, Progress)] == [1, 2, 3]
    earlier = replace(spec, schedule=(SCHEDULE[0], Change(2, {"rate": 0.3})))
    assert len(list(trial_events(earlier, lambda: True))) == 2


def test_the_last_model_serves_other_trainings_of_its_networks(
    spec: TrialSpec, tmp_path: Path
) -> None:
    def other(checkpoint: str, **changes: object) -> TrialSpec:
        return replace(spec, checkpoint=str(tmp_path / checkpoint), seed=8, **changes)  # type: ignore[arg-type]

    whole = scores(other("whole"))
    models = LastModel()
    scores(other("part"), 2, models)
    first = models._model
    scores(spec, 2, models)
    assert models._model is not first  # a new training begins with a model of its own
    second = models._model
    assert scores(other("part"), 0, models) == whole
    assert models._model is second
    smooth = dict(spec.point) | {"cells": "smooth"}
    scores(other("smooth", point=smooth), 2)
    scores(other("smooth", point=smooth), 0, models)
    assert models._model is not second


@pytest.mark.parametrize(
    ("schedule", "rule"),
    [
        ((Change(1, {"rate": 1}), Change(1, {"rate": 2})), "must rise"),
        ((Change(3, {"rate": 1}), Change(2, {"rate": 2})), "must rise"),
        ((Change(1, {"cells": "smooth"}),), "'cells' may not change while a model trains"),
        ((Change(1, {"rte": 1.0}),), "did you mean 'rate'"),
    ],
)
def test_what_cannot_be_followed_is_refused(schedule: tuple[Change, ...], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        check_schedule(schedule, "toy", "production.toml")
    check_schedule(SCHEDULE, "toy", "production.toml")


@pytest.mark.parametrize(("epoch", "values"), [(0, {"rate": 1.0}), (1, {})])
def test_a_change_has_an_epoch_and_values(epoch: int, values: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="epoch >= 1 and values"):
        Change(epoch, values)


def test_a_model_refuses_what_it_cannot_change() -> None:
    model = Toy().build("default", {}, load_geometry("clic-12x12x12"), 1, Resources())
    with pytest.raises(SpaceError, match="'cells'"):
        model.adjust({"cells": "smooth"})
    with pytest.raises(ConfigError, match="leave the schedule out"):
        adjust(object(), {}, SCHEDULE, 1)  # type: ignore[arg-type]


def test_a_specification_survives_json(spec: TrialSpec) -> None:
    again = TrialSpec.from_json(spec.to_json())
    assert again == replace(spec, schedule=again.schedule)
    assert [(c.epoch, dict(c.values)) for c in again.schedule] == [
        (c.epoch, dict(c.values)) for c in SCHEDULE
    ]
    assert list(trial_events(spec, lambda: True))[-1].outcome is Outcome.STOPPED  # type: ignore[union-attr]
