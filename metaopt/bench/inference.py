"""How fast a trained generator is in each form, side by side, and what each form does to S.

All forms take turns on the same conditions and noise, so that whatever else the machine does
meets all of them. Milliseconds are per shower; a median over turns, with half the distance
between the quartiles. CPU time adds up the threads, and is steadier on a busy machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
from numpy.typing import NDArray

from metaopt.export import load_model, load_production
from metaopt.formats import FILES
from metaopt.formats.conversion import convert
from metaopt.formats.runtimes import open_file
from objectives.objective import evaluate
from objectives.reference import Reference
from objectives.showers import Conditions, Showers
from search_spaces.errors import ConfigError
from search_spaces.geometry import Geometry
from workers.data import build_reference, survey
from workers.data.remote import local_path
from workers.models.base import Deployable
from workers.timing import Generate
from workers.trial import DataSpec

#: The network in the form in which metaopt trains and generates, by which others are measured.
BASE = "metaopt"
#: Data set with the CPU seconds of each shower in files of `metaopt simulate`.
SIMULATED = "cpu_seconds"
#: Most showers that S is taken of, and their draw.
JUDGED, DRAW = 2000, 5

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Timing:
    """One form at one batch size.

    Attributes:
        form: of :data:`metaopt.formats.FILES`, or ``BASE``.
        batch: showers at once.
        ms, spread: wall time per shower, and half its interquartile range.
        cpu_ms: CPU time per shower.
        speed: CPU time of ``BASE`` over that of this form: the median over turns.
    """

    form: str
    batch: int
    ms: float
    spread: float
    cpu_ms: float
    speed: float


@dataclass(frozen=True)
class Quality:
    """S of a form's showers, and its error."""

    form: str
    score: float
    error: float


@dataclass(frozen=True)
class Inference:
    """What was measured.

    Attributes:
        threads: of the processor, for every form.
        timings: one per form and batch size.
        qualities: one per form, with a reference.
        simulation_ms: CPU time per shower of the reference's own simulation, where it says so.
    """

    threads: int
    timings: tuple[Timing, ...]
    qualities: tuple[Quality, ...] = ()
    simulation_ms: float | None = None


def measure(
    folder: Path,
    batches: Sequence[int],
    turns: int,
    threads: int,
    reference: str | None,
    say: Callable[[str], None],
) -> Inference:
    """Time all forms of a model, and judge their showers.

    Args:
        folder: of the model.
        batches: showers at once.
        turns: timed turns of each form, after one that is not timed.
        threads: of the processor.
        reference: file of full-simulation showers, or None.
        say: takes a line of progress.

    Raises:
        ConfigError: the model cannot be converted.
        DataError: a file cannot be used.
        MissingExtraError: ONNX Runtime is not installed.
    """
    geometry = load_production(folder).geometry
    model = load_model(folder, threads)
    if not isinstance(model, Deployable):
        raise ConfigError(f"{folder}: models of this family cannot be converted; use another")
    with TemporaryDirectory() as place:
        made = convert(folder, Path(place), tuple(FILES), lambda c: say(f"{c.form}: written"))
        forms = {
            BASE: model.generate,
            **{c.form: open_file(c.form, c.path, model, geometry, threads) for c in made},
        }
        timings = [t for n in batches for t in time_forms(forms, geometry, n, turns, say)]
        qualities = judge_forms(forms, reference, geometry, say) if reference else []
    spent = simulation_ms(reference) if reference else None
    return Inference(threads, tuple(timings), tuple(qualities), spent)


def time_forms(
    forms: Mapping[str, Generate],
    geometry: Geometry,
    batch: int,
    turns: int,
    say: Callable[[str], None] = lambda _: None,
) -> list[Timing]:
    """All forms in turns at one batch size; the first one is what others are compared with."""
    say(f"timing batches of {batch:,}")
    rng = np.random.default_rng(DRAW)
    theta = rng.uniform(*geometry.theta_rad, batch)
    kinds = rng.integers(len(geometry.particles), size=batch)
    conditions = Conditions.of(rng.uniform(*geometry.energy, batch), theta, kinds)
    seconds: dict[str, list[tuple[float, float]]] = {form: [] for form in forms}
    for turn in range(turns + 1):
        for form, generate in forms.items():
            spent = _timed(generate, conditions, turn)
            if turn:  # what is compiled, is compiled in the first
                seconds[form].append(spent)
    arrays = {form: 1e3 / batch * np.array(values) for form, values in seconds.items()}
    base = next(iter(arrays.values()))
    return [_timing(form, batch, values, base) for form, values in arrays.items()]


def judge_forms(
    forms: Mapping[str, Generate],
    path: str,
    geometry: Geometry,
    say: Callable[[str], None] = lambda _: None,
) -> list[Quality]:
    """S of every form against one reference, with the same conditions and noise."""
    say(f"{Path(path).name}: building the reference")
    reference = reference_of(path, geometry)
    conditions = reference.conditions(min(JUDGED, len(reference)))
    found = []
    for form, generate in forms.items():
        say(f"{form}: judging {len(conditions):,} showers")
        score = evaluate(Showers(generate(conditions, DRAW), conditions), reference)
        found.append(Quality(form, score.value, score.error))
    return found


def reference_of(path: str, geometry: Geometry) -> Reference:
    """The reference artefact of a file of full-simulation showers."""
    _, digest = survey([path], geometry)
    return build_reference(DataSpec((path,), digest=digest), geometry)


def simulation_ms(path: str) -> float | None:
    """CPU milliseconds per shower of the simulation that made a file, if it says so."""
    with h5py.File(local_path(path), "r") as file:
        spent = file.get(SIMULATED)
        return None if spent is None else 1e3 * float(np.mean(spent[:]))


def _timed(generate: Generate, conditions: Conditions, seed: int) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    generate(conditions, seed)
    return time.perf_counter() - wall, time.process_time() - cpu


def _timing(form: str, batch: int, values: Seconds, base: Seconds) -> Timing:
    low, middle, high = (float(q) for q in np.quantile(values[:, 0], (0.25, 0.5, 0.75)))
    speed = float(np.median(base[:, 1] / np.maximum(values[:, 1], 1e-9)))
    return Timing(form, batch, middle, 0.5 * (high - low), float(np.median(values[:, 1])), speed)
