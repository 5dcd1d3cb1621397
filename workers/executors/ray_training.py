"""Several Ray actors that train one model together, step by step in time.

Ray places them and says when one dies; what they add up goes between them directly, by
:mod:`workers.production.ring`. A worker cannot be replaced in the middle of an epoch: when one
dies the others end, and as many as can be had go on from the last checkpoint.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from search_spaces.errors import ExecutorError, MetaoptError
from search_spaces.records import decode, encode
from workers.executors.ray_cluster import Cluster, cause_of_death
from workers.production import checkpoints
from workers.production.record import EpochRecord
from workers.production.ring import Address, Door
from workers.production.spec import TrainingSpec
from workers.production.training import Training

#: How long actors may take to start [s].
START_SECONDS = 120.0
#: How long the actors beside one that failed may take to end by themselves [s].
ENDING_SECONDS = 5.0
#: Pauses before further attempts without a new epoch [s]; after the last one it is over.
PAUSES = (2.0, 5.0, 30.0)

#: Told why workers were lost, and how many go on.
Restarted = Callable[[str, int], None]


class _Member:
    """What Ray runs: one worker of a team."""

    def listen(self, local: bool, key: bytes) -> Address:
        """Open a door for the other workers; where it is."""
        self._door = Door("127.0.0.1" if local else ray.util.get_node_ip_address(), key)
        return self._door.address

    def begin(
        self, spec: Mapping[str, Any], done: int, rank: int, addresses: Sequence[Address]
    ) -> None:
        """Load the showers and the model of the last checkpoint."""
        made = TrainingSpec.from_json(spec)
        saved = checkpoints.latest(made)
        if (len(saved.records) if saved else 0) != done:
            raise ExecutorError(
                f"all workers must see the checkpoints in {made.folder}; give an -o on a file "
                "system that all nodes share"
            )
        ring = self._door.ring(rank, addresses) if len(addresses) > 1 else None
        self._training = Training(made, saved, ring)

    def advance(self) -> dict[str, Any] | None:
        """Train an epoch; the first worker returns its record."""
        record = self._training.advance()
        return None if record is None else dict(encode(record))


class _LostError(Exception):
    """A worker died, or broke."""


def team_epochs(
    spec: TrainingSpec, workers: int, address: str, restarted: Restarted
) -> Generator[EpochRecord, None, None]:
    """Train the epochs that are left; each one that is yielded is kept.

    Args:
        spec: the training; its folder is to be one that all workers see.
        workers: that share each batch.
        address: of a running cluster; empty starts a local one.
        restarted: told when workers were lost.

    Raises:
        ExecutorError: workers cannot be had, or die again and again without a new epoch.
        MetaoptError: what a worker raised on purpose.
    """
    cluster = Cluster(address)
    try:
        _check_room(cluster, spec, workers)
        fruitless, done = 0, _done(spec)
        while True:
            try:
                yield from _sitting(cluster, spec, min(workers, cluster.room(spec.resources)))
                return
            except _LostError as failure:
                reached = _done(spec)
                fruitless, done = (0, reached) if reached > done else (fruitless + 1, done)
                if fruitless > len(PAUSES):
                    raise ExecutorError(
                        f"workers were lost {fruitless} times since epoch {done}, the last time: "
                        f"{failure}; the same command goes on from there"
                    ) from failure
                room = _room_after_a_pause(cluster, spec, PAUSES[max(fruitless - 1, 0)])
                restarted(str(failure), min(workers, room))
    finally:
        cluster.leave()


def _check_room(cluster: Cluster, spec: TrainingSpec, workers: int) -> None:
    if cluster.room(spec.resources) < workers:
        raise ExecutorError(
            f"{workers} workers need {spec.resources.cpus} CPUs and {spec.resources.gpus:g} GPUs "
            f"each, the Ray cluster has {cluster.resources()}; lower --workers, --cpus or --gpus"
        )


def _room_after_a_pause(cluster: Cluster, spec: TrainingSpec, pause: float) -> int:
    """How many workers there is room for, once Ray knows which nodes are left."""
    time.sleep(pause)
    cluster.look()
    room = cluster.room(spec.resources)
    if not room:
        raise ExecutorError(
            f"a worker needs {spec.resources.cpus} CPUs and {spec.resources.gpus:g} GPUs, no node "
            "of the Ray cluster has them any more; add one, and the same command goes on"
        )
    return room


def _done(spec: TrainingSpec) -> int:
    saved = checkpoints.latest(spec)
    return len(saved.records) if saved else 0


def _sitting(
    cluster: Cluster, spec: TrainingSpec, workers: int
) -> Generator[EpochRecord, None, None]:
    """Epochs of workers that are started for them, until the last one or a loss."""
    done = _done(spec)
    if done == spec.epochs:
        return
    members = [_new_member(spec) for _ in range(workers)]
    try:
        key = secrets.token_bytes(32)
        doors = [member.listen.remote(cluster.local, key) for member in members]
        addresses = _answers(doors, START_SECONDS)
        _answers(
            [m.begin.remote(spec.to_json(), done, i, addresses) for i, m in enumerate(members)]
        )
        for _ in range(spec.epochs - done):
            record, *_ = _answers([member.advance.remote() for member in members])
            yield decode(EpochRecord, record, "record")
    finally:
        for member in members:
            ray.kill(member)


def _new_member(spec: TrainingSpec) -> Any:
    given = {"num_cpus": spec.resources.cpus, "num_gpus": spec.resources.gpus}
    return ray.remote(_Member).options(**given, max_restarts=0, max_task_retries=0).remote()


def _answers(calls: Sequence[Any], timeout: float | None = None) -> list[Any]:
    """What all workers answer, or why one of them does not."""
    waiting = list(calls)
    failures: list[Exception] = []
    while waiting:
        ready, waiting = ray.wait(waiting, timeout=ENDING_SECONDS if failures else timeout)
        if not ready:
            break
        try:
            ray.get(ready[0])
        except RayError as failure:
            failures.append(failure)
    if failures:
        raise _reason(failures)
    try:
        return list(ray.get(list(calls), timeout=timeout))
    except GetTimeoutError:
        raise _LostError(f"{len(waiting)} workers did not start within {timeout:g} s") from None


def _reason(failures: Sequence[Exception]) -> Exception:
    """The failure that came before the others: a death breaks the ring of all."""
    for failure in failures:
        if not isinstance(failure, RayTaskError):
            return _LostError(f"a worker was lost: {cause_of_death(failure)}")
    causes = [getattr(failure, "cause", failure) for failure in failures]
    for cause in causes:
        if isinstance(cause, MetaoptError):
            return cause
    first = (str(causes[0]).strip().splitlines() or [""])[-1]
    return _LostError(f"a worker broke ({type(causes[0]).__name__}: {first})")
