"""How long a trained model takes per shower: the second objective of a study, if it has one.

The first call of a compiled network builds it, and a machine is never quite idle: one
batch is generated before the clock starts, and of several repeats the median counts.
Values compare only between trials on like devices, with as many CPUs each.

Other trials on the machine lengthen wall time, not CPU time. Measured on one small network
90 times, with four processes on two cores: the standard deviation of one value is 41 %
(0.15 decades) in wall time and 7 % (0.03) in CPU time; the median 0.76 ms in wall time and
0.40 ms in CPU time, which is what an idle core takes. The least of six wall times still
scatters by 12 %. So the CPU's clock is read where the CPU does the work.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from objectives.showers import Array, Conditions
from workers.trial import Resources

#: The name of the figure among a trial's metrics.
MS_PER_SHOWER = "ms_per_shower"
#: Showers per batch, and timed batches.
BATCH, REPEATS = 128, 5
#: Times are compared in steps of so many decades (26 %): some standard deviations of a value, and
#: less than anybody would choose a network for.
RESOLUTION = 0.1

#: Cells (n, x, y, z) [GeV] of one shower for each of n conditions, by a seed.
Generate = Callable[[Conditions, int], Array]


def clock_for(resources: Resources) -> Callable[[], float]:
    """CPU time for a trial on one CPU; wall time for several, whose CPU times add up, and GPUs."""
    return time.process_time if resources.cpus == 1 and not resources.gpus else time.perf_counter


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
    """What is minimised beside S: log10 of the milliseconds per shower, to ``RESOLUTION``.

    Rounding makes boxes of equal times (Laumanns et al., Evolutionary Computation 10 (2002)
    263): "equal within so much" would be no order, since small steps add up to a large one.
    """
    return RESOLUTION * round(math.log10(max(ms, 1e-6)) / RESOLUTION)


def _timed(
    generate: Generate, conditions: Conditions, seed: int, clock: Callable[[], float]
) -> float:
    start = clock()
    generate(conditions, seed)
    return clock() - start
