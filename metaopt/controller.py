"""The loop of a study: start, collect, record.

The controller is the only writer of its study. Its own state is a view of the
store: killed at any time, the next one goes on from what is recorded. What it
decides is a function of the record and the study's seed: proposal k draws from
(seed, k), and its training from another generator of (seed, k), so that a
repeated trial is the same trial.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

from metaopt.agenda import KEPT_PRUNED, Agenda, Assignment
from metaopt.config import checkpoint_folder, trial_folder
from metaopt.durations import seconds
from metaopt.failures import Failures
from metaopt.monitoring import Monitor
from metaopt.preflight import Plan
from metaopt.record import Record, Training
from metaopt.running import Running
from metaopt.showcase import Showcase
from metaopt.specification import common_specification, training_seed
from metaopt.stopping import Ending, SearchEnd
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
from metaopt.strategies.base import Observation
from metaopt.strategies.pruning import so_far
from metaopt.timetable import Timetable
from workers.executors.base import Executor
from workers.trial import Outcome, Progress, TrialResult, TrialSpec

#: Seconds to wait for an event before looking at the clock again.
TICK = 0.5


class Controller:
    """Runs one study to its end, or until :meth:`stop`."""

    def __init__(
        self, plan: Plan, study: StoredStudy, executor: Executor, monitor: Monitor
    ) -> None:
        self._plan = plan
        self._study = study
        self._executor = executor
        self._monitor = monitor
        self._showcase = Showcase(plan, study)
        self._running: dict[int, Running] = {}
        self._stops = 0
        self._failures = Failures(plan.config.search.max_failures)
        self._timetable = Timetable(seconds(plan.config.search.time_budget))
        self._confirming = False

    def stop(self) -> None:
        """Ask the run to end: once, after the running epochs; twice, at once."""
        self._stops += 1

    def run(self) -> Ending:
        """Run until all trials are done, time is up, or :meth:`stop`.

        Raises:
            StoreError: another controller holds the study, or the store fails.
            ExecutorError: workers are lost one after another.
            TrialFailedError: configurations fail one after another.
            DataError: the showers can no longer be read.

        Before all of these but the first, other trials end after their running epochs; the
        study goes on once the cause is mended.
        """
        self._study.hold()
        try:
            self._study.go_on_in(self._plan.config.folder.resolve())
            self._recover()
            self._showcase.open()
            while True:
                self._study.hold()
                ending = self._ending()
                if ending is None:
                    self._fill()
                if not self._running:
                    if self._failures.failure is not None:
                        raise self._failures.failure
                    self._showcase.close()
                    return self._ended(ending)
                if ending in (Ending.TIME, Ending.INTERRUPTED):
                    self._end_running()
                self._end_overdue()
                for number, event in self._executor.events(TICK):
                    self._handle(number, event)
                self._monitor.tick(self._seconds_left())
        finally:
            self._study.release()

    # -- the record -----------------------------------------------------------------------

    def _recover(self) -> None:
        """Read the record, and take up what a dead controller left running, or fail it."""
        left = [t for t in self._study.trials() if t.state == "running"]
        adopted = {t.number for t in left if t.proposal is not None and self._adopt(t)}
        for trial in left:
            if trial.number not in adopted:
                self._study.abandon(trial)
        trials = self._study.trials()
        self._record = Record(t for t in trials if t.number not in adopted)
        self._agenda = Agenda(self._plan, self._record)
        if self._agenda.proposals_left:
            self._study.go_on_with(self._plan.document, self._record.proposals)
        self._search_end = SearchEnd(self._plan, self._record)
        for trial in left:
            if trial.number in adopted:
                self._take_up(trial)

    def _adopt(self, trial: TrialView) -> bool:
        return self._executor.adopt(trial.number)

    def _take_up(self, trial: TrialView) -> None:
        """Follow a trial that runs on: its events come again from the first."""
        proposal, seed = trial.training
        self._record.proposals = max(self._record.proposals, proposal + 1)
        self._study.take_up(trial)
        before = self._record.trial(trial.retry_of)
        epochs = self._record.known_epochs(before)
        assignment = Assignment(
            trial.point, proposal, seed, trial.note, before, trial.attempt, epochs
        )
        self._follow(trial.number, assignment)

    def _follow(self, number: int, assignment: Assignment) -> None:
        self._running[number] = Running(assignment, self._checkpoint(assignment.training))
        self._monitor.started(number, assignment)

    # -- starting -------------------------------------------------------------------------

    def _fill(self) -> None:
        """Give each free worker what the agenda says."""
        while len(self._running) < self._executor.slots:
            assignment = self._next()
            if assignment is None:
                return
            self._submit(assignment)

    def _next(self) -> Assignment | None:
        if not self._time_for_a_trial(0):
            return None
        running = self._so_far
        assignment = self._agenda.repeat(running)
        if assignment is None and self._searching():
            promoted = self._agenda.promotion(running, self._times)
            assignment = promoted or self._agenda.proposal(running)
        if assignment is None and not self._searching():
            assignment = self._completion() or self._agenda.confirmation(running)
            # Candidates are chosen once: the search of this run is over.
            self._confirming = self._confirming or assignment is not None
        return assignment

    def _completion(self) -> Assignment | None:
        """The stopped trial to be trained to its end, unless a complete one has the target."""
        if self._search_end.ending is Ending.TARGET:
            return None
        return self._agenda.completion(self._so_far)

    @property
    def _so_far(self) -> dict[Training, Observation]:
        """The running trials, as if they were stopped now."""
        return {
            r.assignment.training: so_far(number, r.assignment.point, r.rungs)
            for number, r in self._running.items()
        }

    def _searching(self) -> bool:
        """Whether the search goes on, and leaves time for the confirming trials after it."""
        return (
            not self._confirming
            and self._agenda.proposals_left > 0
            and not self._search_end.reached()
            and self._time_for_a_trial(self._agenda.confirmations_left)
        )

    def _submit(self, assignment: Assignment) -> None:
        number = self._study.start(
            self._plan.space,
            assignment.point,
            assignment.proposal,
            assignment.note,
            assignment.before,
            assignment.attempt,
            assignment.seed,
        )
        self._follow(number, assignment)
        self._executor.submit(self._specification(number, assignment))

    def _specification(self, number: int, assignment: Assignment) -> TrialSpec:
        plan, config = self._plan, self._plan.config
        return replace(
            common_specification(plan),
            number=number,
            point=assignment.point,
            seed=training_seed(config.study.seed, *assignment.training),
            folder=str(trial_folder(config.folder.resolve(), number)),
            # The test events are for the trials that are chosen already.
            test_reference=str(plan.test_reference) if assignment.seed else "",
            checkpoint=str(self._checkpoint(assignment.training)),
            checkpoint_seconds=seconds(config.trial.checkpoint) or 0.0,
            plots=config.study.plots,
        )

    def _checkpoint(self, training: Training) -> Path:
        return checkpoint_folder(self._plan.config.folder.resolve(), *training)

    # -- collecting -----------------------------------------------------------------------

    def _handle(self, number: int, event: Progress | TrialResult) -> None:
        if isinstance(event, Progress):
            self._progressed(number, event)
        else:
            self._finished(number, event)

    def _progressed(self, number: int, progress: Progress) -> None:
        running = self._running[number]
        running.rungs.append((progress.epoch, progress.score))
        running.heard = time.monotonic()
        running.ms_per_shower = progress.ms_per_shower
        self._study.report(number, progress)
        self._monitor.progressed(number, progress)
        if running.came_further:
            self._failures.came_further()
            self._prune(number, running, progress)

    def _prune(self, number: int, running: Running, progress: Progress) -> None:
        epochs, space = self._plan.config.trial.epochs, self._plan.space
        training = proposal, seed = running.assignment.training
        if seed or running.assignment.to_the_end or progress.epoch >= epochs:
            return
        trials = self._so_far
        slower = self._agenda.slower(running.ms_per_shower, self._times)
        others = self._agenda.peers(trials, {proposal} | slower)
        if self._plan.pruning.should_stop(trials[training], others, space, epochs):
            running.pruned = True
            self._executor.stop(number)

    @property
    def _times(self) -> dict[int, float | None]:
        """Milliseconds per shower of the running trials by proposal, as they reported last."""
        return {r.assignment.proposal: r.ms_per_shower for r in self._running.values()}

    def _finished(self, number: int, result: TrialResult) -> None:
        running = self._running.pop(number)
        # One that was killed, or lost its showers, before it stopped at its rung goes on later.
        pruned = running.pruned and result.outcome is Outcome.STOPPED
        if result.outcome is Outcome.UNREADABLE:
            self._failures.unreadable(result.reason)
            result = replace(result, outcome=Outcome.STOPPED)
        judged, lost = self._judged(running, result)
        picture = self._showcase.picture(number, judged)
        trial = self._study.finish(number, judged, pruned, picture)
        self._record.add(trial)
        self._showcase.finished(trial)
        self._tidy(trial, running.checkpoint)
        self._monitor.finished(trial)
        self._failures.ended(trial, lost=lost)

    def _judged(self, running: Running, result: TrialResult) -> tuple[TrialResult, bool]:
        """How a trial ended, and whether it was its worker that failed."""
        if result.outcome is not Outcome.LOST:
            return result, False
        if self._stops > 1 and running.overdue is None:
            # Killed on the user's word: an interruption, which uses up no attempt.
            return replace(result, outcome=Outcome.STOPPED, reason="stopped at once"), False
        lost = running.overdue is None or running.overdue.outcome is Outcome.LOST
        return running.judged(result), lost

    def _tidy(self, trial: TrialView, checkpoint: Path) -> None:
        """Remove the checkpoints that no trial will go on from."""
        if trial.state == "pruned":
            # Either this one is not among the best, or it took the place of the next.
            best = {t.number for t in self._record.best_pruned(KEPT_PRUNED)}
            next_best = self._record.best_pruned(KEPT_PRUNED + 1)
            # One that was taken up again is pruned until it ends, and needs its checkpoint.
            running = {r.assignment.training for r in self._running.values()}
            best |= {t.number for t in next_best if t.training in running}
            for worse in (t for t in (*next_best, trial) if t.number not in best):
                shutil.rmtree(self._checkpoint(worse.training), ignore_errors=True)
        elif not trial.repeatable:
            shutil.rmtree(checkpoint, ignore_errors=True)

    # -- ending ---------------------------------------------------------------------------

    def _ending(self) -> Ending | None:
        """Why to end now, or None to go on."""
        if self._stops or self._failures.failure is not None:
            return Ending.INTERRUPTED
        return Ending.TIME if self._timetable.over else None

    def _ended(self, ending: Ending | None) -> Ending:
        """Why the run ended, now that nothing runs."""
        left = self._agenda.trials_left
        if self._search_end.ending is not None:
            left -= self._agenda.proposals_left
        if left or self._completion() is not None:
            return ending or Ending.TIME
        shutil.rmtree(self._checkpoint((0, 0)).parent, ignore_errors=True)
        return self._search_end.ending or Ending.TRIALS

    def _end_running(self) -> None:
        for number in self._running:
            if self._stops > 1:
                self._executor.kill(number)
            else:
                self._executor.stop(number)

    def _end_overdue(self) -> None:
        """Kill trials that take too long, or whose workers are silent for too long."""
        for number, running in self._running.items():
            if running.overdue is None:
                running.overdue = running.past(self._plan.config.trial)
                if running.overdue is not None:
                    self._executor.kill(number)

    def _time_for_a_trial(self, after: int) -> bool:
        return self._timetable.fits(self._record.durations, after, self._executor.slots)

    def _seconds_left(self) -> float | None:
        started = [running.started for running in self._running.values()]
        waiting, slots = self._agenda.trials_left, self._executor.slots
        return self._timetable.left(self._record.durations, started, waiting, slots)
