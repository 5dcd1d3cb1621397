"""A real Ray cluster of several nodes on this machine, whose nodes can be ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from workers.executors import ray_cluster
from workers.executors.ray_pool import RayExecutor
from workers.trial import Resources, TrialEvent, TrialResult

from .ports import free_ports, listens
from .processes import MARK, marked, until

#: A dead node is given up after three checks in a row; a slow one may take 5 s to answer.
QUICK = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "3",
}
OPEN = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}

#: What Ray itself warns of in the process that connects to it.
IGNORE_RAYS_WARNINGS = [
    pytest.mark.filterwarnings(f"ignore::{category}")
    for category in (
        "ResourceWarning",
        "pytest.PytestUnraisableExceptionWarning",
        "FutureWarning",
        "DeprecationWarning",
    )
]


class Cluster:
    """A head, by default without processors, and nodes with one each, all on this machine.

    The processors, and graphics processors, are what Ray is told: nothing uses more or fewer.
    """

    def __init__(self, cpus: int = 0, gpus: int = 0, **environment: str) -> None:
        # Ray's sockets lie below it: their paths have 107 characters at most.
        folder = self.folder = Path(tempfile.mkdtemp(prefix="ray-"))
        self.environment = {**os.environ, **QUICK, **OPEN, MARK: str(folder)}
        self.environment |= environment
        self.mark = str(folder)
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        options = ("--head", f"--port={port}", f"--num-cpus={cpus}", f"--num-gpus={gpus}")
        own = (f"--temp-dir={folder}", "--include-dashboard=false")
        self.head = self._start(*options, *own)
        until(lambda: listens(port))

    def add(self, hidden: Path | None = None, **environment: str) -> None:
        """Begin to start a node, on which a folder may look empty."""
        own = ("unshare", "--map-root-user", "--mount", "sh", "-c")
        hide = (*own, f'mount -t tmpfs none {hidden} && exec "$@"', "sh") if hidden else ()
        own_folder = tempfile.mkdtemp(dir=self.folder)
        options = (f"--address={self.address}", "--num-cpus=1", f"--temp-dir={own_folder}")
        self._start(*options, before=hide, **environment)

    def wait(self, workers: int) -> None:
        """Until the nodes have room for so many. Each new connection costs them seconds."""
        connection = ray_cluster.Cluster(self.address)

        def ready() -> bool:
            connection.look()
            return connection.room(Resources()) == workers

        try:
            until(ready)
        finally:
            connection.leave()

    def _start(
        self, *options: str, before: Sequence[str] = (), **environment: str
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*before, Path(sys.executable).with_name("ray"), "start", "--block", *options],
            env=self.environment | environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end_node_of(self, process: int) -> None:
        """End a process and its node at once, as a power cut does."""
        raylet = next(p for p in ancestors(process) if b"raylet" in command(p))
        start = next(p for p in ancestors(raylet) if b"start" in command(p))
        os.killpg(start, signal.SIGKILL)
        for pid in (process, raylet):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        for pid in marked(self.mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.head.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


Events = list[tuple[int, TrialEvent]]


def collect(executor: RayExecutor, until: Callable[[Events], bool], seconds: float = 300) -> Events:
    events: Events = []
    deadline = time.monotonic() + seconds
    while not until(events):
        assert time.monotonic() < deadline, f"only {events}"
        events += executor.events(0.2)
    return events


def ended(number: int) -> Callable[[Events], bool]:
    return lambda events: any(n == number and isinstance(e, TrialResult) for n, e in events)


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid
