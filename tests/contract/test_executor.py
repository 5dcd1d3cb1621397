"""What every executor does; a third party's passes the same class."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces.errors import ExecutorError
from workers.executors.base import Executor
from workers.executors.inline import InlineExecutor
from workers.trial import Outcome, Progress, Resources, TrialEvent, TrialResult, TrialSpec


def ray_noise(cls: type) -> type:
    """Ray leaves sockets and process handles to the garbage collector, and warns of its future."""
    for category in (
        "ResourceWarning", "pytest.PytestUnraisableExceptionWarning", "FutureWarning",
        "DeprecationWarning",
    ):  # fmt: skip
        cls = pytest.mark.filterwarnings(f"ignore::{category}")(cls)
    return cls


def numbered(toy_spec: TrialSpec, number: int, epochs: int = 2) -> TrialSpec:
    budget = replace(toy_spec.budget, epochs=epochs)
    return replace(toy_spec, number=number, budget=budget, folder=f"{toy_spec.folder}-{number}")


def collect(executor: Executor, trials: int, seconds: float = 240) -> list[tuple[int, TrialEvent]]:
    """Events until so many trials have ended."""
    events: list[tuple[int, TrialEvent]] = []
    deadline = time.monotonic() + seconds
    while sum(isinstance(e, TrialResult) for _, e in events) < trials:
        assert time.monotonic() < deadline, f"{len(events)} events, no end"
        events += executor.events(0.5)
    return events


class ExecutorContract:
    """The laws; a subclass gives the fixture ``executor``."""

    def test_a_trial_streams_its_epochs_in_order_and_ends_once(
        self, executor: Executor, toy_spec: TrialSpec
    ) -> None:
        executor.submit(toy_spec)
        events = [e for _, e in collect(executor, 1)]
        assert [e.epoch for e in events if isinstance(e, Progress)] == [1, 2]
        assert isinstance(events[-1], TrialResult) and events[-1].outcome is Outcome.COMPLETE
        assert executor.events(0.1) == []

    def test_all_slots_run_and_are_free_again(
        self, executor: Executor, toy_spec: TrialSpec
    ) -> None:
        for again in (0, 10):
            numbers = {again + i for i in range(executor.slots)}
            for number in numbers:
                executor.submit(numbered(toy_spec, number))
            with pytest.raises(ExecutorError):
                executor.submit(numbered(toy_spec, 99))
            ended = {n for n, e in collect(executor, executor.slots) if isinstance(e, TrialResult)}
            assert ended == numbers

    def test_a_stop_ends_after_the_epoch(self, executor: Executor, toy_spec: TrialSpec) -> None:
        # The trial waits no longer than a moment, which a busy machine may need for itself.
        assert any(self._stopped_at_once(executor, toy_spec, number) for number in (3, 4, 5))

    @staticmethod
    def _stopped_at_once(executor: Executor, toy_spec: TrialSpec, number: int) -> bool:
        executor.submit(numbered(toy_spec, number, epochs=2000))
        events: list[tuple[int, TrialEvent]] = []
        while len(events) < 3:
            events += executor.events(0.5)
        time.sleep(0.3)  # a controller has to think
        executor.stop(number)
        later = [e for _, e in collect(executor, 1)]
        result = later[-1]
        assert isinstance(result, TrialResult) and result.outcome is Outcome.STOPPED
        assert result.epochs == len(events) + len(later) - 1
        return len(later) == 1

    def test_a_kill_is_a_lost_trial_and_the_slot_goes_on(
        self, executor: Executor, toy_spec: TrialSpec
    ) -> None:
        executor.submit(numbered(toy_spec, 4, epochs=2000))
        while not executor.events(0.5):
            pass
        executor.kill(4)
        result = collect(executor, 1)[-1][1]
        assert isinstance(result, TrialResult) and result.outcome is Outcome.LOST
        assert result.reason and "\n" not in result.reason
        executor.submit(numbered(toy_spec, 5))
        result = collect(executor, 1)[-1][1]
        assert isinstance(result, TrialResult) and result.outcome is Outcome.COMPLETE

    def test_a_broken_worker_is_lost_with_its_reason(
        self, executor: Executor, toy_spec: TrialSpec
    ) -> None:
        executor.submit(replace(toy_spec, family="nowhere.models:Family"))
        result = collect(executor, 1)[-1][1]
        assert isinstance(result, TrialResult) and result.outcome is Outcome.LOST
        assert "nowhere.models" in result.reason and "\n" not in result.reason

    def test_showers_that_cannot_be_read_are_nobodys_failure(
        self, executor: Executor, toy_spec: TrialSpec
    ) -> None:
        gone = replace(toy_spec.data, files=("/nowhere/gone.h5",))
        executor.submit(replace(toy_spec, data=gone, reference=""))
        result = collect(executor, 1)[-1][1]
        assert isinstance(result, TrialResult) and result.outcome is Outcome.UNREADABLE
        assert result.score is None and "gone.h5: no such file" in result.reason


class TestInline(ExecutorContract):
    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        executor = InlineExecutor()
        yield executor
        executor.close()


@ray_noise
class TestRay(ExecutorContract):
    @pytest.fixture(scope="class")
    def executor(self) -> Iterator[Executor]:
        from workers.executors.ray_pool import RayExecutor

        executor = RayExecutor(2, Resources())
        yield executor
        executor.close()

    def test_a_worker_killed_from_outside_is_lost(
        self, executor: Executor, toy_spec: TrialSpec
    ) -> None:
        executor.submit(numbered(toy_spec, 6, epochs=2000))
        while not executor.events(0.5):
            pass
        os.kill(_running_actor(), signal.SIGKILL)
        result = collect(executor, 1)[-1][1]
        assert isinstance(result, TrialResult) and result.outcome is Outcome.LOST


def _running_actor() -> int:
    """The process of one of our own actors that runs a trial: Ray writes its title."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::_Process") and _is_ours(int(folder.name)):
            return int(folder.name)
    raise AssertionError("no actor runs a trial")


def _is_ours(pid: int) -> bool:
    """Whether this process started it, directly or not: others may run Ray here too."""
    while pid not in (0, 1, os.getpid()):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid == os.getpid()


@ray_noise
class TestRayResources:
    @pytest.mark.parametrize(
        ("workers", "resources", "rule"),
        [
            (1, Resources(1, 1.0), "1 workers need 1 CPUs and 1 GPUs each.*lower workers"),
            (1, Resources(4096), "4096 CPUs"),
            (4096, Resources(1), "4096 workers need 1 CPUs"),
        ],
    )
    def test_what_the_cluster_can_never_give_is_refused(
        self, workers: int, resources: Resources, rule: str
    ) -> None:
        from workers.executors.ray_pool import RayExecutor

        with pytest.raises(ExecutorError, match=rule):
            RayExecutor(workers, resources)

    def test_a_cluster_that_is_not_there(self) -> None:
        from workers.executors.ray_pool import RayExecutor

        with pytest.raises(ExecutorError, match=r"Ray at 127\.0\.0\.1:1 cannot be reached"):
            RayExecutor(1, Resources(), "127.0.0.1:1")
