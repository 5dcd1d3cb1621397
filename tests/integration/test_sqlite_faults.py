"""What happens to SQLite files: one line each, and the same command goes on when it is mended."""

from __future__ import annotations

import gc
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from metaopt.cli.main import cli
from metaopt.errors import MetaoptError, exit_code
from metaopt.store.database import StudyStore
from metaopt.store.views import TrialView
from search_spaces.errors import StoreError
from search_spaces.loader import load_space
from workers.trial import Outcome, Progress, TrialResult

ROOT = os.geteuid() == 0
POINT = {"rate": 0.5, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}
#: Keeps a file locked until it is told to end.
LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
#: Runs metaopt and names the classes that are unpickled meanwhile, and once on purpose.
WATCHER = """
import pathlib, pickle, sys
names = []
sys.addaudithook(lambda event, args: event == "pickle.find_class" and names.append(args[1]))
from metaopt.cli.main import cli
try:
    cli.main(sys.argv[1:], standalone_mode=False)
except SystemExit as end:
    assert end.code == 0
pickle.loads(pickle.dumps(pathlib.PurePath))
print("unpickled:", names)
"""


def arguments(file: Path, trials: int) -> list[str]:
    return [
        "run", "--space", "toy", "--executor", "inline", "--study", "s", "--epochs", "1",
        "--showers", "100", "--strategy", "random", "--trials", str(trials),
        "--storage", f"sqlite:///{file}?timeout=0.2", "--results", str(file.parents[1]),
    ]  # fmt: skip


def search(file: Path, trials: int) -> tuple[int, str]:
    """Exit code and message of a search, as ``main`` gives them."""
    result = CliRunner().invoke(cli, arguments(file, trials))
    gc.collect()
    if isinstance(result.exception, MetaoptError):
        return exit_code(result.exception), str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def recorded(file: Path) -> list[TrialView]:
    store = StudyStore(f"sqlite:///{file}")
    trials = store.study("s").trials()
    store.close()
    return trials


@contextmanager
def mounted(target: Path, *arguments: str) -> Iterator[None]:
    """Something mounted on a file or folder, as root."""
    made = subprocess.run(["mount", *arguments, target], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"mounting needs more rights: {made.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", target], check=True)


@contextmanager
def read_only(target: Path) -> Iterator[None]:
    """A file or folder that cannot be written, which permissions do not achieve for root."""
    if ROOT:
        with mounted(target, "--bind", str(target)):
            subprocess.run(["mount", "-o", "remount,bind,ro", target], check=True)
            yield
    else:
        mode = target.stat().st_mode
        target.chmod(mode & ~0o222)
        yield
        target.chmod(mode)


def read_only_file(file: Path) -> AbstractContextManager[None]:
    return read_only(file)


def read_only_folder(file: Path) -> AbstractContextManager[None]:
    return read_only(file.parent)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    command = [sys.executable, "-c", LOCKER, file]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        yield


@contextmanager
def full(file: Path) -> Iterator[None]:
    filler = file.with_name("filler")
    with filler.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(4096))
    yield
    filler.unlink()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study store with a trial."""
    path = tmp_path_factory.mktemp("results") / "disk" / "store.db"
    assert search(path, 1)[0] == 0
    return path


@pytest.fixture
def file(original: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the store, on a small disk of its own."""
    (tmp_path / "references").symlink_to(original.parents[1] / "references")
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = mounted(folder, "-t", "tmpfs", "-o", "size=16m", "tmpfs")
    with disk if ROOT else nullcontext():
        yield Path(shutil.copy(original, folder))


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (locked, "database is locked; end the process that keeps it locked"),
        (read_only_file, "readonly database; let this user write the file and its folder"),
        (read_only_folder, "unable to open database file; let this user read and write the file"),
        (full, "disk I/O error; its disk may be full|disk is full; make room"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_fault_is_one_line_and_the_same_command_goes_on_when_it_is_mended(
    file: Path, fault: Callable[[Path], AbstractContextManager[None]], line: str
) -> None:
    if fault is full and not ROOT:
        pytest.skip("a disk of its own, to be filled, needs root to mount it")
    before = recorded(file)
    with fault(file):
        code, text = search(file, 2)
    assert (code, bool(re.search(line, text)), text.count("\n")) == (1, True, 0), text
    assert recorded(file)[:1] == before
    assert search(file, 2)[0] == 0
    after = recorded(file)
    assert after[:1] == before
    assert len([t for t in after if t.complete]) == 2


def test_a_disk_that_fills_up_in_the_middle_of_a_trial_loses_nothing(file: Path) -> None:
    if not ROOT:
        pytest.skip("a disk of its own, to be filled, needs root to mount it")
    store = StudyStore(f"sqlite:///{file}")
    study = store.study("s")
    number = study.start(load_space("toy"), POINT, 1, {})
    with full(file), pytest.raises(StoreError, match="disk is full; make room on its disk"):
        for epoch in range(1, 1000):  # some room is left in the write-ahead log
            study.report(number, Progress(epoch, 1.5, {}, {}, 1.0, 100))
    study.report(number, Progress(1000, 1.5, {}, {}, 1.0, 100))
    told = study.finish(number, TrialResult(Outcome.COMPLETE, 1.25))
    assert [e for e, _ in told.rungs] == [*range(1, len(told.rungs)), 1000]
    assert len(study.trials()) == 2
    store.close()


def test_a_database_of_another_program_is_refused_by_every_command(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    before = file.read_bytes()
    code, text = search(file, 1)
    assert code == 1 and "is the database of another program" in text
    assert file.read_bytes() == before


def test_nothing_is_unpickled_when_a_study_is_resumed(file: Path) -> None:
    command = [sys.executable, "-c", WATCHER, *arguments(file, 2)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "unpickled: ['PurePath']", done.stderr
    assert len([t for t in recorded(file) if t.complete]) == 2
