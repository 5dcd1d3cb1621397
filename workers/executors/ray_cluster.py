"""A Ray cluster as the executor sees it: reached, measured, watched, and left again."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
import ray._private.ray_constants
import ray._private.services
import ray._private.worker
from ray.exceptions import ActorUnavailableError, OutOfMemoryError

from search_spaces.errors import ExecutorError
from workers.trial import Resources

NAMESPACE = "metaopt"
#: How long a cluster's port may take to answer [s].
REACH_SECONDS = 5.0
#: Time between two looks at the cluster's nodes [s].
LOOK_SECONDS = 2.0
#: How long the head may be out of reach before the study ends. Ray itself ends the process,
#: without a word to it, after 60 s (RAY_gcs_rpc_server_reconnect_timeout_s).
HEAD_SECONDS = 30.0
#: How long a node is left out on which a trial could not begin, or a worker fell silent [s].
LEFT_OUT_SECONDS = 300.0

#: Ray's switch for machines that must not listen to others; read where it is imported.
_LOOPBACK_SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


class Cluster:
    """The connection of this process to a cluster.

    Args:
        address: of a running one ("auto" or host:port); empty starts one on this machine,
            which listens on the loopback interface only.

    Raises:
        ExecutorError: it cannot be reached.
    """

    def __init__(self, address: str) -> None:
        self.local = not address
        self._info = _connect(address)
        self._head = self._info.get("gcs_address", "")
        self._heard = self._looked = time.monotonic()
        self._nodes: list[dict[str, Any]] = ray.nodes()
        self._left_out: dict[str, float] = {}

    def look(self) -> None:
        """See which nodes there are, if the last look is old.

        Raises:
            ExecutorError: the head has been out of reach for long.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if _answers(self._head):
            self._heard = now
            self._nodes = ray.nodes()
        elif now - self._heard > HEAD_SECONDS:
            raise ExecutorError(
                f"the head of the Ray cluster must answer, {self._head} has not for "
                f"{HEAD_SECONDS:g} s; start the cluster again, and the same command resumes"
            )

    def room(self, resources: Resources) -> int:
        """How many workers the present nodes hold, but for those that are left out."""
        out = self.left_out()
        return sum(_fitting(n["Resources"], resources) for n in self._alive() if _id(n) not in out)

    def resources(self) -> str:
        """What all nodes have, in words."""
        have = {k: sum(n["Resources"].get(k, 0) for n in self._alive()) for k in ("CPU", "GPU")}
        return f"{have['CPU']:g} CPUs and {have['GPU']:g} GPUs"

    def leave_out(self, node: str) -> None:
        """Use a node, given by id or by address, no more for some minutes."""
        for known in self._nodes:
            if node in (_id(known), known["NodeManagerAddress"]):
                self._left_out[_id(known)] = time.monotonic() + LEFT_OUT_SECONDS

    def left_out(self) -> Collection[str]:
        """Ids of the nodes to avoid; none where no other would be left."""
        now = time.monotonic()
        out = {node for node, until in self._left_out.items() if until > now}
        return out if {_id(n) for n in self._alive()} - out else set()

    def leave(self, *, keep_logs: bool = False) -> None:
        """Close the connection; a local cluster ends, its folder too unless logs are wanted."""
        ray.shutdown()
        if self.local and not keep_logs:
            shutil.rmtree(Path(self._info["session_dir"]), ignore_errors=True)

    def _alive(self) -> Iterator[dict[str, Any]]:
        return (node for node in self._nodes if node["Alive"])


def cause_of_death(failure: BaseException) -> str:
    """Why Ray says that an actor is gone, in brief: its own text is a page."""
    text = str(failure)
    where = address_in(text)
    place = f" on {where}" if where else ""
    if isinstance(failure, OutOfMemoryError) or "running low on memory" in text:
        return f"Ray ended it, as the memory{place} was nearly used up"
    if isinstance(failure, ActorUnavailableError):
        return "its node was lost, or cannot be reached"
    if "node has died" in text or "node was terminated" in text:
        return f"its node{' ' + where if where else ''} was lost"
    if "creation task" in text:
        last = text.strip().splitlines()[-1].strip()
        return f"it could not start{place} ({last}); the same metaopt must be on every node"
    pid = re.search(r"pid: (\d+)", text)
    which = f" {pid[1]}" if pid else ""
    return f"its process{which}{place} ended (killed, out of memory, or crashed)"


def only_its_process(failure: BaseException) -> bool:
    """Whether an actor's process ended, and nothing is known against its node."""
    return "worker process has died" in str(failure)


