"""One sitting of a population: from its record to its end, or as far as it may go."""

from __future__ import annotations

import shutil

from metaopt.config import checkpoint_folder
from metaopt.durations import seconds
from metaopt.monitoring import Monitor
from metaopt.population.ledger import StudyLedger
from metaopt.population.options import PopulationTraining, changing
from metaopt.preflight import Plan
from metaopt.showcase import Showcase
from metaopt.stopping import Ending
from metaopt.store.study import StoredStudy
from metaopt.timetable import Timetable
from workers.population import PopulationExecutor, Rules


class PopulationController:
    """Trains a study's population to its end, or until :meth:`stop`."""

    def __init__(
        self, plan: Plan, study: StoredStudy, executor: PopulationExecutor, monitor: Monitor
    ) -> None:
        self._plan, self._study = plan, study
        self._executor, self._monitor = executor, monitor
        self._timetable = Timetable(seconds(plan.config.search.time_budget))
        self._stops = 0

    def stop(self) -> None:
        """Ask the run to end: once, after the running epochs; twice, at once."""
        self._stops += 1

    def run(self) -> Ending:
        """Train until all members are at the end, time is up, or :meth:`stop`.

        Raises:
            StoreError: another controller holds the study, or the store fails.
            ExecutorError: workers die again and again.
            DataError: the showers can no longer be read.
        """
        self._study.hold()
        try:
            self._study.go_on_in(self._plan.config.folder.resolve())
            showcase = Showcase(self._plan, self._study)
            ledger = StudyLedger(
                self._plan, self._study, rules_of(self._plan), showcase, self._monitor,
                self._tick, self._stopped,
            )  # fmt: skip
            showcase.open()
            members, rules = ledger.open()
            if not ledger.done():
                self._executor.train(members, rules, ledger)
            showcase.close()
            return self._ended(ledger)
        finally:
            self._study.release()

    def _ended(self, ledger: StudyLedger) -> Ending:
        if not ledger.done():
            return Ending.INTERRUPTED if self._stops else Ending.TIME
        shutil.rmtree(
            checkpoint_folder(self._plan.config.folder.resolve(), 0).parent, ignore_errors=True
        )
        return Ending.TRIALS

    def _stopped(self) -> int:
        return max(self._stops, int(self._timetable.over))

    def _tick(self) -> None:
        self._study.hold()
        self._monitor.tick(self._timetable.left((), (), 0, 1))


def rules_of(plan: Plan) -> Rules:
    """How a study's population is trained."""
    training = plan.strategy
    assert isinstance(training, PopulationTraining)
    point, _ = training.base(plan.space)
    return Rules(
        parameters=tuple(changing(plan.space, point)),
        epochs=plan.config.trial.epochs,
        interval=training.interval,
        quantile=training.quantile,
        resample=training.resample,
        shrink=training.shrink,
        grow=training.grow,
        bandit=training.bandit,
        seed=plan.config.study.seed,
        silence=seconds(plan.config.trial.silence_limit),
    )
