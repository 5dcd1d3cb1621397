"""What the machine has: processors, memory, GPUs, room on the disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from metaopt.doctor.finding import Finding

GIB = 2**30
#: A worker with TensorFlow and a small network takes about so much [bytes].
WORKER_MEMORY = GIB
#: Free room below which weights and reference artefacts may not fit, or not for long [bytes].
LEAST_ROOM, LITTLE_ROOM = GIB // 10, 5 * GIB
#: How long TensorFlow may take to start on a busy machine or a slow file system [s].
IMPORT_SECONDS = 300


def machine(gpus: float) -> Iterator[Finding]:
    """Processors, memory and GPUs of this machine; ``gpus`` are asked for of each trial."""
    usable, there = len(os.sched_getaffinity(0)), os.cpu_count() or 1
    yield Finding("processors", "ok", f"{usable} of {there} may be used")
    yield _memory(usable)
    yield _gpus(gpus)


def results_folder(folder: Path, size: int) -> Iterator[Finding]:
    """Whether the results can be written, and the decoded showers of ``size`` bytes fit."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        text = f"{folder} cannot be made or written to"
        yield Finding("results", "problem", text, "give another --results")
        return
    free = shutil.disk_usage(there).free
    text = f"{folder}: {_size(free)} free"
    text += f", decoded showers take up to {_size(size)}" if size else ""
    if free < max(LEAST_ROOM, size):
        yield Finding("results", "problem", text, "make room, or give another --results")
    elif free < LITTLE_ROOM + size:
        yield Finding("results", "warning", text, "make room: each trial keeps its weights")
    else:
        yield Finding("results", "ok", text)


def _memory(workers: int) -> Finding:
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, free = (1024 * int(facts[key].split()[0]) for key in ("MemTotal", "MemAvailable"))
    limit = memory_limit(Path("/proc/self/cgroup").read_text())
    text = f"{_size(total)}, {_size(free)} free"
    if limit is not None and limit < total:
        text, free = f"{text}; limited to {_size(limit)}", min(free, limit)
    if free < WORKER_MEMORY:
        return Finding("memory", "problem", text, "end other programs: a worker needs about 1 GiB")
    if free < workers * WORKER_MEMORY:
        most = free // WORKER_MEMORY
        return Finding("memory", "warning", text, f"give --workers {most} at most")
    return Finding("memory", "ok", text)


def memory_limit(groups: str, root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Memory that a container or batch job may use [bytes], where there is a limit.

    Args:
        groups: of this process, as ``/proc/self/cgroup`` lists them.
        root: where the groups' files are; a container may see its own group there.
    """
    limits = []
    for _, controllers, path in (line.split(":", 2) for line in groups.splitlines()):
        top, name = root, "memory.max"
        if controllers:
            top, name = root / "memory", "memory.limit_in_bytes"
        if not controllers or "memory" in controllers.split(","):
            # A job's limit stands above the groups of its steps.
            group = top / path.lstrip("/")
            places = (p for p in (group, *group.parents) if p.is_relative_to(top))
            limits += [int(text) for p in places if (text := _read(p / name)).isdigit()]
    return min(limits, default=None)


def _read(file: Path) -> str:
    return file.read_text().strip() if file.is_file() else ""


def _gpus(wanted: float) -> Finding:
    """The GPUs that TensorFlow sees, in a process of its own."""
    command = [sys.executable, "-P", "-m", "workers.models.devices"]
    try:
        done = subprocess.run(  # noqa: S603 (our own module)
            command, capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        text = f"TensorFlow has not started within {IMPORT_SECONDS} s"
        return Finding("tensorflow", "problem", text, "install it on a faster file system")
    if done.returncode:
        return Finding("tensorflow", "problem", *_failure(done))
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    if names:
        return Finding("tensorflow", "ok", f"starts, and sees {len(names)} GPUs: {_list(names)}")
    hint = "pip install 'metaopt[gpu]', and check the driver with nvidia-smi"
    if wanted:
        text = f"starts, and sees no GPU, while workers.gpus = {wanted:g}"
        return Finding("tensorflow", "problem", text, f"{hint}; or set gpus = 0")
    if any(Path("/dev").glob("nvidia[0-9]*")):
        return Finding("tensorflow", "warning", "starts, and sees none of the GPUs there are", hint)
    return Finding("tensorflow", "ok", "starts, and sees no GPU, as there is none")


def _failure(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """Why TensorFlow does not start, and what to do."""
    if done.returncode == -signal.SIGILL:
        return "it needs a processor with AVX", "use another machine, or a build for this one"
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return f"does not start: {last[:200]}", "install metaopt again in a new environment"


def _list(names: list[str]) -> str:
    return ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))


def _size(size: float) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / GIB * 1024:.0f} MiB"
