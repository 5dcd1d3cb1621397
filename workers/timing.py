"""How long a trained model takes per shower: the second objective of a study, if it has one.

The first call of a compiled network builds it, and a machine is never quite idle: one
batch is generated before the clock starts, and of several repeats the median counts.
Values compare only between trials on like devices.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from objectives.showers import Array, Conditions

#: Showers per batch, and timed batches.
BATCH, REPEATS = 128, 5


#: Cells (n, x, y, z) [GeV] of one shower for each of n conditions, by a seed.
Generate = Callable[[Conditions, int], Array]


def ms_per_shower(
    generate: Generate,
    conditions: Conditions,
    batch: int = BATCH,
    repeats: int = REPEATS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Milliseconds per generated shower: the median over batches, after one that is not timed.

    Args:
        generate: :meth:`~workers.models.base.GenerativeModel.generate` of a model.
        conditions: at least one, in any order; used again if they are fewer than a batch.
        batch: showers generated at once; the same for all trials that are compared.
        repeats: timed batches, at least 5 for a median that one interruption cannot move.
        clock: seconds.
    """
    rows = np.arange(batch) % len(conditions)
    seconds = [_timed(generate, conditions[rows], seed, clock) for seed in range(1 + repeats)]
    return 1e3 * float(np.median(seconds[1:])) / batch


def log_ms(ms: float) -> float:
    """What is minimised beside S: log10 of the milliseconds per shower."""
    return math.log10(max(ms, 1e-6))


def _timed(
    generate: Generate, conditions: Conditions, seed: int, clock: Callable[[], float]
) -> float:
    start = clock()
    generate(conditions, seed)
    return clock() - start
