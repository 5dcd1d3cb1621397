"""A study on simulated workers: trials take the seconds that the problem says, at no cost.

The loop decides as :class:`metaopt.controller.Controller` does: a free worker gets the
next proposal at once; proposal k draws from (seed, k) and its training from another
generator of (seed, k); after each scored epoch below the full budget the pruning rule is
asked, with the rungs of all other trials, running ones included; a trial that it stopped
and would let go on by now is taken up where it stood, before anything new is proposed; at
last, a stopped one goes on to its end as long as it is expected to be the best.
Only that a stop takes effect at once however busy the controller is, and workers are never lost.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from metaopt.bench.problem import Problem, Training
from metaopt.specification import training_seed
from metaopt.strategies.base import Observation, Proposal, State, Strategy
from metaopt.strategies.estimates import unfinished_best
from metaopt.strategies.points import only_proposal
from metaopt.strategies.pruning import Pruning, so_far
from search_spaces.errors import ConfigError
from search_spaces.parameters import Point
from search_spaces.space import Key


@dataclass(frozen=True)
class Setting:
    """How a study is run.

    Attributes:
        trials: proposals in all.
        workers: trials at once.
        proposal_seconds: simulated time that the controller takes for a proposal, one after
            another: what makes many workers wait.

    Raises:
        ConfigError: a number out of range.
    """

    trials: int = 60
    workers: int = 1
    proposal_seconds: float = 0.0

    def __post_init__(self) -> None:
        finite = 0 <= self.proposal_seconds < float("inf")
        if self.trials < 1 or self.workers < 1 or not finite:
            raise ConfigError(
                "trials >= 1, workers >= 1 and a finite proposal_seconds >= 0 must hold, got "
                f"{self.trials}, {self.workers} and {self.proposal_seconds}"
            )


@dataclass(frozen=True)
class Ended:
    """A trial that ended; one that was stopped and taken up again ends once more.

    Attributes:
        number: in order of proposal.
        time: when it ended [simulated s].
        seconds: how long its worker was busy, since it was taken up.
        score: S as the study records it.
        truth: S of its configuration without noise.
    """

    number: int
    time: float
    seconds: float
    state: State
    score: float
    truth: float


@dataclass(frozen=True)
class Simulation:
    """A whole study: trials in order of ending, and what it cost.

    Attributes:
        idle: share of the workers' time in which they had nothing to do, until the last
            trial ended.
        controller_seconds: CPU time per trial that proposing and pruning really took.
    """

    ended: tuple[Ended, ...]
    idle: float
    controller_seconds: float


@dataclass
class _Running:
    """A trial.

    Attributes:
        done: seconds of its training before it was started (again).
        to_the_end: whether the rule is not asked any more.
    """

    proposal: Proposal
    training: Training
    started: float
    done: float = 0.0
    to_the_end: bool = False
    rungs: list[tuple[int, float]] = field(default_factory=list)

    @property
    def next_event(self) -> float:
        """When the next rung is reached, or the trial ends."""
        rungs, passed = self.training.rungs, len(self.rungs)
        at = rungs[passed].seconds if passed < len(rungs) else self.training.seconds
        return self.started + at - self.done


def simulate(
    problem: Problem, strategy: Strategy, pruning: Pruning, setting: Setting, seed: int
) -> Simulation:
    """Run a study.

    Raises:
        ConfigError: more trials than the problem has configurations.
    """
    if problem.size is not None and setting.trials > problem.size:
        raise ConfigError(
            f"{problem.name} has {problem.size} configurations, got trials={setting.trials}; "
            "ask for fewer trials"
        )
    return _Study(problem, strategy, pruning, setting, seed).run()


class _Study:
    """The running totals of a simulated study."""

    def __init__(
        self, problem: Problem, strategy: Strategy, pruning: Pruning, setting: Setting, seed: int
    ) -> None:
        self._problem, self._strategy, self._pruning = problem, strategy, pruning
        self._setting, self._seed = setting, seed
        #: (time, order of entry, number of a trial or None for a free worker)
        self._events: list[tuple[float, int, int | None]] = []
        self._entries = 0
        self._now = 0.0
        self._controller_free = 0.0
        self._cpu = 0.0
        self._running: dict[int, _Running] = {}
        self._stopped: dict[int, _Running] = {}
        self._history: dict[int, Observation] = {}
        #: every trial, as it ended or so far, by number
        self._trials: list[Observation] = []
        self._taken: set[Key] = set()
        self._ended: list[Ended] = []

    def run(self) -> Simulation:
        for _ in range(min(self._setting.workers, self._setting.trials)):
            self._enter(0.0, None)
        while self._events:
            self._now, _, number = heapq.heappop(self._events)
            if number is None:
                self._occupy()
            else:
                self._advance(number)
        busy = sum(e.seconds for e in self._ended)
        idle = 1.0 - busy / (self._setting.workers * self._now) if self._now else 0.0
        return Simulation(tuple(self._ended), idle, self._cpu / self._setting.trials)

    def _enter(self, when: float, number: int | None) -> None:
        heapq.heappush(self._events, (when, self._entries, number))
        self._entries += 1

    def _occupy(self) -> None:
        """Give a free worker a stopped trial or a new one, once the controller has the time."""
        if self._now < self._controller_free:
            self._enter(self._controller_free, None)
            return
        if len(self._trials) == self._setting.trials:
            self._complete()
            return
        promotable = self._promotable()
        if promotable:
            self._resume(promotable[0])
        else:
            self._propose()

    def _promotable(self) -> list[int]:
        with self._measured():
            stopped = [self._trials[number] for number in self._stopped]
            others = [t for t in self._trials if t.number not in self._stopped]
            problem = self._problem
            return self._pruning.promotable(stopped, others, problem.space, problem.epochs)

    def _complete(self) -> None:
        """Once nothing runs, train the stopped trial to its end that is expected to be the best."""
        if not self._running and (best := self._unfinished_best()) is not None:
            self._stopped[best].to_the_end = True
            self._resume(best)

    def _unfinished_best(self) -> int | None:
        with self._measured():
            return unfinished_best(self._problem.space, self._told(), self._stopped)

    def _resume(self, number: int) -> None:
        """Go on with a stopped trial from its last scored epoch."""
        trial = self._stopped.pop(number)
        trial.started, trial.done = self._now, trial.training.rungs[len(trial.rungs) - 1].seconds
        self._running[number] = trial
        self._enter(trial.next_event, number)

    def _propose(self) -> None:
        number = len(self._trials)
        pending = [r.proposal.point for r in self._running.values()]
        draws = np.random.default_rng([self._seed, number])
        with self._measured():
            space = self._problem.space
            proposed = self._strategy.propose(space, self._told(), pending, 1, draws)
        made = only_proposal(proposed, space, type(self._strategy).__name__, number)
        self._controller_free = self._now + self._setting.proposal_seconds
        self._start(number, self._settled(made))

    def _told(self) -> list[Observation]:
        """The history in order of number, as strategies see it."""
        return [self._history[n] for n in sorted(self._history)]

    def _settled(self, made: Proposal) -> Proposal:
        point: Point = self._problem.settle(made.point, self._taken)
        self._taken.add(self._problem.space.key(point))
        return Proposal(point, made.note)

    def _start(self, number: int, proposal: Proposal) -> None:
        training = self._problem.train(proposal.point, training_seed(self._seed, number))
        running = _Running(proposal, training, self._controller_free)
        self._running[number] = running
        self._trials.append(so_far(number, proposal.point, ()))
        self._enter(running.next_event, number)

    def _advance(self, number: int) -> None:
        """A trial reached its next rung or its end."""
        running = self._running[number]
        rungs = running.training.rungs
        if len(running.rungs) < len(rungs):
            rung = rungs[len(running.rungs)]
            running.rungs.append((rung.epoch, rung.score))
            self._trials[number] = so_far(number, running.proposal.point, running.rungs)
            if rung.epoch < self._problem.epochs and self._stops(number):
                self._end(number, State.PRUNED, rung.score)
            else:
                self._enter(running.next_event, number)
        elif running.training.failed:
            self._end(number, State.FAILED, running.training.score)
        else:
            self._end(number, State.COMPLETE, running.training.score)

    def _stops(self, number: int) -> bool:
        if self._running[number].to_the_end:
            return False
        with self._measured():
            others = self._trials[:number] + self._trials[number + 1 :]
            trial, problem = self._trials[number], self._problem
            return self._pruning.should_stop(trial, others, problem.space, problem.epochs)

    def _end(self, number: int, state: State, score: float) -> None:
        running = self._running.pop(number)
        point, rungs = running.proposal.point, tuple(running.rungs)
        epochs = rungs[-1][0] if rungs else 0
        note = running.proposal.note
        ended = Observation(number, point, state, score, epochs, rungs, note)
        self._history[number] = self._trials[number] = ended
        if state is State.PRUNED:
            self._stopped[number] = running
        seconds = self._now - running.started
        truth = self._problem.truth(point)
        self._ended.append(Ended(number, self._now, seconds, state, score, truth))
        self._enter(self._now, None)

    @contextmanager
    def _measured(self) -> Iterator[None]:
        begin = time.process_time()
        yield
        self._cpu += time.process_time() - begin
