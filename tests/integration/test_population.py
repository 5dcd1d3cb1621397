"""Populations as a user types them: real Ray Tune, real kills, and a schedule that is replayed."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from metaopt.config import StudyConfig
from metaopt.export import load_production
from metaopt.monitoring import Quiet
from metaopt.population.controller import PopulationController
from metaopt.preflight import Plan, prepare
from metaopt.specification import training_seed
from metaopt.store.database import StudyStore
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
from workers.executors.ray_population import HALT, SNAPSHOTS, RayPopulation
from workers.population import Ledger, Member, Rules
from workers.runner import trial_events
from workers.trial import Progress, Resources, TrialSpec

from ..processes import MARK, left_behind, marked, until
from ..ray_cluster import IGNORE_RAYS_WARNINGS, Cluster
from ..running import metaopt, started, wait_for
from ..slow_toy import SlowToy, slow_space

EPOCHS, MEMBERS = 4, 3
COMMAND = (
    "run", "--strategy", "pb2", "--space", "toy", "--study", "toy", "--trials", str(MEMBERS),
    "--epochs", str(EPOCHS), "--showers", "300", "--evaluation-showers", "100",
    "--time-budget", "1h",
)  # fmt: skip


def ignore_rays_warnings(test: Callable[..., None]) -> Callable[..., None]:
    for mark in IGNORE_RAYS_WARNINGS:
        test = mark(test)
    return test


def kill_a_member(mark: str) -> None:
    """Kill -9 a process of Tune that has a member."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for process in marked(mark, b"ray::"):
            with suppress(FileNotFoundError, ProcessLookupError):
                title = Path(f"/proc/{process}/cmdline").read_bytes()
                if b"Trainable" in title:
                    os.kill(process, signal.SIGKILL)
                    return
    raise AssertionError("no member was trained")


class OverheardLedger:
    """A study's ledger; of each interval that it was told of, the member is passed on."""

    def __init__(self, ledger: Ledger, hear: Callable[[int], None]) -> None:
        self._ledger, self._hear = ledger, hear

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def reached(self, member: int, *told: Any) -> None:
        self._ledger.reached(member, *told)
        self._hear(member)


class OverheardPopulation(RayPopulation):
    """One whose members are passed on after each of their intervals."""

    def __init__(self, folder: Path, hear: Callable[[int], None]) -> None:
        super().__init__(0, Resources(), "", folder)
        self._hear = hear

    def train(self, members: Sequence[Member], rules: Rules, ledger: Ledger) -> None:
        super().train(members, rules, OverheardLedger(ledger, self._hear))


def trials_of(folder: Path) -> list[TrialView]:
    store = StudyStore(f"sqlite:///{folder}/results/metaopt.db")
    try:
        return store.study("toy").trials()
    finally:
        store.close()


def summary(trials: list[TrialView]) -> list[Any]:
    return [(t.state, t.point, t.rungs, t.score, dict(t.note)) for t in trials]


def trained(plan: Plan, study: StoredStudy, hear: Callable[[int], None]) -> list[Any]:
    """A population's whole training; each interval's member is passed on."""
    with closing(OverheardPopulation(plan.config.folder, hear)) as population:
        PopulationController(plan, study, population, Quiet()).run()
    return summary(study.trials())


def differs(point: Mapping[str, Any], parent: Mapping[str, Any]) -> bool:
    """By more than rounding."""
    return any(abs(point[name] - parent[name]) > 1e-3 for name in ("rate", "sharpness"))


def line(trials: list[TrialView], last: TrialView) -> list[TrialView]:
    found = [last]
    while "parents" in found[0].note:
        found.insert(0, trials[int(found[0].note["parents"])])
    return found


