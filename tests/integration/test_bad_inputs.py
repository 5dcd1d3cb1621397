"""Bad input as users make it: one line that names what, the value and the remedy, and an exit code.

Nothing is lost or left: the working directory and the study store are as they were.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metaopt.cli.main import main

from .bad_cases import CASES, DATA, STUDY
from .bad_files import write_files

#: What commands say on their way.
PROGRESS = re.compile(r"\d+:\d\d  .* \.\.\.|\d+ of \d+ showers")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory: input that is wrong in one way each, and a store of two studies."""
    folder = tmp_path_factory.mktemp("desk")
    write_files(folder)
    make_studies(folder)
    return folder


def make_studies(folder: Path) -> None:
    """The study ``toy``, some of whose trials are damaged, and one without a complete trial."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert typed(patch, STUDY) == 0
        assert typed(patch, f"{STUDY} --study hopeless --space hopeless.toml --trials 1") == 3
        assert typed(patch, "export toy --trial 0 -o production") == 0
    for name, text in {"production.toml": "[[[", "toy.json": "{}"}.items():
        damaged = folder / f"damaged-{name}"
        shutil.copytree(folder / "production", damaged)
        (damaged / name).write_text(text)
    trials = folder / "results" / "toy" / "trials"
    assert len(list(trials.iterdir())) == 4, "all trials must be complete: choose another seed"
    os.truncate(trials / "0001" / "check.npz", 700)
    (trials / "0002" / "toy.json").write_text("[" * 100_000)
    shutil.copy(trials / "0000" / "toy.json", trials / "0003" / "toy.json")


def typed(patch: pytest.MonkeyPatch, line: str) -> int | str | None:
    """The exit code of a command as a user types it."""
    patch.setattr(sys, "argv", ["metaopt", *shlex.split(line)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def contents(folder: Path) -> dict[str, str]:
    """Every file with what it holds; the side files of a database come and go."""
    paths = [p for p in sorted(folder.rglob("*")) if not p.name.endswith(("-wal", "-shm"))]
    return {str(p.relative_to(folder)): content(p) for p in paths}


def content(path: Path) -> str:
    size = path.stat().st_size
    if path.is_dir() or size > 10_000_000:
        return str(size) if path.is_file() else ""
    if path.suffix == ".db":
        connection = sqlite3.connect(path)
        rows = "\n".join(connection.iterdump())
        connection.close()
        return hashlib.sha256(rows.encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


Call = Callable[[str], tuple[int | str | None, str]]


@pytest.fixture
def call(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Type a command at the desk: exit code and the one line, after which nothing has changed."""
    monkeypatch.chdir(desk)
    before = contents(desk)

    def type_in(line: str) -> tuple[int | str | None, str]:
        code = typed(monkeypatch, line)
        out, err = capsys.readouterr()
        assert out == ""
        *before, last = err.splitlines()
        assert all(PROGRESS.fullmatch(line) for line in before), err
        return code, last

    yield type_in
    assert contents(desk) == before


@pytest.mark.parametrize(("line", "code", "rule"), CASES, ids=[line for line, *_ in CASES])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_bad_input_is_one_line_and_changes_nothing(
    call: Call, line: str, code: int, rule: str
) -> None:
    got, last = call(line)
    assert got == code and last.startswith("metaopt: "), last
    assert re.search(rule, last), last


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_port_that_is_taken(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, last = call(f"dashboard --port {port}")
    assert code == 1 and f"port {port} on 127.0.0.1 cannot be used" in last
    assert "give another --port or --host" in last


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("--ray-address 127.0.0.1:1", "Ray at 127.0.0.1:1 cannot be reached .*; check the address"),
        ("--ray-address 127.0.0.1:99999", "Ray at 127.0.0.1:99999 cannot be reached"),
        ("--gpus 1", "need 1 CPUs and 1 GPUs each, the Ray cluster has .* 0 GPUs; lower workers"),
    ],
)
def test_workers_that_cannot_be_had(call: Call, line: str, rule: str) -> None:
    code, last = call(f"{STUDY} --executor ray {line}")
    assert code == 1 and re.search(rule, last), last


def test_a_home_that_cannot_be_written_to(desk: Path) -> None:
    own = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")}
    done = subprocess.run(
        [sys.executable, "-m", "metaopt", *shlex.split(f"{STUDY} --executor ray")],
        cwd=desk,
        env=own | {"HOME": "/proc"},
        text=True,
        capture_output=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and "set HOME to a folder that can be written to" in last, last


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(desk: Path, call: Call) -> None:
    (desk / "results").chmod(0o500)
    try:
        code, last = call(f"{STUDY} --results results/below")
    finally:
        (desk / "results").chmod(0o700)
    assert code == 2 and "a folder without the right to write" in last


def test_a_trial_whose_showers_are_gone(desk: Path, call: Call) -> None:
    spec = json.loads((desk / "results" / "toy" / "trials" / "0000" / "trial.json").read_text())
    spec["data"]["files"], spec["reference"] = ["/nowhere/gone.h5"], ""
    path = desk.parent / "gone.json"
    path.write_text(json.dumps(spec))
    assert call(f"trial {path}") == (
        2, "metaopt: /nowhere/gone.h5: no such file; check the path"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code", "rule"),
    [
        ("run --trails 5", 2, "No such option"),
        ("show toyy", 1, "no study 'toyy'"),
        (f"{DATA} nan.h5", 2, "must be finite"),
    ],
)
def test_a_process_says_and_ends_the_same(desk: Path, line: str, code: int, rule: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "metaopt", *shlex.split(line)],
        cwd=desk,
        text=True,
        capture_output=True,
        check=False,
    )
    *before, last = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (code, "")
    assert last.startswith("metaopt: ") and rule in last
    assert all(PROGRESS.fullmatch(line) for line in before), done.stderr
