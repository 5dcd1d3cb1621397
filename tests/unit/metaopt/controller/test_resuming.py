"""The loop from beginning to end, interrupted and taken up again."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.stopping import Ending
from metaopt.store.database import StudyStore
from metaopt.store.standings import published_of
from metaopt.store.study import StoredStudy
from search_spaces.errors import StoreError
from workers.executors.inline import InlineExecutor
from workers.trial import Outcome, TrialEvent, TrialResult, TrialSpec

from .scripted import After, Make, Scripted, curve, run


def test_a_study_runs_to_its_end_and_begins_with_the_published_configuration(
    toy_config: Make,
) -> None:
    ending, study = run(toy_config())
    trials = study.trials()
    assert ending is Ending.TRIALS and len(trials) == 6
    published = published_of(trials)
    assert published is not None and published.best.number == 0
    assert published.best.point == {
        "rate": 0.1, "fluctuation": 2.0, "sharpness": 0.7, "cells": "smooth",
    }  # fmt: skip
    assert {t.state for t in trials} <= {"complete", "fail"}


def proposals(study: StoredStudy) -> list[tuple[int | None, Any]]:
    return sorted(((t.proposal, t.point) for t in study.trials() if t.complete), key=str)


@pytest.mark.parametrize("strategy", ["random", "genetic", "bayesian"])
def test_the_same_seed_gives_the_same_study_also_when_interrupted(
    toy_config: Make, strategy: str
) -> None:
    whole = toy_config(study__name="whole", search__strategy=strategy, search__trials=10)
    _, undisturbed = run(whole)
    parts = toy_config(study__name="parts", search__strategy=strategy, search__trials=10)
    for stop_after in (2, 1, 4):
        ending, _ = run(parts, stop_after)
        assert ending is Ending.INTERRUPTED
    ending, resumed = run(parts)
    assert ending is Ending.TRIALS
    assert proposals(resumed) == proposals(undisturbed)
    other = toy_config(study__name="other", study__seed=2, search__strategy="random")
    assert proposals(run(other)[1]) != proposals(undisturbed)[:6]


def test_a_trial_interrupted_in_the_middle_is_repeated_under_its_proposal(
    toy_config: Make,
) -> None:
    config = toy_config()
    plan = prepare(config)
    study = StudyStore(config.study.storage, create=True).create("toy", plan.document)
    killed = study.start(plan.space, plan.space.baselines[0].point, 0, {})
    _, study = run(config)
    trials = study.trials()
    assert trials[killed].outcome == "interrupted"
    assert trials[1].retry_of == killed and trials[1].proposal == 0 and trials[1].complete
    assert sorted(t.proposal for t in trials if t.complete or t.outcome == "failed") == [
        0, 1, 2, 3, 4, 5,
    ]  # fmt: skip


def test_more_trials_continue_a_finished_study(toy_config: Make) -> None:
    run(toy_config(search__trials=3))
    _, study = run(toy_config(search__trials=5))
    assert len(study.trials()) == 5


def test_stopping_at_once_is_an_interruption_and_no_lost_worker(toy_config: Make) -> None:
    def kill(done: int) -> None:
        if done == 2:
            controller.stop()
            controller.stop()

    class Two(Scripted):
        """Two trials at a time; the second of a pair never ends by itself."""

        slots = 2

        def submit(self, spec: TrialSpec) -> None:
            if spec.number != 2:
                self.queue += [(spec.number, e) for e in self.script(spec)]

        def kill(self, number: int) -> None:
            self.queue = [(number, TrialResult(Outcome.LOST, reason="killed"))]

    config = toy_config()
    plan = prepare(config)
    study = StudyStore(config.study.storage, create=True).create("toy", plan.document)
    executor = Two(lambda spec: curve(spec.number, 1.0, 1))
    controller = Controller(plan, study, executor, After(kill))
    assert controller.run() is Ending.INTERRUPTED
    killed = study.trials()[-1]
    assert killed.outcome == "interrupted" and killed.attempt == 1 and killed.repeatable


class Held(Scripted):
    """Trials that never end by themselves; once all run, the user presses Ctrl-C twice."""

    def __init__(self, script: Any, slots: int) -> None:
        super().__init__(script)
        self.slots = slots
        self.stop_at_once: Any = None

    def submit(self, spec: TrialSpec) -> None:
        self.queue += [(spec.number, event) for event in self.script(spec)]

    def events(self, timeout: float) -> list[tuple[int, Any]]:
        if self.queue:
            return [self.queue.pop(0)]
        self.stop_at_once()
        return []

    def stop(self, number: int) -> None: ...

    def kill(self, number: int) -> None:
        self.queue.append((number, TrialResult(Outcome.LOST, reason="killed")))


def killed_by_the_user(config: StudyConfig, executor: Held) -> StoredStudy:
    plan = prepare(config)
    study = StudyStore(config.study.storage, create=True).create("toy", plan.document)
    controller = Controller(plan, study, executor, Quiet())

    def twice() -> None:
        controller.stop()
        controller.stop()

    executor.stop_at_once = twice
    assert controller.run() is Ending.INTERRUPTED
    return study


def test_many_trials_stopped_at_once_are_no_lost_workers(toy_config: Make) -> None:
    executor = Held(lambda spec: [], slots=8)
    study = killed_by_the_user(toy_config(search__trials=20), executor)
    assert [t.outcome for t in study.trials()] == ["interrupted"] * 8


def test_a_trial_killed_before_it_stopped_at_its_rung_is_repeated(toy_config: Make) -> None:
    def script(spec: TrialSpec) -> list[TrialEvent]:
        whole = curve(spec.number, 1.0 + spec.number, 6)
        return whole[:1] if spec.number == 2 else whole

    options = {"rank_by": "score"}
    config = toy_config(search__pruning="halving", search__pruning_options=options, trial__epochs=6)
    study = killed_by_the_user(config, Held(script, slots=1))
    killed = study.trials()[-1]
    assert (killed.number, killed.outcome) == (2, "interrupted")
    _, study = run(config)
    again = next(t for t in study.trials() if t.retry_of == 2)
    assert again.proposal == 2 and again.score is not None


def test_a_trial_that_waits_in_the_store_is_left_alone(toy_config: Make) -> None:
    config = toy_config()
    run(toy_config(search__trials=2))
    optuna.load_study(study_name="toy", storage=config.study.storage).enqueue_trial({"rate": 0.5})
    ending, study = run(config)
    assert ending is Ending.TRIALS
    assert [t.state for t in study.trials()].count("waiting") == 1


def test_a_second_controller_is_refused(toy_config: Make) -> None:
    config = toy_config()
    refused: list[str] = []

    def second(done: int) -> None:
        if done == 1:
            try:
                run(config)
            except StoreError as failure:
                refused.append(str(failure))

    plan = prepare(config)
    study = StudyStore(config.study.storage, create=True).create("toy", plan.document)
    Controller(plan, study, InlineExecutor(), After(second)).run()
    assert len(refused) == 1 and "is being run by process" in refused[0]
    assert len(study.trials()) == 6
