"""How long a warm worker takes from ``trial_events`` to the first training step of a trial.

The runner's own calls are timed where it makes them, in a second trial of the same
process. An epoch is one batch here: the first one traces and steps, the second steps.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import h5py
from made_up import THREADS, geometry_of, made_up_showers

from search_spaces.loader import load_geometry
from workers import data, runner
from workers.models.gan3d.family import Gan3D, Gan3DModel
from workers.trial import Budget, DataSpec, Resources, TrialSpec

SAMPLE = Path(__file__).parents[2] / "metaopt" / "sample" / "clic-12x12x12.h5"
BATCH, EPOCHS, EVENTS = 64, 20, 2000
PARTS = {
    "reference": (runner, "load_reference"),
    "data": (data, "load"),
    "build": (Gan3D, "build"),
    "epoch": (Gan3DModel, "train_epoch"),
}
HEAD = ("trial", "reference", "data", "build", "trace", "first step", "in all")

#: Begin and end of every call, by part [s].
Calls = dict[str, list[tuple[float, float]]]


def rows() -> Iterator[tuple[str, ...]]:
    """The bundled sample, and a made-up file of the published shape."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = folder / "made-up.h5"
        _write(made)
        for geometry, file in (("clic-12x12x12", SAMPLE), ("clic-25x25x25", made)):
            spec = _spec(geometry, file, folder)
            _calls(spec)  # starts TensorFlow
            yield _row(geometry, _calls(replace(spec, number=1, seed=2)))


def _row(geometry: str, calls: Calls) -> tuple[str, ...]:
    seconds = {part: [end - begin for begin, end in times] for part, times in calls.items()}
    traced, step = seconds["epoch"]
    parts = [sum(seconds[part]) for part in ("reference", "data", "build")]
    total = calls["epoch"][0][1] - calls["trial"][0][0]
    return (
        f"fixed-angle on {geometry}",
        *(f"{s:.2f}" for s in (*parts, traced - step, step, total)),
    )


def _calls(spec: TrialSpec) -> Calls:
    """When a trial of two steps makes which of its calls."""
    calls: Calls = defaultdict(list)
    epochs = count(1)
    begin = time.perf_counter()
    with ExitStack() as stack:
        for part, (owner, name) in PARTS.items():
            stack.enter_context(_timed(owner, name, calls[part]))
        list(runner.trial_events(spec, lambda: next(epochs) == 2))
    calls["trial"].append((begin, time.perf_counter()))
    return calls


@contextmanager
def _timed(owner: Any, name: str, calls: list[tuple[float, float]]) -> Iterator[None]:
    """Note the begin and end of each call of ``owner.name``."""
    function = getattr(owner, name)

    def timed(*arguments: Any, **named: Any) -> Any:
        begin = time.perf_counter()
        result = function(*arguments, **named)
        calls.append((begin, time.perf_counter()))
        return result

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, function)


def _spec(geometry_name: str, file: Path, folder: Path) -> TrialSpec:
    geometry = load_geometry(geometry_name)
    _, digest = data.survey((str(file),), geometry)
    spec = TrialSpec(
        study="first-step",
        number=0,
        family="gan3d",
        preset="fixed-angle",
        point={"batch_size": BATCH},
        geometry=geometry,
        data=DataSpec((str(file),), digest=digest),
        budget=Budget(epochs=EPOCHS, showers=BATCH, evaluation_showers=BATCH),
        seed=1,
        folder=str(folder / "trial"),
        reference=str(folder / f"{geometry_name}.npz"),
        showers=str(folder / "decoded"),
        resources=Resources(cpus=THREADS),
    )
    # As for every study, the reference is made before the first trial.
    runner.load_reference(spec).save(Path(spec.reference))
    return spec


def _write(path: Path) -> None:
    geometry = geometry_of("fixed-angle")
    showers = made_up_showers(geometry, EVENTS)
    with h5py.File(path, "w") as file:
        options = {"compression": "gzip", "compression_opts": 4, "chunks": (100, *geometry.shape)}
        file.create_dataset(geometry.storage.showers, data=showers.cells, **options)
        file.create_dataset(geometry.storage.energy, data=showers.energy)
        file.create_dataset(geometry.storage.theta, data=showers.theta)
