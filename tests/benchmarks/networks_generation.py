"""Milliseconds per generated shower, for every preset and some batch sizes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from made_up import THREADS, geometry_of, made_up_showers

from objectives.showers import Conditions
from workers.models.base import GenerativeModel
from workers.models.gan3d.presets import PRESETS
from workers.models.registry import make_family
from workers.trial import Resources

SIZES, REPEATS = (1, 64, 512), 3
HEAD = ("preset", *(f"{n} showers at once" for n in SIZES))


def rows() -> Iterator[tuple[str, ...]]:
    """One row per preset; networks are untrained, which does not change the time."""
    family = make_family("gan3d")
    for preset in PRESETS:
        geometry = geometry_of(preset)
        model = family.build(preset, {}, geometry, 1, Resources(cpus=THREADS))
        conditions = made_up_showers(geometry, max(SIZES)).conditions
        milliseconds = []
        for n in SIZES:
            model.generate(conditions[:n], 0)  # compiles
            milliseconds.append(median(_timed(model, conditions[:n]) for _ in range(REPEATS)) / n)
        yield (preset, *(f"{ms:.2f}" for ms in milliseconds))


def _timed(model: GenerativeModel, conditions: Conditions) -> float:
    start = time.perf_counter()
    model.generate(conditions, 1)
    return 1e3 * (time.perf_counter() - start)
