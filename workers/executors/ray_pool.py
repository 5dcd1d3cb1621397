"""Trials on a pool of Ray actors, on this machine or on a cluster.

Ray Core, not Ray Tune: an actor stays alive over many trials, because importing
TensorFlow costs seconds. Ray never restarts or retries by itself
(``max_restarts=0, max_task_retries=0``): the controller does, and records it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError

from search_spaces.errors import ExecutorError
from search_spaces.records import decode, encode
from workers.executors.base import Executor
from workers.executors.inline import lost
from workers.runner import trial_events
from workers.trial import Outcome, Progress, Resources, TrialEvent, TrialResult, TrialSpec

NAMESPACE = "metaopt"
#: Trials after which an actor is replaced: TensorFlow does not give all memory back.
TRIALS_PER_ACTOR = 25
#: How long a cluster's port may take to answer [s].
REACH_SECONDS = 5.0


class _Worker:
    """The actor: runs one trial at a time; a second thread takes the stop request."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def run(self, spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self._stop.clear()
        for event in trial_events(TrialSpec.from_json(spec), self._stop.is_set):
            yield {"type": type(event).__name__, "data": _plain(event)}

    def stop(self) -> None:
        self._stop.set()


@dataclass
class _Slot:
    """One place for a trial: its actor, and the stream of the trial that runs."""

    actor: Any = None
    trials: int = 0
    number: int | None = None
    stream: Any = None


class RayExecutor:
    """A pool of ``workers`` actors.

    Args:
        workers: how many trials run at once; 0 = as many as the resources allow.
        resources: what each trial needs.
        address: of a running cluster ("auto" or host:port); empty starts a local one.
        study: key of the study, the same for each of its controllers.

    Raises:
        ExecutorError: the cluster cannot be reached, or can never give the resources.
    """

    def __init__(
        self, workers: int, resources: Resources, address: str = "", study: str = ""
    ) -> None:
        _connect(address)
        fitting = _fitting_workers(resources)
        if fitting < max(workers, 1):
            have = {k: v for k, v in ray.cluster_resources().items() if k in ("CPU", "GPU")}
            ray.shutdown()
            raise ExecutorError(
                f"{max(workers, 1)} workers need {resources.cpus} CPUs and {resources.gpus:g} "
                f"GPUs each, the Ray cluster has {have.get('CPU', 0):g} CPUs and "
                f"{have.get('GPU', 0):g} GPUs; lower workers, cpus or gpus"
            )
        self._resources = resources
        self._study = study
        self._slots = [_Slot() for _ in range(workers or fitting)]

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        return len(self._slots)

    def submit(self, spec: TrialSpec) -> None:
        """Start a trial on a free actor, replacing one that has run its share of trials."""
        slot = next((s for s in self._slots if s.number is None), None)
        if slot is None:
            raise ExecutorError(f"all {self.slots} workers are busy; wait for a result")
        if slot.actor is not None and slot.trials >= TRIALS_PER_ACTOR:
            self._discard(slot)
        if slot.actor is None:
            slot.actor = self._new_actor()
        slot.trials += 1
        slot.number = spec.number
        slot.stream = slot.actor.run.options(num_returns="streaming").remote(spec.to_json())

    def adopt(self, number: int) -> bool:
        """Take up a trial that an earlier controller left running."""
        del number
        return False

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        """What the running trials yielded, waiting at most ``timeout`` seconds for the first."""
        running = {s.stream: s for s in self._slots if s.number is not None}
        if not running:
            return []
        ready, _ = ray.wait(list(running), num_returns=len(running), timeout=0)
        if not ready:
            ready, _ = ray.wait(list(running), num_returns=1, timeout=timeout)
        return [self._next(running[stream]) for stream in ready]

    def _next(self, slot: _Slot) -> tuple[int, TrialEvent]:
        number = slot.number
        assert number is not None
        try:
            event = _event(ray.get(next(slot.stream)))
        except (RayError, StopIteration) as failure:
            event = lost(_cause(failure))
            self._discard(slot)
        if isinstance(event, TrialResult):
            slot.number, slot.stream = None, None
        return number, event

    def stop(self, number: int) -> None:
        """End the trial after its present epoch."""
        for slot in self._slots:
            if slot.number == number:
                slot.actor.stop.remote()

    def kill(self, number: int) -> None:
        """End the trial's actor at once; the stream then ends with LOST."""
        for slot in self._slots:
            if slot.number == number:
                ray.kill(slot.actor)

    def close(self) -> None:
        """End all actors, and the local cluster if there is one."""
        for slot in self._slots:
            self._discard(slot)
        ray.shutdown()

    def _new_actor(self) -> Any:
        # max_concurrency=2: `stop` is served while `run` is running.
        options = {
            "num_cpus": self._resources.cpus,
            "num_gpus": self._resources.gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": 2,
        }
        return ray.remote(_Worker).options(**options).remote()

    def _discard(self, slot: _Slot) -> None:
        if slot.actor is not None:
            ray.kill(slot.actor)
        slot.actor, slot.trials = None, 0


def _connect(address: str) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    common = {"namespace": NAMESPACE, "log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address:
            _check_port(address)
            ray.init(address=address, **common)
        else:
            # The cores that this process may use: a batch job often has fewer than the machine.
            cpus = len(os.sched_getaffinity(0))
            ray.init(address="local", num_cpus=cpus, include_dashboard=False, **common)
    except Exception as failure:  # Ray raises a dozen kinds here
        raise ExecutorError(_connection_advice(address, failure)) from failure


def _check_port(address: str) -> None:
    """Fail at once where nothing listens: Ray itself waits for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()


def _connection_advice(address: str, failure: Exception) -> str:
    first = str(failure).strip().splitlines()[0] if str(failure).strip() else ""
    text = f"Ray at {address or 'this machine'} cannot be reached ({type(failure).__name__}: "
    text += f"{first}); check the address"
    if "auth" in str(failure).lower():
        text += (
            ". The cluster wants a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or "
            "RAY_AUTH_TOKEN_PATH) to the cluster's, as `ray start` printed"
        )
    return text


def _fitting_workers(resources: Resources) -> int:
    """How many workers the nodes can hold."""
    total = 0
    for node in ray.nodes():
        if node["Alive"]:
            have = node["Resources"]
            fit = int(have.get("CPU", 0) // resources.cpus)
            if resources.gpus:
                fit = min(fit, int(have.get("GPU", 0) / resources.gpus + 1e-9))
            total += fit
    return total


def _plain(event: TrialEvent) -> dict[str, Any]:
    return dict(encode(event))


def _event(message: dict[str, Any]) -> TrialEvent:
    if message["type"] == "Progress":
        return decode(Progress, message["data"], "progress")
    data = message["data"] | {"outcome": Outcome(message["data"]["outcome"])}
    return decode(TrialResult, data, "result")


def _cause(failure: BaseException) -> BaseException:
    """The exception inside Ray's wrapper, whose text is one line instead of a traceback."""
    cause = getattr(failure, "cause", None)
    return cause if isinstance(cause, BaseException) else failure


_: type[Executor] = RayExecutor
