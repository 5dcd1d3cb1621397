"""A study on the toy model, and executors whose trials end as a script says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.stopping import Ending
from metaopt.store.database import StudyStore
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
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
