"""A study of S and speed, from the workers' reports to the front."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.database import StudyStore
from metaopt.store.front import pareto_front
from workers.trial import Outcome, Progress, TrialEvent, TrialResult, TrialSpec


def reports(spec: TrialSpec, score: float, ms: float) -> list[tuple[int, TrialEvent]]:
    """What a trial tells from its first epoch to its end."""
    epochs = spec.budget.epochs
    steps = [Progress(e, score + 1 / e, {}, {}, 1.0, 10, ms) for e in range(1, epochs + 1)]
    metrics = {"ms_per_shower": ms}
    end = TrialResult(Outcome.COMPLETE, score, 0.01, epochs=epochs, metrics=metrics)
    return [(spec.number, event) for event in (*steps, end)]


class Told:
    """An executor of one worker: every fourth trial is fast and a little worse."""

    slots = 1

    def __init__(self) -> None:
        self.queue: list[tuple[int, TrialEvent]] = []
        self.last: TrialEvent | None = None

    def submit(self, spec: TrialSpec) -> None:
        fast = spec.number % 4 == 3
        score, ms = 1.0 + 0.01 * spec.number + fast, 0.1 if fast else 10.0
        self.queue = reports(spec, score, ms)

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        if not self.queue:
            return []
        number, self.last = self.queue.pop(0)
        return [(number, self.last)]

    def stop(self, number: int) -> None:
        last = self.last
        assert isinstance(last, Progress)
        metrics = {"ms_per_shower": last.ms_per_shower or 0.0}
        end = TrialResult(Outcome.STOPPED, last.score, epochs=last.epoch, metrics=metrics)
        self.queue = [(number, end)]

    def kill(self, number: int) -> None: ...

    def adopt(self, number: int) -> bool:
        return False

    def close(self) -> None: ...


def test_fast_trials_that_are_a_little_worse_are_spared_and_make_the_front(
    toy_config: Callable[..., StudyConfig],
) -> None:
    plan = prepare(
        toy_config(
            search__strategy="nsga2", search__trials=8, search__pruning="halving", trial__epochs=6
        )
    )
    study = StudyStore(plan.config.study.storage, create=True).create("toy", plan.document)
    Controller(plan, study, Told(), Quiet()).run()
    trials = study.trials()
    # Trial 3 is worse than those before it, and faster; trial 7 as fast, and worse.
    states = ["complete", "pruned", "pruned", "complete", *["pruned"] * 4]
    assert [t.state for t in trials] == states
    assert [point.trial for point in pareto_front(trials)] == [0, 3]
    assert trials[4].observation is not None
    assert trials[4].observation.metrics == {"ms_per_shower": 10.0}


class Resuming(Told):
    """Leaves checkpoints. Every other network is fast and, by its first epochs, ahead."""

    def submit(self, spec: TrialSpec) -> None:
        self.spec, number = spec, int(Path(spec.checkpoint).name)
        fast = number % 2 == 1
        score = 0.5 + 0.05 * (number * 7 % 12) if fast else 1.5 + 0.1 * (number * 5 % 12)
        self.queue = reports(spec, score, 0.1 if fast else 10.0)

    def stop(self, number: int) -> None:
        super().stop(number)
        Path(self.spec.checkpoint).mkdir(parents=True, exist_ok=True)


def test_a_pruned_trial_goes_on_only_where_it_would_stay_among_those_as_fast(
    toy_config: Callable[..., StudyConfig],
) -> None:
    plan = prepare(
        toy_config(
            search__strategy="nsga2",
            search__trials=24,
            search__pruning="halving",
            search__pruning_options={"rank_by": "score"},
            trial__epochs=9,
        )
    )
    study = StudyStore(plan.config.study.storage, create=True).create("toy", plan.document)
    Controller(plan, study, Resuming(), Quiet()).run()
    trials = study.trials()
    again = [t for t in trials if t.retry_of is not None]
    # Whoever goes on comes to the next rung; against all, the fast ones stopped after an epoch.
    assert 1 <= len(again) <= 4
    assert {t.epochs for t in trials} == {1, 3, 9}
