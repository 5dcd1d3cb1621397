"""Highest resident memory of a training step, one process per preset."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from made_up import THREADS, geometry_of, made_up_showers

from workers.models.gan3d import backend
from workers.models.gan3d.presets import PRESETS
from workers.models.registry import make_family
from workers.trial import Resources

BATCH = 64
HEAD = ("preset", "measured [MiB]", "estimate `training_mib` [MiB]", "measured / estimate")


def rows() -> Iterator[tuple[str, ...]]:
    """One row per preset."""
    for preset in PRESETS:
        command = [sys.executable, __file__, preset]
        answer = subprocess.run(command, check=True, text=True, capture_output=True).stdout
        measured, estimate = json.loads(answer.splitlines()[-1])
        yield (preset, f"{measured:.0f}", f"{estimate:.0f}", f"{measured / estimate:.2f}")


def _status(key: str) -> float:
    """A line of the kernel's account of this process [MiB]."""
    # Not getrusage: its highest value includes the parent's memory before exec.
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{key}:"))
    return int(line.split()[1]) / 1024


def _step(preset: str) -> tuple[float, float]:
    """Memory of one step and its estimate [MiB]."""
    resources = Resources(cpus=THREADS)
    backend.start(resources)
    import workers.models.gan3d.training  # noqa: F401

    before = _status("VmRSS")
    geometry = geometry_of(preset)
    model = make_family("gan3d").build(preset, {"batch_size": BATCH}, geometry, 1, resources)
    model.train_epoch(made_up_showers(geometry, BATCH), 1)
    return _status("VmHWM") - before, model.metrics()["training_mib"]


if __name__ == "__main__":
    print(json.dumps(_step(sys.argv[1])))
