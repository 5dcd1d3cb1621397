"""The loop of a study: start, collect, record.

The controller is the only writer of its study. Its own state is a view of the
store: killed at any time, the next one goes on from what is recorded. What it
decides is a function of the record and the study's seed: proposal k draws from
(seed, k), and its training from another generator of (seed, k), so that a
repeated trial is the same trial.
"""

from __future__ import annotations

import math
import shutil
import statistics
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from metaopt.agenda import Agenda, Assignment
from metaopt.config import checkpoint_folder, seconds, trial_folder
from metaopt.monitoring import Monitor
from metaopt.preflight import Plan
from metaopt.record import Record, Training
from metaopt.stopping import Ending, SearchEnd
from metaopt.store.study import LEASE_SECONDS, StoredStudy
from metaopt.store.views import FAILED, LOST, MAX_ATTEMPTS, TrialView
from metaopt.strategies.pruning import Rungs
from metaopt.strategies.rivals import minimises_time, slower
from objectives.objective import WORST
from search_spaces.errors import DataError, ExecutorError, MetaoptError, TrialFailedError
from workers.executors.base import Executor
from workers.trial import NEVER_BEGAN, WORKER_DIED, Outcome, Progress, TrialResult, TrialSpec

#: Seconds to wait for an event before looking at the clock again.
TICK = 0.5
#: Workers lost one after another, without a scored epoch between, after which something is
#: wrong with the machines rather than with a trial.
MAX_LOST_IN_A_ROW = 6
#: Checkpoints of pruned trials that are kept, of the best: only those are taken up again.
KEPT_PRUNED = 16


