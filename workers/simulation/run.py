"""A simulation, spread over processes: the parent hands out blocks, and puts the file together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from search_spaces.errors import ExecutorError
from workers.simulation.em_data import data_sets
from workers.simulation.engines import environment
from workers.simulation.job import Job
from workers.simulation.output import Parts, is_done

#: Takes the number of showers that there are.
Report = Callable[[int], None]
Worker = subprocess.Popen[bytes]


def simulate(job: Job, out: Path, processes: int = 1, report: Report | None = None) -> bool:
    """Do a job, or the rest of it, and write its file.

    Args:
        job: what is simulated.
        out: the file.
        processes: at once; changes nothing in the showers.
        report: told at the start and after each block.

    Returns:
        Whether there was anything to do: not, if the file is there already.

    Raises:
        ConfigError: the file holds anything else, cannot be written, or is another process's.
        ExecutorError: a process failed; its blocks can be simulated by calling again.
    """
    if is_done(out, job):
        return False
    parts = Parts(out)
    parts.begin(job)
    with parts.locked():
        todo = parts.missing(job)
        done = job.events - sum(stop - start for start, stop in map(job.showers, todo))
        tell = report or (lambda _: None)
        tell(done)
        shares = [todo[i::processes] for i in range(min(processes, len(todo)))]
        with _workers(job, parts, shares) as lines:
            for line in lines:
                done += int(line.split()[1])
                tell(done)
        parts.finish(job)
    return True


@contextmanager
def _workers(job: Job, parts: Parts, shares: list[list[int]]) -> Iterator[Iterator[str]]:
    """Processes for some blocks each, and what they tell; they end with the context."""
    read, write = os.pipe()
    workers: list[Worker] = []
    log = parts.folder / "log"
    with os.fdopen(read) as lines:
        try:
            with os.fdopen(write) as told, log.open("wb") as errors:
                ends = told.fileno(), errors.fileno()
                workers.extend(_start(job, parts, share, *ends) for share in shares)
            yield lines
            _check(workers, log)
        finally:
            for worker in workers:
                worker.kill()  # blocks appear whole, whenever this is
                worker.wait()


def _start(job: Job, parts: Parts, share: list[int], told: int, errors: int) -> Worker:
    worker = subprocess.Popen(
        [sys.executable, "-m", "workers.simulation.worker"],
        stdin=subprocess.PIPE,
        stdout=told,
        stderr=errors,
        env=environment(job, parts.data),
    )
    computed = job.engine == "geant4" and data_sets(os.environ) is None
    order = {"out": str(parts.out), "blocks": share, "computed": computed}
    assert worker.stdin is not None
    # One that dies at once is told by its exit code.
    with suppress(BrokenPipeError), worker.stdin as stdin:
        stdin.write(json.dumps(order).encode() + b"\n")
    return worker


def _check(workers: list[Worker], log: Path) -> None:
    """Raise :class:`ExecutorError` if a process failed; the log says why."""
    codes = [worker.wait() for worker in workers]
    if any(codes):
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise ExecutorError(
            f"a simulating process ended with code {next(filter(None, codes))}: "
            f"{lines[-1].strip() if lines else 'it said nothing'}; {log} has the rest"
        )
