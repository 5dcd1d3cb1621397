"""Trials on a pool of Ray actors, on this machine or on a cluster.

Ray Core, not Ray Tune: an actor stays alive over many trials, because importing
TensorFlow costs seconds. Ray never restarts or retries by itself
(``max_restarts=0, max_task_retries=0``): the controller does, and records it.

On a running cluster the actors are detached: they outlive the controller, and the
study's next one finds them by their names and takes up what they run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from search_spaces.errors import ExecutorError
from workers.executors.base import Executor
from workers.executors.inline import KILLED, lost
from workers.executors.ray_actors import Actor, Found, find_actors, new_actor
from workers.executors.ray_cluster import Cluster, address_in, cause_of_death, only_its_process
from workers.trial import (
    NEVER_BEGAN,
    WORKER_DIED,
    Outcome,
    Resources,
    TrialEvent,
    TrialResult,
    TrialSpec,
    event_of,
)

#: Trials after which an actor is replaced: TensorFlow does not give all memory back.
TRIALS_PER_ACTOR = 25
#: How long a trial may wait for an actor while more trials run than there is room for [s].
START_SECONDS = 30.0
#: How long a cluster may have no node that holds a worker [s].
NO_ROOM_SECONDS = 600.0


@dataclass
class _Running:
    """A trial on its actor.

    Attributes:
        call: the outstanding one; None until the events of the last one are dealt with.
        spec: None once the trial is known to have begun.
        seen: how many events came.
    """

    actor: Actor
    call: Any
    spec: TrialSpec | None = None
    seen: int = 0
    killed: bool = False
    since: float = field(default_factory=time.monotonic)


class RayExecutor:
    """A pool of ``workers`` actors.

    Args:
        workers: how many trials run at once; 0 = as many as the cluster has room for.
        resources: what each trial needs.
        address: of a running cluster ("auto" or host:port); empty starts a local one.
        study: key of the study, the same for each of its controllers.

    Raises:
        ExecutorError: the cluster cannot be reached, or can never give the resources.
    """

    def __init__(
        self, workers: int, resources: Resources, address: str = "", study: str = ""
    ) -> None:
        self._cluster = Cluster(address)
        self._workers, self._resources = workers, resources
        self._study = study if address else ""
        self._running: dict[int, _Running] = {}
        self._idle: list[Actor] = []
        self._left: dict[int, Found] | None = None
        self._died = False
        self._had_room = time.monotonic()
        if self._cluster.room(resources) < max(workers, 1):
            have = self._cluster.resources()
            self._cluster.leave()
            raise ExecutorError(
                f"{max(workers, 1)} workers need {resources.cpus} CPUs and {resources.gpus:g} "
                f"GPUs each, the Ray cluster has {have}; lower workers, cpus or gpus"
            )

    @property
    def slots(self) -> int:
        """How many trials run at once on the nodes of the moment; one may wait for room."""
        room = self._cluster.room(self._resources)
        return max(min(self._workers or room, room), 1)

    def submit(self, spec: TrialSpec) -> None:
        """Start a trial on an idle actor, or on a new one."""
        if len(self._running) >= self.slots:
            raise ExecutorError(f"all {self.slots} workers are busy; wait for a result")
        self._take_over()
        self._start(spec, self._idle.pop() if self._idle else self._new_actor())

    def adopt(self, number: int) -> bool:
        """Take up a trial that an earlier controller left running."""
        found = self._found().pop(number, None)
        if found is not None:
            self._running[number] = _Running(found.actor, found.actor.events_after(0))
        return found is not None

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        """What the running trials yielded, waiting at most ``timeout`` seconds for the first.

        Raises:
            ExecutorError: the cluster's head is gone, or all nodes for long.
        """
        self._cluster.look()
        self._check_room()
        events = list(self._without_room())
        for running in self._running.values():
            # Not before: to the worker it says that the controller has decided on the last epoch.
            if running.call is None:
                running.call = running.actor.events_after(running.seen)
        calls = {running.call: number for number, running in self._running.items()}
        if not calls:
            return events
        ready, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        if not ready and not events:
            ready, _ = ray.wait(list(calls), num_returns=1, timeout=timeout)
        for call in ready:
            events += [(calls[call], event) for event in self._answer(calls[call])]
        return events

    def stop(self, number: int) -> None:
        """End the trial after its present epoch."""
        if number in self._running:
            self._running[number].actor.stop(number)

    def kill(self, number: int) -> None:
        """End the trial's actor at once; the outstanding call then says so."""
        if number in self._running:
            self._running[number].killed = True
            self._running[number].actor.kill()

    def close(self) -> None:
        """End all actors, and the local cluster if there is one.

        Those of an earlier controller too, if this one ever took the study over.
        """
        actors = [running.actor for running in self._running.values()] + self._idle
        for actor in actors + [found.actor for found in (self._left or {}).values()]:
            actor.kill()
        self._running, self._idle, self._left = {}, [], {}
        self._cluster.leave(keep_logs=self._died)

    # -- trials ---------------------------------------------------------------------------

    def _start(self, spec: TrialSpec, actor: Actor) -> None:
        self._running[spec.number] = _Running(actor, actor.start(spec), spec)

    def _answer(self, number: int) -> list[TrialEvent]:
        """The events that a trial's outstanding call brought."""
        running = self._running[number]
        try:
            reply = ray.get(running.call)
        except RayTaskError as failure:
            return [self._lost(number, lost(_cause(failure)))]
        except RayError as failure:
            return self._broken(number, failure)
        if running.spec is not None:
            running.actor.node, problem = reply
            if problem:
                self._cluster.leave_out(running.actor.node)
                return [self._lost(number, _never_began(problem))]
            running.spec, reply = None, []
        events = [event_of(message) for message in reply]
        running.seen += len(events)
        if events and isinstance(events[-1], TrialResult):
            self._ended(number, events[-1])
        else:
            running.call = None
        return events

    def _broken(self, number: int, failure: RayError) -> list[TrialEvent]:
        """What a dead actor means for its trial."""
        running = self._running[number]
        if running.killed:
            return [self._lost(number, TrialResult(Outcome.LOST, reason=KILLED))]
        if running.spec is not None and running.actor.trials > 1:
            # It died while it was idle, which costs no trial.
            running.actor.kill()
            self._start(running.spec, self._new_actor())
            return []
        self._died = True
        if not only_its_process(failure):
            self._cluster.leave_out(running.actor.node or address_in(str(failure)))
        return [self._lost(number, _died(f": {cause_of_death(failure)}"))]

    def _lost(self, number: int, result: TrialResult) -> TrialResult:
        self._ended(number, result)
        return result

    def _ended(self, number: int, result: TrialResult) -> None:
        actor = self._running.pop(number).actor
        if result.outcome is Outcome.LOST:
            actor.kill()
        else:
            self._keep(actor)

    def _keep(self, actor: Actor) -> None:
        """For another trial, unless it is worn out or of other resources."""
        if actor.alike and actor.trials < TRIALS_PER_ACTOR:
            self._idle.append(actor)
        else:
            actor.kill()

    # -- the cluster ----------------------------------------------------------------------

    def _new_actor(self) -> Actor:
        return new_actor(self._resources, self._study, self._cluster.left_out())

    def _found(self) -> dict[int, Found]:
        """What earlier controllers left. Not asked before this one holds the study."""
        if self._left is None:
            self._left = find_actors(self._resources, self._study)
        return self._left

    def _take_over(self) -> None:
        """End what nobody took up; keep the actors that are idle."""
        for found in self._found().values():
            if found.running:
                found.actor.kill()
            else:
                self._keep(found.actor)
        self._left = {}

    def _without_room(self) -> Iterator[tuple[int, TrialEvent]]:
        """End trials that wait for an actor of nodes that are there no more, but for one."""
        latest = time.monotonic() - START_SECONDS
        waiting = [n for n, r in self._running.items() if r.spec is not None and r.since < latest]
        surplus = max(len(self._running) - self.slots, 0)
        for number in waiting[:surplus]:
            result = _never_began("no node of the cluster has room for it")
            yield number, self._lost(number, result)

    def _check_room(self) -> None:
        begun = any(running.spec is None for running in self._running.values())
        if begun or self._cluster.room(self._resources):
            self._had_room = time.monotonic()
        elif time.monotonic() - self._had_room > NO_ROOM_SECONDS:
            raise ExecutorError(
                f"a worker needs {self._resources.cpus} CPUs and {self._resources.gpus:g} GPUs, "
                f"no node of the Ray cluster has had them for {NO_ROOM_SECONDS:g} s; add one, and "
                "the same command resumes the study"
            )


def _never_began(problem: str) -> TrialResult:
    return TrialResult(Outcome.LOST, reason=f"{NEVER_BEGAN}: {problem}")


def _died(cause: str) -> TrialResult:
    return TrialResult(Outcome.LOST, reason=f"{WORKER_DIED}{cause}")


def _cause(failure: BaseException) -> BaseException:
    """The exception inside Ray's wrapper, whose text is one line instead of a traceback."""
    cause = getattr(failure, "cause", None)
    return cause if isinstance(cause, BaseException) else failure


_: type[Executor] = RayExecutor
