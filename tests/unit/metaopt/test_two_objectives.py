"""A study of S and speed, from the workers' reports to the front."""

from __future__ import annotations

from collections.abc import Callable

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.database import StudyStore
from metaopt.store.front import pareto_front
from workers.trial import Outcome, Progress, TrialEvent, TrialResult, TrialSpec


class Told:
    """An executor of one worker: every fourth trial is fast and a little worse."""

    slots = 1

    def __init__(self) -> None:
        self.queue: list[tuple[int, TrialEvent]] = []

    def submit(self, spec: TrialSpec) -> None:
        fast = spec.number % 4 == 3
        score, ms = 1.0 + 0.01 * spec.number + fast, 0.1 if fast else 10.0
        epochs = range(1, spec.budget.epochs + 1)
        self.queue = [
            (spec.number, Progress(e, score + 1 / e, {}, {}, 1.0, 10, ms)) for e in epochs
        ]
        end = TrialResult(Outcome.COMPLETE, score, 0.01, metrics={"ms_per_shower": ms})
        self.queue.append((spec.number, end))

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        return [self.queue.pop(0)] if self.queue else []

    def stop(self, number: int) -> None:
        _, event = self.queue[0]
        assert isinstance(event, Progress)
        metrics = {"ms_per_shower": event.ms_per_shower or 0.0}
        self.queue = [(number, TrialResult(Outcome.STOPPED, event.score, metrics=metrics))]

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
