"""The Slurm script, as it is, with stand-ins for Slurm's own commands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..processes import MARK, left_behind, marked, until

SCRIPT = Path(__file__).parents[2] / "deploy" / "slurm" / "metaopt.sbatch"
#: Takes Slurm's options, and runs what stands behind them on this machine. Like a step of Slurm,
#: it is one group of processes, which are told together to end.
SRUN = """#!/bin/sh
set -f
echo $* >> "$SLURM_LOG"
while [ "$1" != -- ]; do
  case $1 in --output=*) exec >> "${1#*=}" 2>&1 ;; esac
  shift
done
shift
echo $$ >> "$SLURM_LOG.steps"
exec timeout 300 "$@"
"""
SCANCEL = """#!/bin/sh
kill -s "${1#--signal=}" $(cat "$SLURM_LOG.steps")
"""
SCONTROL = """#!/bin/sh
echo "scontrol $@" >> "$SLURM_LOG"
if [ "$1" = show ]; then echo localhost; fi
"""
#: A Ray that has started, and nothing more.
RAY = """#!/bin/sh
echo "Ray runtime started."
sleep 60
"""
#: A study that ends after its running epoch, once it is told to.
METAOPT = """#!{python}
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
Path("running").write_text(" ".join(sys.argv[1:]) + os.environ["RAY_AUTH_MODE"])
signal.pause()
"""
STUDY = """
[data]
files = ["sample"]
geometry = "clic-12x12x12"
[search]
space = "toy"
strategy = "random"
trials = 1
confirm = 0
[trial]
epochs = 1
showers = 100
evaluation_showers = 100
"""


@pytest.fixture
def job(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a job on one node, and an end to whatever it left running."""
    (tmp_path / "bin").mkdir()
    write(tmp_path, srun=SRUN, scancel=SCANCEL, scontrol=SCONTROL)
    path = [str(tmp_path / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    identity = str(os.getpid())
    yield {
        **{k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "SLURM_"))},
        "PATH": os.pathsep.join(path),
        "SLURM_JOB_ID": identity,
        "SLURM_JOB_NODELIST": "node1",
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_LOG": str(tmp_path / "slurm.log"),
        MARK: str(tmp_path),
    }
    for pid in marked(str(tmp_path)):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(f"/tmp/ray-{identity}", ignore_errors=True)


def write(folder: Path, **programs: str) -> None:
    for name, text in programs.items():
        (folder / "bin" / name).write_text(text.replace("{python}", sys.executable))
        (folder / "bin" / name).chmod(0o755)


def start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", SCRIPT, "study.toml"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_script_has_no_faults_that_shellcheck_finds() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("pip install '.[test]' for shellcheck")
    done = subprocess.run([shellcheck, SCRIPT], capture_output=True, text=True, check=False)
    assert not done.stdout


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"SLURM_JOB_ID": ""}, 2, "start it with sbatch"),
        ({"PATH": "/usr/bin:/bin"}, 4, "metaopt must be on the PATH of every node"),
    ],
)
def test_what_is_missing_is_said(
    job: dict[str, str], tmp_path: Path, changes: dict[str, str], code: int, said: str
) -> None:
    done = start(tmp_path, job | changes)
    text, _ = done.communicate(timeout=400)
    assert done.returncode == code and said in text


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGUSR1, 0), (signal.SIGTERM, 130)])
def test_the_study_ends_and_at_the_time_limit_the_job_goes_back_to_the_queue(
    job: dict[str, str], tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    write(tmp_path, ray=RAY, metaopt=METAOPT)
    with start(tmp_path, job | {"SLURM_JOB_NUM_NODES": "3"}) as script:
        until(lambda: (tmp_path / "running").exists() or script.poll() is not None)
        script.send_signal(sent)
        text, _ = script.communicate(timeout=400)
    limit = sent == signal.SIGUSR1
    assert script.returncode == code and ("back to the queue" in text) == limit
    port = 20000 + os.getpid() % 20000
    ran = (tmp_path / "running").read_text()
    assert ran == f"run study.toml --ray-address localhost:{port}token"
    log = (tmp_path / "slurm.log").read_text().splitlines()
    step = "--quiet --nodes={0} --ntasks={0} --ntasks-per-node=1 --cpus-per-task=1 --overlap"
    assert log[0] == "scontrol show hostnames node1"
    assert log[1].startswith(f"{step.format(1)} --nodelist=localhost")
    assert log[2].startswith(f"{step.format(2)} --exclude=localhost")
    assert log[2].endswith(f"--address=localhost:{port}")
    assert log[3:] == [f"scontrol requeue {os.getpid()}"] * limit
    assert not left_behind(str(tmp_path), 10)


def test_a_study_runs_on_a_real_head(job: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, ray='#!/bin/sh\nexec {python} -m ray.scripts.scripts "$@"\n')
    (tmp_path / "study.toml").write_text(STUDY)
    script = start(tmp_path, job)
    text, _ = script.communicate(timeout=400)
    assert script.returncode == 0 and "[1/1 trials" in text, text
    assert (tmp_path / "results" / "metaopt.db").exists()
    assert not left_behind(str(tmp_path))
