"""Studies on real Ray clusters, whose nodes die, join, and are not what they should be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from metaopt.config import load_config
from metaopt.preflight import prepare
from search_spaces.errors import ExecutorError
from workers.executors.ray_pool import RayExecutor
from workers.trial import (
    Outcome,
    Progress,
    Resources,
    TrialEvent,
    TrialResult,
    TrialSpec,
)

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{category}")
    for category in (
        "ResourceWarning", "pytest.PytestUnraisableExceptionWarning", "FutureWarning",
        "DeprecationWarning",
    )
]  # fmt: skip

#: A node that answers no more is given up after three checks, half a second apart.
QUICK = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "500",
    "RAY_health_check_failure_threshold": "3",
}
OPEN = {"RAY_AUTH_MODE": "disabled"}


class Cluster:
    """A head without processors, and nodes with one each, all on this machine."""

    def __init__(self, **environment: str) -> None:
        # Ray's sockets lie below it: their paths have 107 characters at most.
        folder = self.folder = Path(tempfile.mkdtemp(prefix="ray-"))
        self.environment = {**os.environ, **QUICK, **OPEN, "METAOPT_TEST_MARK": str(folder)}
        self.environment |= environment
        self.mark = str(folder)
        with socket.socket() as free:
            free.bind(("", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        options = ("--head", f"--port={port}", "--num-cpus=0", f"--temp-dir={folder}")
        self.head = self._start(*options, "--include-dashboard=false")
        until(lambda: self._listens(port))

    def add(self, cpus: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        """A node more, which is not yet to be seen."""
        return self._start(f"--address={self.address}", f"--num-cpus={cpus}", **environment)

    def _listens(self, port: int) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    def _start(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [Path(sys.executable).with_name("ray"), "start", "--block", *options],
            env=self.environment | environment,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "ray-start.err").open("ab"),
            start_new_session=True,
        )

    def close(self) -> None:
        for pid in marked(self.mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.head.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def marked(mark: str, title: bytes = b"") -> list[int]:
    """Processes that inherited the mark, and whose title begins so."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (folder / "environ").read_bytes()
            if f"METAOPT_TEST_MARK={mark}".encode() in environment.split(b"\0") and (
                (folder / "cmdline").read_bytes().startswith(title)
            ):
                found.append(int(folder.name))
    return found


#: A model family of the user's own: it writes each epoch down, and waits while it is told to.
SLOW = """
import os, time
from pathlib import Path
from workers.models.toy import Toy, ToyModel

FOLDER = Path(__file__).parent

class Slow(Toy):
    def build(self, preset, point, geometry, seed, resources):
        return SlowModel(**vars(super().build(preset, point, geometry, seed, resources)))

class SlowModel(ToyModel):
    def train_epoch(self, showers, epoch, rows=None):
        with (FOLDER / "epochs").open("a") as file:
            file.write(f"{self.seed} {epoch} {os.getpid()}\\n")
        while epoch > 1 and (FOLDER / "hold").exists():
            time.sleep(0.02)
        return super().train_epoch(showers, epoch, rows)
"""


class SlowToy:
    """The module of the family, on the disk, and what its trainings wrote down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "slow_toy.py").write_text(SLOW)

    def hold(self) -> None:
        """Let trainings stop in their second epoch."""
        (self.folder / "hold").touch()

    def go(self) -> None:
        (self.folder / "hold").unlink()

    def epochs(self, seed: int) -> list[tuple[int, int]]:
        """(epoch, process) of each epoch that was begun with a seed."""
        log = self.folder / "epochs"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [(int(epoch), int(pid)) for found, epoch, pid in lines if int(found) == seed]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> SlowToy:
    return SlowToy(tmp_path_factory.mktemp("plugin") / "modules")


@pytest.fixture(scope="module")
def cluster(slow: SlowToy) -> Iterator[Cluster]:
    made = Cluster(PYTHONPATH=str(slow.folder))
    made.add()
    made.add()
    yield made
    made.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> TrialSpec:
    """A trial of the slow toy; each test gives it a number, a seed and a folder."""
    folder = tmp_path_factory.mktemp("study")
    tables = {
        "study": {"name": "toy", "storage": f"sqlite:///{folder}/s.db", "results": str(folder)},
        "search": {"space": "toy", "strategy": "random", "trials": 1},
        "trial": {"epochs": 4, "showers": 100, "evaluation_showers": 100},
    }
    plan = prepare(load_config(None, tables))
    return TrialSpec(
        study="toy",
        number=0,
        family="slow_toy:Slow",
        preset="default",
        point={},
        geometry=plan.geometry,
        data=plan.data,
        budget=plan.config.budget,
        seed=0,
        folder=str(folder / "trial"),
        reference=str(plan.reference),
    )


@pytest.fixture
def spec(template: TrialSpec, tmp_path: Path) -> Callable[[int], TrialSpec]:
    """Trials with a seed that no other test has."""

    def make(number: int) -> TrialSpec:
        seed = zlib.crc32(f"{tmp_path}{number}".encode())
        return replace(template, number=number, seed=seed, folder=str(tmp_path / f"{number}"))

    return make


def reach(cluster: Cluster, workers: int, study: str = "toy", seconds: float = 60) -> RayExecutor:
    """An executor, once the cluster has room for so many workers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return RayExecutor(workers, Resources(), cluster.address, study)
        except ExecutorError:
            assert time.monotonic() < deadline, "the cluster does not come up"
            time.sleep(0.3)


