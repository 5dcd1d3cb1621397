"""The loop of a study: propose, submit, collect, record.

The controller is the only writer of its study. Its own state is a view of the
store: killed at any time, the next one goes on from what is recorded. What it
decides is a function of the record and the study's seed: proposal k draws from
(seed, k), and its training from another generator of (seed, k), so that a
retried trial is the same trial.
"""

from __future__ import annotations

import shutil
import statistics
import time
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np

from metaopt.config import checkpoint_folder, seconds, trial_folder
from metaopt.preflight import Plan
from metaopt.store.study import LEASE_SECONDS, StoredStudy
from metaopt.store.views import TrialView
from metaopt.strategies.base import Observation
from search_spaces.errors import DataError, ExecutorError
from search_spaces.parameters import Point
from workers.executors.base import Executor
from workers.trial import Outcome, Progress, TrialResult, TrialSpec

#: Seconds to wait for an event before looking at the clock again.
TICK = 0.5
#: Workers lost one after another, without a result between, after which something is
#: wrong with the machines rather than with a trial.
MAX_LOST_IN_A_ROW = 6


class Monitor(Protocol):
    """Is told what happens; the terminal view is one."""

    def started(self, number: int, point: Point, retry: TrialView | None) -> None:
        """A trial was submitted."""

    def progressed(self, number: int, progress: Progress) -> None:
        """A trial scored an epoch."""

    def finished(self, trial: TrialView) -> None:
        """A trial ended."""

    def tick(self, seconds_left: float | None) -> None:
        """Some time passed; an estimate of what is left, where there is one."""


class Quiet:
    """A monitor that says nothing: for use as a library."""

    def started(self, number: int, point: Point, retry: TrialView | None) -> None:
        """Say nothing."""

    def progressed(self, number: int, progress: Progress) -> None:
        """Say nothing."""

    def finished(self, trial: TrialView) -> None:
        """Say nothing."""

    def tick(self, seconds_left: float | None) -> None:
        """Say nothing."""


class Ending(StrEnum):
    """Why a run ended."""

    TRIALS = "all trials are done"
    TIME = "the time budget is used up"
    INTERRUPTED = "interrupted"


