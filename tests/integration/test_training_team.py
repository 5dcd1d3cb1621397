"""Several workers train one model: as one would, and on after a worker is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py
import pytest
import tomli_w

import metaopt
from metaopt.training import Order, Plan, prepare, train
from search_spaces.errors import DivergedError
from search_spaces.loader import load_geometry
from search_spaces.records import decode, encode
from workers.models.toy import Toy
from workers.production.record import EpochRecord
from workers.trial import Resources

GEOMETRY = load_geometry("clic-12x12x12")


@pytest.fixture
def rate() -> float:
    """The toy's only parameter here."""
    return 0.6


@pytest.fixture
def export(tmp_path: Path, rate: float) -> Path:
    """An export of an untrained toy model, with 600 showers to train it on."""
    folder = tmp_path / "production"
    folder.mkdir()
    Toy().build("default", {"rate": rate}, GEOMETRY, 1, Resources()).save(folder)
    tables = {
        "model": {"family": "toy", "preset": "default", "parameters": {"rate": rate}},
        "geometry": encode(GEOMETRY),
        **{table: {} for table in ("data", "budget", "score", "provenance")},
    }
    (folder / "production.toml").write_text(tomli_w.dumps(tables))
    sample = Path(metaopt.__file__).parent / "sample" / "clic-12x12x12.h5"
    with h5py.File(sample) as source, h5py.File(tmp_path / "showers.h5", "w") as file:
        for key in source:
            file[key] = source[key][:800]
    return folder


def plan(export: Path, out: str, epochs: int) -> Plan:
    order = Order(
        source=export,
        files=(str(export.parent / "showers.h5"),),
        epochs=epochs,
        out=export.parent / out,
        evaluation_showers=100,
        tensorboard=False,
    )
    return prepare(order)


class Watch:
    """Remembers what one worker does."""

    def __init__(self) -> None:
        self.records: list[EpochRecord] = []

    def progressed(self, record: EpochRecord) -> None:
        self.records.append(record)

    def restarted(self, reason: str, workers: int) -> None:
        raise AssertionError(f"{reason}, {workers}")


def member(command: int) -> int:
    """The process of one worker of a training's command."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            if b"ray::_Member" in path.read_bytes() and command in ancestors(path.parent):
                return int(path.parent.name)
    raise LookupError("no worker")


def ancestors(process: Path) -> Iterator[int]:
    """The numbers of the processes that started one."""
    number = int(process.name)
    while number > 1:
        number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
        yield number


@pytest.fixture
def two_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process might use two cores, whatever the machine has."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})


@pytest.mark.usefixtures("two_cpus")
@pytest.mark.parametrize("rate", [2.0])
def test_a_team_that_diverges_ends_with_the_reason(export: Path) -> None:
    with pytest.raises(DivergedError, match="overshoots"):
        train(plan(export, "two", 4), Watch(), lambda: False, workers=2)


@pytest.mark.chaos
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers need two cores")
def test_a_killed_worker_and_a_killed_command_cost_an_epoch_at_most(export: Path) -> None:
    out = export.parent / "two"
    command = [sys.executable, "-m", "metaopt", "train", str(export), "-o", str(out)]
    command += ["--data", str(export.parent / "showers.h5"), "--evaluation-showers", "100"]
    command += ["--workers", "2", "--no-tensorboard"]
    with subprocess.Popen([*command, "--epochs", "100000"], stderr=subprocess.PIPE) as killed:
        await_epochs(out, 2, killed)
        os.kill(member(killed.pid), signal.SIGKILL)
        await_epochs(out, len(epochs_in(out)) + 2, killed)
        killed.kill()
        assert killed.stderr is not None
        said = killed.stderr.read().decode()
    assert said.count("a worker was lost: its process") == said.count("; 2 go on after epoch") == 1
    total = len(epochs_in(out)) + 2
    subprocess.run([*command, "--epochs", str(total)], check=True, capture_output=True)
    made = epochs_in(out)
    assert [e.epoch for e in made] == list(range(1, total + 1))
    assert {e.workers for e in made} == {2}
    assert all(0 < e.communication_seconds < e.training_seconds for e in made)
    alone = Watch()
    assert train(plan(export, "one", total), alone, lambda: False)
    for one, two in zip(alone.records, made, strict=True):
        assert two.score == pytest.approx(one.score, abs=3 * one.error)


def await_epochs(folder: Path, epochs: int, command: subprocess.Popen[bytes]) -> None:
    while len(epochs_in(folder)) < epochs:
        time.sleep(0.05)
        assert command.poll() is None


def epochs_in(folder: Path) -> list[EpochRecord]:
    """Those that a training has written whole."""
    log = folder / "training.jsonl"
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    return [
        decode(EpochRecord, json.loads(line), "record") for line in lines if line.endswith("\n")
    ]