def replayed(folder: Path, trial: TrialView) -> list[tuple[int, float]]:
    """S by epoch of a training that follows the trial's schedule from the beginning."""
    told: dict[str, Any] = json.loads(
        (folder / "results" / "toy" / "trials" / f"{trial.number:04d}" / "trial.json").read_text()
    )
    spec = replace(TrialSpec.from_json(told), checkpoint="", folder=str(folder / "replayed"))
    events = trial_events(spec, lambda: False)
    return [(e.epoch, e.score) for e in events if isinstance(e, Progress)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What comes of the command where nothing is killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    metaopt(folder, *COMMAND)
    return summary(trials_of(folder))


@pytest.mark.chaos
@pytest.mark.timeout(900)  # Ray is started twice, and its workers often, on a busy machine
def test_a_process_that_dies_changes_nothing(
    toy_config: Callable[..., StudyConfig],
    undisturbed: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(MARK, str(tmp_path))
    plan = prepare(
        toy_config(
            search__strategy="pb2", search__trials=MEMBERS, trial__epochs=EPOCHS,
            trial__showers=300,
        )
    )  # fmt: skip
    heard = count(1)

    def kill(member: int) -> None:
        """Before the first barrier, after it, and after the second one."""
        if next(heard) in (2, 4, 7):
            threading.Timer(0.1, kill_a_member, [str(tmp_path)]).start()

    with closing(StudyStore(plan.config.study.storage, create=True)) as store:
        killed = trained(plan, store.create("killed", plan.document), kill)
        assert "all members go on from the record" in caplog.text
    assert killed == undisturbed


def slow_population(
    toy_config: Callable[..., StudyConfig],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[SlowToy, Plan]:
    """A population whose members can be held up, and what holds them."""
    slow = SlowToy(folder / "modules")
    monkeypatch.setenv("PYTHONPATH", str(slow.folder))
    monkeypatch.syspath_prepend(slow.folder)
    space = folder / "slow.toml"
    space.write_text(slow_space())
    config = toy_config(
        search__space=str(space), search__strategy="pbt", search__trials=MEMBERS,
        search__options={"interval": 2}, trial__epochs=EPOCHS,
    )  # fmt: skip
    return slow, prepare(config)


def ended(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


@pytest.mark.chaos
@pytest.mark.timeout(600)  # three starts of Ray
def test_no_barrier_is_decided_without_a_member_that_died_or_hung(
    toy_config: Callable[..., StudyConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow, plan = slow_population(toy_config, tmp_path, monkeypatch)
    dies, last = (training_seed(plan.config.study.seed, member) for member in (1, 2))

    def order() -> None:
        """Both have begun when the one ends its interval, and the other ends its own later."""
        until(lambda: all(len(slow.epochs(seed)) == 2 for seed in (dies, last)))
        slow.hold(last)
        until((plan.config.folder / SNAPSHOTS / HALT).exists)
        slow.go()

    def kill(member: int) -> None:
        """The one, once, before Tune has its state."""
        if member == 1 and slow.held():
            os.kill(slow.epochs(dies)[-1][1], signal.SIGKILL)

    def go_once_it_was_ended(begun: int) -> None:
        try:
            until(lambda: any(ended(process) for _, process in slow.epochs(dies)[begun:]), 300)
        finally:
            slow.go()

    with closing(StudyStore(plan.config.study.storage, create=True)) as store:
        slow.hold(dies, last)
        with meanwhile(order):
            killed = trained(plan, store.create("killed", plan.document), kill)
        undisturbed = trained(plan, store.create("undisturbed", plan.document), kill)

        slow.hold(dies)
        impatient = replace(plan.config.trial, silence_limit="5s")
        plan = replace(plan, config=replace(plan.config, trial=impatient))
        with meanwhile(go_once_it_was_ended, len(slow.epochs(dies))):
            hung = trained(plan, store.create("hung", plan.document), lambda member: None)
    assert killed == undisturbed == hung
    assert re.search(r"member 1 ended: its process \d+.* ended \(killed", caplog.text)
    assert "member 1 ended: it was silent for trial.silence_limit" in caplog.text


@contextmanager
def meanwhile(does: Callable[..., None], *told: object) -> Iterator[None]:
    thread = threading.Thread(target=does, args=told)
    thread.start()
    yield
    thread.join()


@ignore_rays_warnings
@pytest.mark.timeout(900)
def test_as_many_members_train_at_once_as_there_are_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowToy(tmp_path / "modules")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # a local one leaves its own behind
    monkeypatch.setenv("PYTHONPATH", f"{slow.folder}:{os.environ.get('PYTHONPATH', '')}")
    space = tmp_path / "slow.toml"
    space.write_text(slow_space())

    def begun() -> int:
        """Members that train their second epoch."""
        return sum(epoch == 2 for _, epoch, _ in slow.log())

    with closing(Cluster(cpus=2)) as cluster:
        cluster.add()  # not waited for by a connection: Ray keeps this process's mode for good

        def command(workers: int) -> tuple[str, ...]:
            where = ("--ray-address", cluster.address, "--workers", str(workers))
            return (*COMMAND, "--strategy", "pbt", "--space", str(space), *where)

        slow.hold()
        with started(tmp_path, *command(2)) as (process, _):
            until(lambda: begun() == 2)
            time.sleep(3)
            assert begun() == 2
            slow.go()
            assert process.wait(240) == 0
        # No node has all the processors; and the one process goes from member to member.
        before = {process for *_, process in slow.log()}
        (tmp_path / "1").mkdir()
        said = metaopt(tmp_path / "1", *command(1), "--time-limit", "1h").stderr
        assert said.count("no limit for the time of a member, got trial.time_limit = 1h;") == 1
        assert len({process for *_, process in slow.log()} - before) == 1
    assert summary(trials_of(tmp_path / "1")) == summary(trials_of(tmp_path))


@pytest.mark.timeout(900)  # four starts of Ray, on a machine that may be busy
def test_kill_9_and_ctrl_c_lose_nothing(
    undisturbed: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MARK, str(tmp_path))
    with started(tmp_path, *COMMAND) as (process, stderr):
        wait_for(stderr, "epoch 1/4")
        kill_a_member(str(tmp_path))
        wait_for(stderr, "epoch 2/4")
        process.send_signal(signal.SIGINT)
        assert "interrupted; the same command goes on" in stderr.read()
        assert process.wait(240) == 130
    states = tmp_path / "results" / "toy" / "checkpoints"
    for trial in (t for t in trials_of(tmp_path) if t.state == "running" and t.rungs):
        # Not an epoch is trained again.
        assert (states / f"{trial.proposal:04d}" / f"epoch-{trial.rungs[-1][0]:04d}").is_dir()
    with started(tmp_path, *COMMAND) as (process, stderr):
        wait_for(stderr, "epoch 3/4")
        process.kill()
    before = {t.number: t.rungs for t in trials_of(tmp_path)}
    metaopt(tmp_path, *COMMAND)

    trials = trials_of(tmp_path)
    assert all(trials[number].rungs[: len(r)] == r for number, r in before.items())
    # Each member has each epoch once, in trials that follow each other.
    epochs = Counter((t.note["member"], epoch) for t in trials for epoch, _ in t.rungs)
    assert epochs == {(str(m), e): 1 for m in range(MEMBERS) for e in range(1, EPOCHS + 1)}
    complete = [t for t in trials if t.complete]
    assert len(complete) == MEMBERS
    assert all(t.state == "pruned" for t in trials if t not in complete)
    # One of three is replaced at each of three barriers.
    assert len(trials) == MEMBERS + EPOCHS - 1
    moved = next(t for t in complete if "parents" in t.note)
    segments = line(trials, moved)
    ends = [int(t.note["from epoch"]) for t in segments[1:]] + [EPOCHS + 1]
    known = [r for t, end in zip(segments, ends, strict=True) for r in t.rungs if r[0] < end]
    assert known == replayed(tmp_path, moved)

    assert summary(trials) == undisturbed
    assert all(differs(t.point, trials[int(t.note["parents"])].point) for t in trials[MEMBERS:])

    metaopt(tmp_path, "export", "toy", "-o", "production")
    model = load_production(tmp_path / "production").model
    assert model.schedule[0].epoch == 1
    assert {**model.parameters, **model.schedule[-1].values} == model.parameters
    assert not left_behind(str(tmp_path))
