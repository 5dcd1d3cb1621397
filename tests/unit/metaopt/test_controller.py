"""The loop: resume, retries, pruning, budgets. On the toy model, SQLite and Geant4 showers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import check_same_study, prepare
from metaopt.stopping import Ending
from metaopt.store.database import StudyStore
from metaopt.store.study import StoredStudy
from metaopt.store.standings import published_of
from metaopt.store.views import TrialView
from search_spaces.errors import ConfigError, ExecutorError, StoreError
from workers.executors.inline import InlineExecutor
from workers.trial import Outcome, Progress, TrialEvent, TrialResult, TrialSpec

Make = Callable[..., StudyConfig]


class After(Quiet):
    """Calls ``act`` with the number of finished trials."""

    def __init__(self, act: Callable[[int], None]) -> None:
        self.act, self.done = act, 0

    def finished(self, trial: TrialView) -> None:
        self.done += 1
        self.act(self.done)


def run(
    config: StudyConfig, stop_after: int = 0, executor: Any = None
) -> tuple[Ending, StoredStudy]:
    plan = prepare(config)
    store = StudyStore(config.study.storage, create=True)
    known = config.name in store.names()
    study = store.study(config.name) if known else store.create(config.name, plan.document)

    def act(done: int) -> None:
        if done == stop_after:
            controller.stop()

    controller = Controller(plan, study, executor or InlineExecutor(), After(act))
    return controller.run(), study


def proposals(study: StoredStudy) -> list[tuple[int | None, Any]]:
    return sorted(((t.proposal, t.point) for t in study.trials() if t.complete), key=str)


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


class Scripted:
    """An executor whose trials end as the script says, by proposal order."""

    slots = 1

    def __init__(self, script: Callable[[TrialSpec], list[TrialEvent]]) -> None:
        self.script = script
        self.queue: list[tuple[int, TrialEvent]] = []
        self.stopped: set[int] = set()

    def submit(self, spec: TrialSpec) -> None:
        self.queue = [(spec.number, e) for e in self.script(spec)]

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        number, event = self.queue.pop(0)
        if number in self.stopped and isinstance(event, Progress):
            self.queue.clear()
            return [(number, TrialResult(Outcome.STOPPED, event.score, epochs=event.epoch))]
        return [(number, event)]

    def stop(self, number: int) -> None:
        self.stopped.add(number)

    def kill(self, number: int) -> None: ...

    def close(self) -> None: ...


def curve(number: int, score: float, epochs: int) -> list[TrialEvent]:
    steps: list[TrialEvent] = [
        Progress(e, score + 1 / e, {}, {}, 1.0 * e, 10 * e) for e in range(1, epochs + 1)
    ]
    return [*steps, TrialResult(Outcome.COMPLETE, score, epochs=epochs)]


def test_bad_trials_are_pruned_and_keep_their_last_score(toy_config: Make) -> None:
    config = toy_config(search__pruning="halving", trial__epochs=6, search__trials=12)
    executor = Scripted(lambda spec: curve(spec.number, 0.5 + 0.1 * spec.number, 6))
    _, study = run(config, executor=executor)
    states = [t.state for t in study.trials()]
    assert states[0] == "complete" and states.count("pruned") >= 6
    pruned = [t for t in study.trials() if t.state == "pruned"]
    assert all(t.score is not None and t.epochs < 6 for t in pruned)


def test_a_lost_worker_costs_an_attempt_and_no_trial(toy_config: Make) -> None:
    lost: list[TrialEvent] = [TrialResult(Outcome.LOST, reason="SIGKILL")]
    executor = Scripted(lambda spec: lost if spec.number % 2 == 0 else curve(spec.number, 1.0, 2))
    _, study = run(toy_config(search__trials=4), executor=executor)
    trials = study.trials()
    assert [t.attempt for t in trials if t.complete] == [2, 2, 2, 2]
    assert [t.retry_of for t in trials if t.complete] == [0, 2, 4, 6]


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


def test_workers_lost_one_after_another_end_the_run(toy_config: Make) -> None:
    lost: list[TrialEvent] = [TrialResult(Outcome.LOST, reason="no such device")]
    with pytest.raises(ExecutorError, match=r"6 workers were lost.*no such device"):
        run(toy_config(search__trials=20), executor=Scripted(lambda spec: lost))


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


def test_a_time_budget_ends_the_run_and_leaves_the_rest_for_later(toy_config: Make) -> None:
    config = toy_config(search__time_budget="2s", search__trials=100_000)
    timer = threading.Timer(60, lambda: pytest.fail("the time budget was not kept"))
    timer.start()
    ending, study = run(config)
    timer.cancel()
    assert ending is Ending.TIME
    assert 0 < len(study.trials()) < 100_000


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"study__seed": 2}, "seed"),
        ({"trial__epochs": 3}, "budget"),
        ({"data__split": [0.5, 0.25, 0.25]}, "split"),
        ({"search__space": "quick"}, "space"),
    ],
)
def test_a_study_keeps_what_makes_its_scores_comparable(
    toy_config: Make, change: dict[str, Any], what: str
) -> None:
    document = prepare(toy_config()).document
    check_same_study(document, prepare(toy_config()))
    with pytest.raises(ConfigError, match=f"begun with another {what}"):
        check_same_study(document, prepare(toy_config(**change)))