@dataclass
class _Running:
    """A submitted trial, as the controller remembers it."""

    point: Point
    started: float
    rungs: list[tuple[int, float]]
    checkpoint: Path
    pruned: bool = False


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
        self._lost_in_a_row = 0
        self._unreadable = ""
        self._began = time.monotonic()
        self._renewed = -LEASE_SECONDS
        budget = seconds(plan.config.search.time_budget)
        self._deadline = None if budget is None else self._began + budget

    def stop(self) -> None:
        """Ask the run to end: once, after the running epochs; twice, at once."""
        self._stops += 1

    def run(self) -> Ending:
        """Run until all trials are done, time is up, or :meth:`stop`.

        Raises:
            StoreError: another controller holds the study, or the store fails.
            ExecutorError: workers are lost one after another.
            DataError: the showers can no longer be read; other trials have then ended after
                their running epochs, and the same study goes on once the files are mended.
        """
        self._hold()
        try:
            self._recover()
            while True:
                self._hold()
                ending = self._ending()
                if ending is None:
                    self._fill()
                if not self._running:
                    self._check_readable()
                    return Ending.TRIALS if ending is None or not self._to_do() else ending
                if ending in (Ending.TIME, Ending.INTERRUPTED):
                    self._end_running()
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
        """Read the record; fail what a dead controller left running, to be repeated."""
        for trial in self._study.trials():
            if trial.state in ("running", "waiting"):
                self._study.abandon(trial)
        trials = self._study.trials()
        self._history = [o for t in trials if (o := t.observation) is not None]
        self._rungs = {t.number: t.rungs for t in trials if t.observation is not None}
        # Also where a lost connection to the store left two records of one attempt.
        last = {t.proposal: t.number for t in trials}
        self._repeats = [t for t in trials if t.repeatable and t.number == last[t.proposal]]
        self._proposals = 1 + max(
            (t.proposal for t in trials if t.proposal is not None), default=-1
        )
        self._durations = [t.seconds for t in trials if t.complete and t.seconds > 0]

    # -- proposing ------------------------------------------------------------------------

    def _fill(self) -> None:
        """Submit trials to the free slots: repeats first, then new proposals."""
        while len(self._running) < self._executor.slots and self._time_for_a_trial():
            if self._repeats:
                again = self._repeats.pop(0)
                assert again.proposal is not None
                self._submit(again.point, again.proposal, dict(again.note), again)
            elif self._proposals < self._plan.config.search.trials:
                proposal = self._proposals
                self._proposals += 1
                made = self._plan.strategy.propose(
                    self._plan.space, self._history, self._pending(), 1, self._draws(proposal)
                )[0]
                self._submit(made.point, proposal, dict(made.note), None)
            else:
                return

    def _pending(self) -> list[Point]:
        return [r.point for r in self._running.values()] + [t.point for t in self._repeats]

    def _draws(self, proposal: int) -> np.random.Generator:
        return np.random.default_rng([self._plan.config.study.seed, proposal])

    def _submit(
        self, point: Point, proposal: int, note: dict[str, str], retry: TrialView | None
    ) -> None:
        plan = self._plan
        number = self._study.start(plan.space, point, proposal, note, retry)
        training_seed = np.random.SeedSequence([plan.config.study.seed, proposal, 1])
        spec = TrialSpec(
            study=plan.config.name,
            number=number,
            family=plan.space.family,
            preset=plan.space.preset,
            point=point,
            geometry=plan.geometry,
            data=plan.data,
            budget=plan.config.budget,
            seed=int(training_seed.generate_state(1)[0]),
            folder=str(trial_folder(plan.config.folder.resolve(), number)),
            reference=str(plan.reference),
            showers=str(plan.config.showers_folder),
            checkpoint=str(checkpoint_folder(plan.config.folder.resolve(), proposal)),
            checkpoint_seconds=seconds(plan.config.trial.checkpoint) or 0.0,
            resources=plan.config.resources,
        )
        self._running[number] = _Running(point, time.monotonic(), [], Path(spec.checkpoint))
        self._executor.submit(spec)
        self._monitor.started(number, point, retry)

    # -- collecting -----------------------------------------------------------------------

    def _handle(self, number: int, event: Progress | TrialResult) -> None:
        if isinstance(event, Progress):
            self._progressed(number, event)
        else:
            self._finished(number, event)

    def _progressed(self, number: int, progress: Progress) -> None:
        running = self._running[number]
        running.rungs.append((progress.epoch, progress.score))
        self._study.report(number, progress)
        self._monitor.progressed(number, progress)
        epochs = self._plan.config.trial.epochs
        others = [*self._rungs.values()]
        others += [tuple(r.rungs) for n, r in self._running.items() if n != number]
        if progress.epoch < epochs and self._plan.pruning.should_stop(
            running.rungs, others, epochs
        ):
            running.pruned = True
            self._executor.stop(number)

    def _finished(self, number: int, result: TrialResult) -> None:
        running = self._running.pop(number)
        if self._stops > 1 and result.outcome is Outcome.LOST:
            # Killed on the user's word: an interruption, which uses up no attempt.
            result = replace(result, outcome=Outcome.STOPPED, reason="stopped at once")
        if result.outcome is Outcome.UNREADABLE:
            # So is this one, for all trials: no configuration is charged for its data.
            self._unreadable = result.reason
            result = replace(result, outcome=Outcome.STOPPED)
            self._stops = max(self._stops, 1)
        trial = self._study.finish(number, result, running.pruned)
        self._lost_in_a_row = self._lost_in_a_row + 1 if result.outcome is Outcome.LOST else 0
        if trial.observation is not None:
            self._remember(trial.observation)
        elif trial.repeatable:
            self._repeats.append(trial)
        if not trial.repeatable:
            shutil.rmtree(running.checkpoint, ignore_errors=True)
        if trial.complete:
            self._durations.append(result.seconds)
        self._monitor.finished(trial)
        if self._lost_in_a_row >= MAX_LOST_IN_A_ROW:
            raise ExecutorError(
                f"{MAX_LOST_IN_A_ROW} workers were lost one after another, the last: "
                f"{result.reason}; mend it, and the same command resumes the study"
            )

    def _remember(self, observation: Observation) -> None:
        """Keep the history in order of number, whatever order trials end in."""
        self._history.append(observation)
        self._history.sort(key=lambda o: o.number)
        self._rungs[observation.number] = observation.rungs

    # -- ending ---------------------------------------------------------------------------

    def _check_readable(self) -> None:
        if self._unreadable:
            raise DataError(
                f"{self._unreadable}. The study is kept: mend the showers, and the same command "
                "resumes it"
            )

    def _ending(self) -> Ending | None:
        """Why to end now, or None to go on."""
        if self._stops:
            return Ending.INTERRUPTED
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return Ending.TIME
        if not self._running and not self._time_for_a_trial():
            return Ending.TIME
        return None

    def _end_running(self) -> None:
        for number in self._running:
            if self._stops > 1:
                self._executor.kill(number)
            else:
                self._executor.stop(number)

    def _time_for_a_trial(self) -> bool:
        """Whether a fast trial, started now, would end before the deadline.

        The fastest so far: one that is cut off is repeated by the next run, and costs
        nothing that an idle worker would not.
        """
        if self._deadline is None or not self._durations:
            return True
        return time.monotonic() + min(self._durations) < self._deadline

    def _to_do(self) -> int:
        """How many trials are still to be started."""
        return self._plan.config.search.trials - self._proposals + len(self._repeats)

    def _seconds_left(self) -> float | None:
        """Estimated from finished trials; at most what the time budget leaves."""
        now = time.monotonic()
        by_time = None if self._deadline is None else max(self._deadline - now, 0.0)
        if not self._durations:
            return by_time
        typical = statistics.median(self._durations)
        spent = sum(min(now - r.started, typical) for r in self._running.values())
        work = (self._to_do() + len(self._running)) * typical - spent
        by_trials = work / self._executor.slots
        return by_trials if by_time is None else min(by_time, by_trials)
