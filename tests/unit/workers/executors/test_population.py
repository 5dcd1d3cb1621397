"""What a population on Ray Tune does where Tune itself fails."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from search_spaces.errors import DataError
from workers.executors import ray_member as keys
from workers.executors.ray_decisions import Watch
from workers.executors.ray_population import HALT, SNAPSHOTS, RayPopulation, _Looks


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / SNAPSHOTS).mkdir()
    return Watch(None, tmp_path / SNAPSHOTS / HALT)


def member_that_failed(folder: Path, text: str) -> Any:
    error = folder / "error.txt"
    error.write_text(f"Failure # 1 (occurred at noon)\n{text}\n")
    return SimpleNamespace(error_file=str(error), config={keys.MEMBER: 1})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("The actor died unexpectedly. pid: 7 ip: 10.0.0.2", "its process 7 on 10.0.0.2 ended"),
        ('  File "x.py", line 1\nValueError: no such layer\n', "ValueError: no such layer"),
    ],
)
def test_why_a_member_ended_is_told(watch: Watch, tmp_path: Path, text: str, why: str) -> None:
    _Looks(watch).on_trial_error(0, [], member_that_failed(tmp_path, text))
    assert watch.deaths[1].startswith(why)
    assert watch.failure is None


def test_a_full_disk_ends_all_at_once(watch: Watch, tmp_path: Path) -> None:
    failed = member_that_failed(tmp_path, "OSError: [Errno 28] No space left on device")
    _Looks(watch).on_trial_error(0, [], failed)
    assert isinstance(watch.failure, DataError)
    assert str(watch.failure).startswith(f"{tmp_path}: a trial must have room for its files")
    assert watch.stops == 2


class _FailsToo(RayPopulation):
    """One whose Tune fails, if only later: on a full disk its own files are damaged."""

    def __init__(self, folder: Path, first: Exception | None) -> None:
        self._snapshots, self._first = folder / SNAPSHOTS, first

    def _tuner(self, members: Any, rules: Any, watch: Watch) -> Any:
        del members, rules
        if self._first is not None:
            watch.fail(self._first)
        raise EOFError("Ran out of input")


@pytest.mark.parametrize("first", [None, DataError("the disk is full")])
def test_the_first_failure_is_told(tmp_path: Path, first: Exception | None) -> None:
    told = EOFError if first is None else DataError
    nothing: Any = None
    with pytest.raises(told):
        _FailsToo(tmp_path, first).train([], nothing, nothing)
