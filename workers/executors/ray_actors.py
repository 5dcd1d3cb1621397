"""The actors of a study: made, asked, and found again by a later controller."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from search_spaces.records import encode
from workers.executors.ray_cluster import NAMESPACE
from workers.executors.worker import ALONE_SECONDS, Worker, version
from workers.trial import Resources, TrialSpec

#: How long an actor keeps a question for events that there are not yet [s].
POLL_SECONDS = 30.0
#: How long the actors of an earlier controller may take to say what they do [s].
ABOUT_SECONDS = 10.0


class _Process(Worker):
    """What Ray runs."""

    def start(self, *trial: Any) -> tuple[str, str]:
        """The id of the node that this is, and what :meth:`begin` answers."""
        return _node(), self.begin(*trial)

    def about(self) -> dict[str, Any]:
        return super().about() | {"node": _node()}


def _node() -> str:
    return str(ray.get_runtime_context().get_node_id())


@dataclass
class Actor:
    """An actor from the controller's side.

    Attributes:
        trials: how many it has had.
        node: id of its node, once that is known.
        alike: whether it has the resources that this controller's trials ask for.
    """

    handle: Any
    trials: int = 0
    node: str = ""
    alike: bool = True

    def start(self, spec: TrialSpec) -> Any:
        """Begin a trial; the call answers with node id and what stands against it."""
        self.trials += 1
        seen = [f for f in (*spec.data.files, spec.reference) if f and Path(f).is_file()]
        return self.handle.start.remote(spec.to_json(), version(), seen)

    def events_after(self, seen: int) -> Any:
        """Ask for further events of its trial."""
        return self.handle.events_after.remote(seen, POLL_SECONDS)

    def stop(self, number: int) -> None:
        """Ask that trial to end."""
        self.handle.stop.remote(number)

    def kill(self) -> None:
        """End the process at once."""
        ray.kill(self.handle)


def new_actor(resources: Resources, study: str, left_out: Collection[str]) -> Actor:
    """Ask Ray for an actor; it starts when a node has room.

    Args:
        resources: of its trials.
        study: key by which later controllers find it; empty: it ends with this process.
        left_out: ids of nodes where it must not be.
    """
    options: dict[str, Any] = {
        "num_cpus": resources.cpus,
        "num_gpus": resources.gpus,
        "max_restarts": 0,
        "max_task_retries": 0,
        # One question for events may wait, and those of dead controllers.
        "max_concurrency": 8,
    }
    if study:
        options |= {"name": f"{study}-{uuid.uuid4().hex[:8]}", "lifetime": "detached"}
    if left_out:
        options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(left_out))})"}
    made = ray.remote(_Process).options(**options)
    return Actor(made.remote(encode(resources), ALONE_SECONDS if study else None))


@dataclass(frozen=True)
class Found:
    """An actor of an earlier controller, with its last trial."""

    actor: Actor
    running: bool


def find_actors(resources: Resources, study: str) -> dict[int, Found]:
    """A study's actors by the number of their last trial.

    Ends those that do not answer, that run another version, or that never had a trial.
    """
    calls = {handle.about.remote(): handle for handle in (_named(f"{study}-") if study else ())}
    if calls:
        ray.wait(list(calls), num_returns=len(calls), timeout=ABOUT_SECONDS)
    found: dict[int, Found] = {}
    for call, handle in calls.items():
        about = _answer(call)
        if about["version"] == version() and about["number"] is not None:
            alike = about["resources"] == encode(resources)
            actor = Actor(handle, about["trials"], about["node"], alike)
            found[about["number"]] = Found(actor, about["running"])
        else:
            ray.kill(handle)
    return found


def _named(prefix: str) -> Iterator[Any]:
    for actor in ray.util.list_named_actors(all_namespaces=True):
        if actor["namespace"] == NAMESPACE and actor["name"].startswith(prefix):
            with suppress(ValueError):  # it has died meanwhile
                yield ray.get_actor(actor["name"], namespace=NAMESPACE)


def _answer(call: Any) -> dict[str, Any]:
    try:
        return dict(ray.get(call, timeout=0))
    except RayError:  # it is dead, or silent
        return {"version": "", "number": None}
