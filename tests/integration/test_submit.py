"""Studies that are sent to a real job server of a Ray cluster with a token."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ..ports import free_ports, listens
from ..processes import MARK, marked, until
from ..slow_toy import SlowToy, slow_space

pytest.importorskip("aiohttp_cors", reason="pip install '.[test]' for Ray's job server")

TOKEN = "0123456789abcdef" * 2


class Head:
    """A cluster of one node, with a job server."""

    def __init__(self) -> None:
        # Ray's sockets lie below it: their paths have 107 characters at most.
        self.folder = Path(tempfile.mkdtemp(prefix="ray-"))
        port, dashboard, agent = free_ports(3)
        self.address = f"http://127.0.0.1:{dashboard}"
        self.cluster = f"127.0.0.1:{port}"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        self.environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
        self.environment |= {"RAY_USAGE_STATS_ENABLED": "0", MARK: str(self.folder)}
        path = [str(Path(sys.executable).parent), os.environ["PATH"]]
        self.environment["PATH"] = os.pathsep.join(path)
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
        command += [f"--port={port}", f"--dashboard-port={dashboard}", "--include-dashboard=true"]
        command += [f"--dashboard-agent-listen-port={agent}", "--num-cpus=1"]
        command += [f"--temp-dir={self.folder}"]
        self.process = subprocess.Popen(
            command,
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: listens(dashboard))

    def submit(
        self, folder: Path, *options: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """What `metaopt submit study.toml` says."""
        command = [sys.executable, "-m", "metaopt", "submit", "study.toml"]
        command += ["--address", self.address, *options]
        return subprocess.run(
            command,
            env=self.environment | environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )

    def close(self) -> None:
        for pid in marked(str(self.folder)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    made = Head()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def slow(tmp_path: Path) -> SlowToy:
    return SlowToy(tmp_path)


@pytest.fixture
def folder(slow: SlowToy) -> Path:
    """A working directory with a study of the slow family, beside which lies much else."""
    (slow.folder / "slow.toml").write_text(slow_space())
    (slow.folder / "study.toml").write_text(
        '[data]\nfiles = ["sample"]\ngeometry = "clic-12x12x12"\n'
        '[study]\nname = "slow"\n'
        '[search]\nspace = "slow.toml"\nstrategy = "random"\ntrials = 2\nconfirm = 0\n'
        "[trial]\nepochs = 2\nshowers = 100\nevaluation_showers = 100\n"
    )
    return slow.folder


def test_a_study_runs_in_one_job_at_a_time_and_the_next_one_resumes_it(
    head: Head, slow: SlowToy, folder: Path
) -> None:
    slow.hold()
    first = head.submit(folder, "--await-nodes", "2m")
    assert first.returncode == 0, first.stderr
    job, watch = first.stdout.splitlines()
    assert job.startswith("slow-") and job.endswith("-1")
    assert watch == f"metaopt watch slow --wait --storage sqlite:///{folder}/results/metaopt.db"
    second = head.submit(folder)
    assert second.returncode == 1 and not second.stdout
    assert second.stderr.startswith("metaopt: a study runs in one job at a time, and slow-")
    slow.go()
    third = second
    while "has not ended" in third.stderr:
        third = head.submit(folder, "--trials", "3", "--wait", "--json")
    assert third.returncode == 0, third.stderr
    assert json.loads(third.stdout)["job"] == f"{job[:-1]}2"
    assert "resumed with 2 finished trials" in third.stderr
    assert "[3/3 trials" in third.stderr and "all trials are done" in third.stderr


def test_a_password_is_in_no_log_or_command_line(head: Head, folder: Path) -> None:
    text = (folder / "study.toml").read_text()
    url = "postgresql+psycopg://me:hidden%21word@127.0.0.1:1/studies"
    (folder / "study.toml").write_text(text.replace('"slow"\n', f'"far"\nstorage = "{url}"\n', 1))
    done = head.submit(folder, "--wait")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "ended with exit code 1" in said, said
    assert "metaopt watch far --wait --storage postgresql+psycopg://me@127.0.0.1:1/studies" in said
    assert "fe_sendauth" not in said and "hidden" not in said
    logs = [file.read_bytes() for file in (head.folder).rglob("logs/*") if file.is_file()]
    assert logs and not any(b"hidden" in log for log in logs)
    (kept,) = head.folder.rglob("storage-password")
    assert kept.read_text() == "hidden!word" and kept.stat().st_mode & 0o077 == 0
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in marked(str(head.folder))]
    assert not any(b"hidden" in command for command in commands)


def test_nodes_that_do_not_come_are_told(head: Head) -> None:
    command = [sys.executable, "-m", "workers.executors.ray_nodes", "2", "1", "0", "0.5"]
    environment = head.environment | {"RAY_ADDRESS": head.cluster}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "2 workers need 1 CPUs and 0 GPUs each, the Ray cluster has 1 CPUs" in done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"RAY_AUTH_MODE": "disabled"}, "wants a token: set RAY_AUTH_MODE=token and"),
        ({"RAY_AUTH_TOKEN": "fedcba98" * 4}, "wants another token: set RAY_AUTH_MODE"),
    ],
)
def test_a_wrong_or_missing_token_is_explained(
    head: Head, folder: Path, environment: dict[str, str], said: str
) -> None:
    refused = head.submit(folder, **environment)
    assert refused.returncode == 1 and said in refused.stderr
    assert len(refused.stderr.splitlines()) == 1 and TOKEN not in refused.stderr


def test_a_silent_address_is_explained(folder: Path, head: Head) -> None:
    refused = head.submit(folder, "--address", f"http://127.0.0.1:{free_ports(1)[0]}")
    assert refused.returncode == 1
    assert "no job server answers at http://127.0.0.1:" in refused.stderr
    assert "pip install 'metaopt[submit]'" in refused.stderr
    wrong = head.submit(folder, "--address", "auto")
    assert wrong.returncode == 2 and "reads like http://head.example:8265" in wrong.stderr