def address_in(text: str) -> str:
    """The address of the node that a text of Ray names, or an empty one."""
    found = re.search(r"\bip[:=] ?([\w.:]+)", text)
    return found[1].rstrip(".:") if found else ""


def _connect(address: str) -> dict[str, Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    common = {"namespace": NAMESPACE, "log_to_driver": False, "logging_level": "ERROR"}
    # The news of lost nodes and processes would go to standard output, pages of it.
    ray._private.worker._worker_logs_enabled = False
    try:
        if address:
            found = _found(address)
            _check_port(found)
            return dict(ray.init(address=found, **common).address_info)
        # The cores that this process may use: a batch job often has fewer than the machine.
        cpus = len(os.sched_getaffinity(0))
        with _loopback_only():
            context = ray.init(address="local", num_cpus=cpus, include_dashboard=False, **common)
        return dict(context.address_info)
    except Exception as failure:  # Ray raises a dozen kinds here
        raise ExecutorError(_connection_advice(address, failure)) from failure


@contextmanager
def _loopback_only() -> Iterator[None]:
    """Keep the processes that are started meanwhile from listening to other machines.

    Ray replaces 127.0.0.1 by the machine's address unless it takes itself to be on a system
    without clusters.
    """
    constants = ray._private.ray_constants
    before = os.environ.get(_LOOPBACK_SWITCH), constants.ENABLE_RAY_CLUSTER
    os.environ[_LOOPBACK_SWITCH], constants.ENABLE_RAY_CLUSTER = "0", False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before[1]
        if before[0] is None:
            del os.environ[_LOOPBACK_SWITCH]
        else:
            os.environ[_LOOPBACK_SWITCH] = before[0]


def _found(address: str) -> str:
    """The cluster that runs on this machine, for "auto"; any other address as Ray takes it.

    Ray takes any head's process for "auto", also one that another study started for itself and
    that answers nobody else, and waits for it for minutes.
    """
    if address != "auto":
        return _of_this_machine(address)
    services = ray._private.services
    given = os.environ.get("RAY_ADDRESS")
    last = services.find_bootstrap_address(None)
    known = [given] if given else [last, *sorted(services.find_gcs_addresses())]
    for place in (_of_this_machine(place) for place in known if place):
        if _answers(place):
            return place
    raise ConnectionError("no cluster that answers has a node on this machine")


def _of_this_machine(address: str) -> str:
    """An address with this machine's name for 127.0.0.1, as Ray replaces it."""
    host, colon, port = address.rpartition(":")
    if not port.isdigit():
        return address
    return f"{ray._private.services.resolve_ip_for_localhost(host)}{colon}{port}"


def _check_port(address: str) -> None:
    """Fail at once where nothing listens: Ray itself waits for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        # An address of IPv6 stands in brackets.
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_SECONDS).close()


def _answers(address: str) -> bool:
    with suppress(OSError):
        _check_port(address)
        return True
    return False


def token_advice(address: str, *, another: bool) -> str:
    """What to set for a cluster that wants a token, or another one than it was shown."""
    return (
        f"the Ray cluster at {address} wants {'another' if another else 'a'} token: set "
        "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH, or the file "
        "~/.ray/auth_token) as on its head"
    )


def _connection_advice(address: str, failure: Exception) -> str:
    # What Ray raises for a wrong token names the address only.
    text = str(failure.__cause__ or failure).strip()
    if "authentication token" in text.lower():
        shown = os.environ.get("RAY_AUTH_MODE") == "token" and "missing or incorrect" in text
        return token_advice(address, another=shown)
    cause = f"{type(failure).__name__}: {(text.splitlines() or [''])[0]}"
    if not address:
        if isinstance(failure, OSError) and ".ray" in Path(str(failure.filename)).parts:
            return (
                f"Ray could not be started, as it keeps its token below HOME ({cause}); "
                "set HOME to a folder that can be written to, or RAY_AUTH_TOKEN to a secret"
            )
        return (
            f"Ray could not be started on this machine ({cause}); it may be too busy or short of "
            "memory: make room, and the same command goes on"
        )
    return f"Ray at {address} cannot be reached ({cause}); check the address"


def _fitting(have: dict[str, float], resources: Resources) -> int:
    """How many workers a node holds."""
    fit = int(have.get("CPU", 0) // resources.cpus)
    if resources.gpus:
        fit = min(fit, int(have.get("GPU", 0) / resources.gpus + 1e-9))
    return fit


def _id(node: dict[str, Any]) -> str:
    return str(node["NodeID"])