Events = list[tuple[int, TrialEvent]]


def collect(executor: RayExecutor, until: Callable[[Events], bool], seconds: float = 60) -> Events:
    events: Events = []
    deadline = time.monotonic() + seconds
    while not until(events):
        assert time.monotonic() < deadline, f"only {events}"
        events += executor.events(0.2)
    return events


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ended(number: int) -> Callable[[Events], bool]:
    return lambda events: any(n == number and isinstance(e, TrialResult) for n, e in events)


def begun(*numbers: int) -> Callable[[Events], bool]:
    return lambda events: set(numbers) <= {n for n, _ in events}


def result(events: Events, number: int) -> TrialResult:
    (found,) = [e for n, e in events if n == number and isinstance(e, TrialResult)]
    return found


def actors(cluster: Cluster) -> list[int]:
    return marked(cluster.mark, b"ray::_Process")


DIES = """
import json, os, signal, sys
from workers.executors.ray_pool import RayExecutor
from workers.trial import Resources, TrialSpec
executor = RayExecutor(0, Resources(), sys.argv[1], "toy")
for text in sys.argv[2:]:
    executor.submit(TrialSpec.from_json(json.loads(text)))
seen = set()
while len(seen) < len(sys.argv) - 2:
    seen |= {number for number, event in executor.events(1)}
os.kill(os.getpid(), signal.SIGKILL)
"""


def run_and_die(cluster: Cluster, *specs: TrialSpec) -> None:
    """Another controller, which is killed once each of its trials has had an epoch."""
    texts = [json.dumps(s.to_json()) for s in specs]
    done = subprocess.run(
        [sys.executable, "-c", DIES, cluster.address, *texts],
        env=cluster.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_the_next_controller_takes_up_the_trials_of_a_killed_one(
    cluster: Cluster, slow: SlowToy, spec: Callable[[int], TrialSpec]
) -> None:
    reach(cluster, 2).close()
    slow.hold()
    run_and_die(cluster, spec(5), spec(6))
    stranger = reach(cluster, 0, study="another")
    assert not stranger.adopt(5)
    stranger.close()
    refused = reach(cluster, 0)  # one that does not get the study's lease
    refused.close()
    assert len(actors(cluster)) == 2
    executor = reach(cluster, 0)
    assert executor.adopt(5) and not executor.adopt(7)
    slow.go()
    executor.submit(spec(8))
    events = collect(executor, lambda e: ended(5)(e) and ended(8)(e))
    epochs = [e.epoch for n, e in events if n == 5 and isinstance(e, Progress)]
    assert epochs == [1, 2, 3, 4] and result(events, 5).outcome is Outcome.COMPLETE
    assert [epoch for epoch, _ in slow.epochs(spec(5).seed)] == epochs
    assert len({pid for _, pid in slow.epochs(spec(5).seed)}) == 1
    # Nobody took up the other one, whose place the new trial got.
    assert [epoch for epoch, _ in slow.epochs(spec(6).seed)][:2] == [1, 2]
    executor.submit(spec(9))
    collect(executor, ended(9))
    processes = {pid for n in (5, 8) for _, pid in slow.epochs(spec(n).seed)}
    assert {pid for _, pid in slow.epochs(spec(9).seed)} <= processes
    executor.close()
    until(lambda: not actors(cluster))