@dataclass
class _Running:
    """A submitted trial, as the controller remembers it."""

    assignment: Assignment
    checkpoint: Path
    rungs: list[tuple[int, float]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    ms_per_shower: float | None = None
    pruned: bool = False
    #: Why the controller ended it, where it did.
    overdue: TrialResult | None = None

    @property
    def came_further(self) -> bool:
        """Whether it scored an epoch that its training had not scored before."""
        return bool(self.rungs) and self.rungs[-1][0] > self.assignment.epochs


class Controller:
    """Runs one study to its end, or until :meth:`stop`."""

    def __init__(
        self, plan: Plan, study: StoredStudy, executor: Executor, monitor: Monitor
    ) -> None:
        self._plan = plan
        self._study = study
        self._executor = executor
        self._monitor = monitor
        self._owner = uuid.uuid4().hex
        self._running: dict[int, _Running] = {}
        self._stops = 0
        self._lost_in_a_row = self._failed_in_a_row = 0
        #: What makes it useless to go on; raised once the running epochs have ended.
        self._failure: MetaoptError | None = None
        self._began = time.monotonic()
        self._renewed = -LEASE_SECONDS
        budget = seconds(plan.config.search.time_budget)
        self._deadline = None if budget is None else self._began + budget
        self._time_limit = seconds(plan.config.trial.time_limit)
        self._silence_limit = seconds(plan.config.trial.silence_limit)

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
        self._hold()
        try:
            self._recover()
            while True:
                self._hold()
                ending = self._ending()
                if ending is None:
                    self._fill()
                if not self._running and (self._executor.slots or ending):
                    if self._failure is not None:
                        raise self._failure
                    return self._ended(ending)
                if ending in (Ending.TIME, Ending.INTERRUPTED):
                    self._end_running()
                self._end_overdue()
                for number, event in self._executor.events(TICK):
                    self._handle(number, event)
                self._monitor.tick(self._seconds_left())
        finally:
            self._study.release(self._owner)

    # -- the record -----------------------------------------------------------------------

    def _hold(self) -> None:
        now = time.monotonic()
        if now - self._renewed > LEASE_SECONDS / 6:
            self._study.hold(self._owner)
            self._renewed = now

    def _recover(self) -> None:
        """Read the record, and take up what a dead controller left running, or fail it."""
        left = [t for t in self._study.trials() if t.state in ("running", "waiting")]
        adopted = {t.number for t in left if t.proposal is not None and self._adopt(t)}
        for trial in left:
            if trial.number not in adopted:
                self._study.abandon(trial)
        trials = self._study.trials()
        self._record = Record(t for t in trials if t.number not in adopted)
        self._agenda = Agenda(self._plan, self._record)
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
        self._running[number] = _Running(assignment, self._checkpoint(assignment.training))
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
        rungs: dict[Training, Rungs] = {
            r.assignment.training: r.rungs for r in self._running.values()
        }
        if not self._time_for_a_trial(0):
            return None
        assignment = self._agenda.repeat(rungs)
        if assignment is None and self._searching():
            points = {r.assignment.training: r.assignment.point for r in self._running.values()}
            assignment = self._agenda.promotion(rungs) or self._agenda.proposal(points)
        if assignment is None and not self._searching():
            assignment = self._agenda.confirmation(rungs)
        return assignment

    def _searching(self) -> bool:
        """Whether the search goes on, and leaves time for the confirming trials after it."""
        return (
            self._agenda.proposals_left > 0
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
        seed = np.random.SeedSequence([config.study.seed, assignment.proposal, 1 + assignment.seed])
        return TrialSpec(
            study=config.name,
            number=number,
            family=plan.space.family,
            preset=plan.space.preset,
            point=assignment.point,
            geometry=plan.geometry,
            data=plan.data,
            budget=config.budget,
            seed=int(seed.generate_state(1)[0]),
            folder=str(trial_folder(config.folder.resolve(), number)),
            reference=str(plan.reference),
            # The test events are for the trials that are chosen already.
            test_reference=str(plan.test_reference) if assignment.seed else "",
            showers=str(config.showers_folder),
            checkpoint=str(self._checkpoint(assignment.training)),
            checkpoint_seconds=seconds(config.trial.checkpoint) or 0.0,
            resources=config.resources,
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
            self._lost_in_a_row = 0
            self._prune(number, running, progress)

    def _prune(self, number: int, running: _Running, progress: Progress) -> None:
        epochs = self._plan.config.trial.epochs
        proposal, seed = running.assignment.training
        if seed or progress.epoch >= epochs:
            return
        rungs: dict[Training, Rungs] = {
            r.assignment.training: r.rungs for r in self._running.values()
        }
        others = self._agenda.peers(rungs, {proposal} | self._slower(running))
        if self._plan.pruning.should_stop(running.rungs, others, epochs):
            running.pruned = True
            self._executor.stop(number)

    def _slower(self, running: _Running) -> set[int]:
        """Proposals that do not count against a trial because the search is for speed as well."""
        if not minimises_time(self._plan.strategy):
            return set()
        live = {r.assignment.proposal: r.ms_per_shower for r in self._running.values()}
        return slower(running.ms_per_shower, self._record.times | live)

    def _finished(self, number: int, result: TrialResult) -> None:
        running = self._running.pop(number)
        if result.outcome is Outcome.UNREADABLE:
            # So is this one, for all trials: no configuration is charged for its data.
            text = f"{result.reason}. The study is kept: mend the showers"
            self._fail(DataError(_resumable(text)))
            result = replace(result, outcome=Outcome.STOPPED)
        judged = self._judged(running, result)
        trial = self._study.finish(number, judged, running.pruned)
        self._record.add(trial)
        self._tidy(trial, running.checkpoint)
        self._monitor.finished(trial)
        self._count(trial, lost=Outcome.LOST in (result.outcome, judged.outcome))

    def _judged(self, running: _Running, result: TrialResult) -> TrialResult:
        """Whose fault a lost trial is."""
        if result.outcome is not Outcome.LOST:
            return result
        if self._stops > 1 and running.overdue is None:
            # Killed on the user's word: an interruption, which uses up no attempt.
            return replace(result, outcome=Outcome.STOPPED, reason="stopped at once")
        result = running.overdue or result
        unfit = result.reason.startswith(NEVER_BEGAN)
        if result.outcome is Outcome.FAILED or running.came_further or unfit:
            return result
        before = running.assignment.before
        again = before is not None and before.outcome == LOST and before.reason == result.reason
        attempt = running.assignment.attempt
        if (again and result.suspect) or attempt >= MAX_ATTEMPTS:
            reason = f"{attempt} attempts ended after epoch {running.assignment.epochs}"
            return replace(
                result, outcome=Outcome.FAILED, score=WORST, reason=f"{reason}: {result.reason}"
            )
        return result

    def _tidy(self, trial: TrialView, checkpoint: Path) -> None:
        """Remove the checkpoints that no trial will go on from."""
        if trial.state == "pruned":
            for worse in self._record.worst_pruned(KEPT_PRUNED):
                shutil.rmtree(self._checkpoint(worse.training), ignore_errors=True)
        elif not trial.repeatable:
            shutil.rmtree(checkpoint, ignore_errors=True)

    def _count(self, trial: TrialView, *, lost: bool) -> None:
        """End the run where workers or configurations fail one after another."""
        self._lost_in_a_row = self._lost_in_a_row + 1 if lost else 0
        if trial.outcome == FAILED and not lost:
            self._failed_in_a_row += 1
        elif trial.complete or trial.state == "pruned":
            self._failed_in_a_row = 0
        if self._lost_in_a_row >= MAX_LOST_IN_A_ROW:
            text = f"{MAX_LOST_IN_A_ROW} workers were lost one after another, the last: "
            self._fail(ExecutorError(_resumable(f"{text}{trial.reason}; mend it")))
        most = self._plan.config.search.max_failures
        if self._failed_in_a_row >= most:
            text = f"{most} configurations failed one after another (search.max_failures), the "
            text += f"last: {trial.reason}; check the space and the data"
            self._fail(TrialFailedError(_resumable(text)))

    def _fail(self, failure: MetaoptError) -> None:
        self._failure = self._failure or failure
        self._stops = max(self._stops, 1)

    # -- ending ---------------------------------------------------------------------------

    def _ending(self) -> Ending | None:
        """Why to end now, or None to go on."""
        if self._stops:
            return Ending.INTERRUPTED
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return Ending.TIME
        return None

    def _ended(self, ending: Ending | None) -> Ending:
        """Why the run ended, now that nothing runs."""
        left = self._agenda.trials_left
        if self._search_end.ending is not None:
            left -= self._agenda.proposals_left
        if left:
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
        now = time.monotonic()
        for number, running in self._running.items():
            if running.overdue is not None:
                continue
            running.overdue = self._overdue(running, now)
            if running.overdue is not None:
                self._executor.kill(number)

    def _overdue(self, running: _Running, now: float) -> TrialResult | None:
        limits = self._plan.config.trial
        if self._time_limit is not None and now - running.started > self._time_limit:
            reason = f"took longer than trial.time_limit = {limits.time_limit}"
            return TrialResult(Outcome.FAILED, WORST, reason=reason)
        if self._silence_limit is not None and now - running.heard > self._silence_limit:
            reason = f"{WORKER_DIED}: silent for trial.silence_limit = {limits.silence_limit}"
            return TrialResult(Outcome.LOST, reason=reason)
        return None

    def _time_for_a_trial(self, after: int) -> bool:
        """Whether a fast trial, started now, and ``after`` others would end in time.

        The fastest so far: one that is cut off is repeated by the next run, and costs
        nothing that an idle worker would not.
        """
        durations = self._record.durations
        if self._deadline is None or not durations:
            return True
        rounds = math.ceil(after / max(self._executor.slots, 1))
        reserve = rounds * statistics.median(durations)
        return time.monotonic() + min(durations) + reserve < self._deadline

    def _seconds_left(self) -> float | None:
        """Estimated from finished trials; at most what the time budget leaves."""
        now = time.monotonic()
        by_time = None if self._deadline is None else max(self._deadline - now, 0.0)
        if not self._record.durations:
            return by_time
        typical = statistics.median(self._record.durations)
        spent = sum(min(now - r.started, typical) for r in self._running.values())
        work = (self._agenda.trials_left + len(self._running)) * typical - spent
        by_trials = work / max(self._executor.slots, 1)
        return by_trials if by_time is None else min(by_time, by_trials)


def _resumable(text: str) -> str:
    return f"{text}, and the same command resumes the study"
