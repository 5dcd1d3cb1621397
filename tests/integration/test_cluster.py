"""Studies on real Ray clusters, whose nodes die, join, and are not what they should be."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from search_spaces.errors import ExecutorError
from workers.executors.ray_pool import RayExecutor
from workers.trial import WORKER_DIED, Outcome, Progress, Resources, TrialResult, TrialSpec

from ..processes import marked, until
from ..ray_cluster import IGNORE_RAYS_WARNINGS, Cluster, Events, collect, ended
from ..slow_toy import FAMILY, SlowToy, slow_space

pytestmark = IGNORE_RAYS_WARNINGS


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> SlowToy:
    return SlowToy(tmp_path_factory.mktemp("plugin") / "modules")


@pytest.fixture(scope="module")
def cluster(slow: SlowToy) -> Iterator[Cluster]:
    made = Cluster(PYTHONPATH=str(slow.folder))
    try:
        made.add()
        made.add()
        made.wait(2)
        yield made
    finally:
        made.close()


@pytest.fixture
def spec(toy_spec: TrialSpec, tmp_path: Path) -> Callable[[int], TrialSpec]:
    """Trials of the slow toy with a seed that no other test has."""
    slow = replace(toy_spec, family=FAMILY, budget=replace(toy_spec.budget, epochs=4))

    def make(number: int) -> TrialSpec:
        seed = zlib.crc32(f"{tmp_path}{number}".encode())
        return replace(slow, number=number, seed=seed, folder=str(tmp_path / f"{number}"))

    return make


Reach = Callable[..., RayExecutor]


@pytest.fixture
def reach(cluster: Cluster) -> Iterator[Reach]:
    """Makes executors of a study on the cluster, and closes them in any case."""
    made: list[RayExecutor] = []

    def connect(workers: int, study: str = "toy") -> RayExecutor:
        made.append(RayExecutor(workers, Resources(), cluster.address, study))
        return made[-1]

    yield connect
    for executor in reversed(made):  # only the last one is connected
        executor.close()


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
        timeout=400,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_the_next_controller_takes_up_the_trials_of_a_killed_one(
    cluster: Cluster, reach: Reach, slow: SlowToy, spec: Callable[[int], TrialSpec]
) -> None:
    slow.hold()
    run_and_die(cluster, spec(5), spec(6))
    # Trials do not wait for long for a controller's word.
    until(lambda: all(len(slow.epochs(spec(n).seed)) == 2 for n in (5, 6)))
    stranger = reach(0, study="another")
    assert not stranger.adopt(5)
    stranger.close()
    refused = reach(0)  # one that does not get the study's lease
    refused.close()
    assert len(actors(cluster)) == 2
    executor = reach(0)
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


def test_a_killed_run_that_is_started_again_goes_on_with_its_running_trials(
    cluster: Cluster, slow: SlowToy, tmp_path: Path
) -> None:
    space = tmp_path / "slow.toml"
    # Where no training diverges.
    space.write_text(slow_space().replace("high = 3.0 ", "high = 1.5 "))
    command = [sys.executable, "-m", "metaopt", "run", "--space", str(space), "--study", "slow"]
    command += ["--ray-address", cluster.address, "--workers", "2", "--trials", "3"]
    command += ["--epochs", "3", "--showers", "100", "--strategy", "random", "--pruning", "none"]
    run = partial(subprocess.Popen, command, cwd=tmp_path, env=cluster.environment)
    before = slow.log()
    slow.hold()
    with run(stderr=subprocess.DEVNULL) as killed:
        until(lambda: [epoch for _, epoch, _ in slow.log()[len(before) :]].count(2) == 2)
        killed.kill()
    slow.go()
    with run(stderr=subprocess.PIPE, text=True) as again:
        _, said = again.communicate(timeout=400)
    assert again.returncode == 0, said
    shown = [sys.executable, "-m", "metaopt", "show", "slow", "--json"]
    study = json.loads(subprocess.check_output(shown, cwd=tmp_path))
    assert [(t["proposal"], t["state"]) for t in study["trials"]] == [
        (0, "complete"),
        (1, "complete"),
        (2, "complete"),
    ]
    assert {t["attempt"] for t in study["trials"]} == {1}
    trained = Counter((seed, epoch) for seed, epoch, _ in slow.log()[len(before) :])
    assert set(trained.values()) == {1} and len(trained) == 3 * 3
    until(lambda: not actors(cluster))


def test_a_lost_node_costs_its_trial_alone_and_a_new_one_is_used(
    cluster: Cluster, reach: Reach, slow: SlowToy, spec: Callable[[int], TrialSpec]
) -> None:
    executor = reach(2)
    slow.hold()
    executor.submit(spec(1))
    executor.submit(spec(2))
    collect(executor, begun(1, 2))
    process = slow.epochs(spec(1).seed)[0][1]
    cluster.end_node_of(process)
    died = time.monotonic()
    events = collect(executor, ended(1))
    assert time.monotonic() - died < 60
    reason = result(events, 1).reason
    assert reason.startswith(f"{WORKER_DIED}: its node") and "\n" not in reason
    assert executor.slots == 1
    with pytest.raises(ExecutorError, match="all 1 workers are busy"):
        executor.submit(spec(3))
    cluster.add()
    until(lambda: not executor.events(0.1) and executor.slots == 2)
    executor.submit(spec(3))
    slow.go()
    events = collect(executor, lambda e: ended(2)(e) and ended(3)(e))
    assert {result(events, n).outcome for n in (2, 3)} == {Outcome.COMPLETE}
    assert len({pid for _, pid in slow.epochs(spec(2).seed)}) == 1
    executor.close()


def test_a_node_that_cannot_run_a_trial_says_why_and_is_left_out(
    cluster: Cluster,
    reach: Reach,
    slow: SlowToy,
    spec: Callable[[int], TrialSpec],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # Ray's workers look for modules in the controller's folder first
    executor = reach(0)
    busy = executor.slots
    slow.hold()
    for number in range(busy):
        executor.submit(spec(number))
    collect(executor, begun(*range(busy)))
    reference = spec(9).reference
    old = installed(tmp_path / "old", "0.0.9")
    for node, complaint in (
        ({"PYTHONPATH": f"{old}:{slow.folder}"}, "has metaopt 0.0.9, the controller 0."),
        ({"hidden": slow.folder}, f"cannot load the model family '{FAMILY}': module"),
        ({"hidden": Path(reference).parent}, f"does not see {reference}; keep data and"),
    ):
        cluster.add(**node)
        until(lambda: not executor.events(0.1) and executor.slots == busy + 1)
        executor.submit(spec(9))
        reason = result(collect(executor, ended(9)), 9).reason
        assert reason.startswith(f"{WORKER_DIED} before its trial began: node "), reason
        assert complaint in reason and "\n" not in reason
        assert executor.slots == busy
    slow.go()
    collect(executor, ended(0))
    executor.submit(spec(9))
    assert result(collect(executor, ended(9)), 9).outcome is Outcome.COMPLETE
    executor.close()


def installed(folder: Path, version: str) -> Path:
    """A folder where metaopt seems to be of another version."""
    record = folder / f"metaopt-{version}.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: metaopt\nVersion: {version}\n")
    return folder
