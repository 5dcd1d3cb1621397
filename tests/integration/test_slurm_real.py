"""The Slurm script in a real Slurm of two nodes, with stand-ins for Ray and the study."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..processes import until
from ..slurm import DAEMONS, PATH, Slurm

SCRIPT = Path(__file__).parents[2] / "deploy" / "slurm" / "metaopt.sbatch"
#: A Ray that starts at once, writes a folder as Ray does, and ends when it is told to.
RAY = """#!/bin/sh
mkdir -p "/tmp/ray-$SLURM_JOB_ID" && : > "$SLURMD_NODENAME"
echo "Ray runtime started."
exec sleep 600
"""
#: A study that runs until it is told to end, and is complete when it is resumed.
METAOPT = """#!{python}
import signal, sys
from pathlib import Path
if Path("begun").exists():
    print("complete")
    sys.exit(0)
def end(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Slurm and the script may both send one
    sys.exit(130)
signal.signal(signal.SIGTERM, end)
Path("begun").touch()
while True:
    signal.pause()
"""


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    missing = [name for name in DAEMONS if shutil.which(name, path=PATH) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not found: apt-get install slurm-wlm munge")
    slurm = Slurm()
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.close()


@pytest.fixture
def job(slurm: Slurm, tmp_path: Path) -> Iterator[str]:
    """A job whose study runs, in the test's folder."""
    (tmp_path / "bin").mkdir()
    for name, text in {"ray": RAY, "metaopt": METAOPT}.items():
        (tmp_path / "bin" / name).write_text(text.replace("{python}", sys.executable))
        (tmp_path / "bin" / name).chmod(0o755)
    path = f"PATH={tmp_path / 'bin'}:{PATH}"
    submit = ["sbatch", "--parsable", f"--export=ALL,{path}", f"--chdir={tmp_path}"]
    number = slurm.ask(*submit, SCRIPT, "study.toml").strip()
    until((tmp_path / "begun").exists)
    yield number
    slurm.ask("scancel", number)
    until(lambda: not slurm.ask("squeue", "--noheader", f"--jobs={number}"))


def test_near_the_time_limit_the_job_goes_back_to_the_queue_and_resumes(
    slurm: Slurm, job: str, tmp_path: Path
) -> None:
    until((tmp_path / "n2").exists)
    slurm.ask("scancel", "--batch", "--signal=USR1", job)  # as --signal does
    until(lambda: slurm.state(job) == ("COMPLETED", 1))
    said = (tmp_path / f"metaopt-{job}.log").read_text()
    assert "back to the queue" in said and said.endswith("complete\n"), said
    assert (tmp_path / "n1").exists() and not Path(f"/tmp/ray-{job}").exists()


def test_a_cancelled_job_stays_cancelled(slurm: Slurm, job: str, tmp_path: Path) -> None:
    slurm.ask("scancel", job)
    until(lambda: not slurm.ask("squeue", "--noheader", f"--jobs={job}"))
    assert slurm.state(job) == ("CANCELLED", 0)
    assert "back to the queue" not in (tmp_path / f"metaopt-{job}.log").read_text()
