"""The loop: resume, retries, pruning, budgets. On the toy model, SQLite and Geant4 showers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import check_same_study, prepare
from metaopt.record import Record
from metaopt.stopping import Ending, SearchEnd
from metaopt.store.database import StudyStore
from metaopt.store.standings import published_of, standings
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
from search_spaces.errors import ConfigError, ExecutorError, StoreError, TrialFailedError
from search_spaces.parameters import Categorical
from search_spaces.space import SearchSpace
from workers.executors.inline import InlineExecutor
from workers.trial import NEVER_BEGAN, Outcome, Progress, TrialEvent, TrialResult, TrialSpec

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


def score_of(spec: TrialSpec) -> float:
    """A score that depends on the configuration and, a little, on the seed."""
    return float(1.0 + abs(float(spec.point["rate"]) - 0.5) + 1e-4 * (spec.seed % 100))


def test_the_best_and_the_published_configuration_are_confirmed_with_fresh_seeds(
    toy_config: Make,
) -> None:
    seen: list[TrialSpec] = []

    def script(spec: TrialSpec) -> list[TrialEvent]:
        seen.append(spec)
        return curve(spec.number, score_of(spec), 2)

    config = toy_config(search__trials=16, search__confirm=1, search__confirm_seeds=2)
    ending, study = run(config, executor=Scripted(script))
    trials = study.trials()
    searched, confirming = trials[:12], trials[12:]
    assert ending is Ending.TRIALS and len(trials) == 16
    assert all(t.seed == 0 and t.observation for t in searched)
    best = min(searched, key=lambda t: t.score or 9.0)
    assert [t.training for t in confirming] == [
        (best.proposal, 1),
        (0, 1),
        (best.proposal, 2),
        (0, 2),
    ]
    assert all(t.observation is None and t.note["confirms"] for t in confirming)
    assert len({spec.seed for spec in seen}) == 16
    assert [bool(spec.test_reference) for spec in seen] == [False] * 12 + [True] * 4
    ranked = standings(trials)
    assert [s.seeds for s in ranked[:3]] == [3, 3, 1]
    assert run(config, executor=Scripted(script))[0] is Ending.TRIALS and len(seen) == 16


def test_a_confirming_trial_is_scored_on_test_showers(toy_config: Make) -> None:
    _, study = run(toy_config(search__trials=8, search__confirm=1, search__confirm_seeds=1))
    tested = ["test_score" in t.metrics for t in study.trials()]
    assert tested == [False] * 6 + [True] * 2
    found = standings(study.trials())[0].test
    assert found is not None and 0 < found.value < 2.8 and found.error and found.seeds == 1


def test_a_pruned_trial_goes_on_once_its_peers_turn_out_worse(toy_config: Make) -> None:
    def score(spec: TrialSpec) -> float:
        """The second one is the second best, so of the best third once there are six."""
        return 1.0 + 0.1 * int(Path(spec.checkpoint).name)

    class Resuming(Scripted):
        """Leaves a checkpoint where it stops, as a worker does."""

        def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
            ((number, event),) = super().events(timeout)
            if isinstance(event, TrialResult) and event.outcome is Outcome.STOPPED:
                Path(specs[number].checkpoint).mkdir(parents=True, exist_ok=True)
            return [(number, event)]

        def submit(self, spec: TrialSpec) -> None:
            specs[spec.number] = spec
            super().submit(spec)

    specs: dict[int, TrialSpec] = {}
    config = toy_config(search__pruning="halving", trial__epochs=6, search__trials=14)
    executor = Resuming(lambda spec: curve(spec.number, score(spec), 6))
    _, study = run(config, executor=executor)
    trials = study.trials()
    first = trials[1]
    assert first.state == "pruned" and first.proposal == 1
    again = next(t for t in trials if t.retry_of == 1)
    assert again.proposal == 1 and again.attempt == 1 and again.number >= 6
    assert specs[again.number].seed == specs[1].seed
    last = [t for t in trials if t.proposal == 1][-1]
    record = Record(trials)
    assert [o.number for o in record.history if o.point == first.point] == [last.number]
    assert len(record.history) == 14


def test_the_same_exception_twice_is_the_configurations_own_failure(toy_config: Make) -> None:
    broken: list[TrialEvent] = [TrialResult(Outcome.LOST, reason="MemoryError: big", suspect=True)]
    executor = Scripted(lambda s: broken if s.number in (1, 2) else curve(s.number, 1.0, 2))
    _, study = run(toy_config(search__trials=3), executor=executor)
    first, second = study.trials()[1:3]
    assert (first.outcome, second.outcome, second.retry_of) == ("lost", "failed", 1)
    assert "2 attempts ended after epoch 0: MemoryError: big" in second.reason
    assert second.observation is not None and len(study.trials()) == 4


def test_a_worker_that_dies_counts_only_where_its_trial_came_no_further(toy_config: Make) -> None:
    died = TrialResult(Outcome.LOST, reason="the worker died: SIGKILL")

    def script(spec: TrialSpec) -> list[TrialEvent]:
        # Each attempt comes one epoch further, until the third stays where the second was.
        epochs = {0: 1, 1: 2, 2: 3, 3: 3, 4: 3}.get(spec.number)
        whole = curve(spec.number, 1.0, 5)
        return whole if epochs is None else [*whole[:epochs], died]

    _, study = run(toy_config(search__trials=2, trial__epochs=5), executor=Scripted(script))
    trials = study.trials()
    assert [t.attempt for t in trials[:5]] == [1, 2, 2, 2, 3]
    assert [t.outcome for t in trials[:5]] == ["lost"] * 4 + ["failed"]
    assert "3 attempts ended after epoch 3" in trials[4].reason
    assert trials[5].proposal == 1 and trials[5].complete


def test_a_node_that_cannot_run_trials_uses_up_no_attempt(toy_config: Make) -> None:
    unfit: list[TrialEvent] = [TrialResult(Outcome.LOST, reason=f"{NEVER_BEGAN}: no such folder")]
    executor = Scripted(lambda s: unfit if s.number < 5 else curve(s.number, 1.0, 2))
    _, study = run(toy_config(search__trials=1), executor=executor)
    *lost, last = study.trials()
    assert [t.attempt for t in lost] == [1] * 5 and {t.outcome for t in lost} == {"lost"}
    assert last.complete and last.attempt == 1


class Silent(Scripted):
    """Nothing comes from the trials until they are killed."""

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        time.sleep(min(timeout, 0.02))
        return super().events(timeout) if self.queue else []

    def kill(self, number: int) -> None:
        self.queue = [(number, TrialResult(Outcome.LOST, reason="killed"))]


@pytest.mark.parametrize(
    ("limit", "outcomes", "reason"),
    [
        ({"trial__time_limit": "0.1s"}, ["failed"], "took longer than trial.time_limit = 0.1s"),
        ({"trial__silence_limit": "0.1s"}, ["lost", "lost", "failed"], "silent for"),
    ],
)
def test_a_trial_that_hangs_is_ended(
    toy_config: Make, limit: dict[str, str], outcomes: list[str], reason: str
) -> None:
    _, study = run(toy_config(search__trials=1, **limit), executor=Silent(lambda spec: []))
    assert [t.outcome for t in study.trials()] == outcomes
    assert all(reason in t.reason for t in study.trials())


def test_the_search_ends_at_its_target(toy_config: Make) -> None:
    executor = Scripted(lambda spec: curve(spec.number, 1.0 - 0.1 * spec.number, 2))
    config = toy_config(search__trials=20, search__target=0.6, search__confirm=1)
    ending, study = run(config, executor=executor)
    assert ending is Ending.TARGET
    assert [t.seed for t in study.trials()] == [0] * 5 + [1, 1, 2, 2]


def test_configurations_that_fail_one_after_another_end_the_run(toy_config: Make) -> None:
    failed: list[TrialEvent] = [TrialResult(Outcome.FAILED, 2.8, reason="NaN in the losses")]
    with pytest.raises(TrialFailedError, match=r"^4 configurations failed.*NaN in the losses"):
        run(toy_config(search__max_failures=4), executor=Scripted(lambda spec: failed))


@pytest.mark.parametrize("asked", [True, False])
def test_a_search_that_promises_nothing_more_ends(toy_config: Make, *, asked: bool) -> None:
    plan = prepare(toy_config(search__until_exhausted=asked, search__trials=60))
    tiny = SearchSpace("tiny", "toy", "default", (Categorical("cells", ("smooth", "gamma")),))
    record = Record(
        TrialView(n, "complete", "", {"cells": ("smooth", "gamma")[n % 2]}, n, score=1.0 + n % 2)
        for n in range(24)
    )
    end = SearchEnd(replace(plan, space=tiny), record)
    assert end.reached() == asked
    assert end.ending is (Ending.EXHAUSTED if asked else None)
