"""Against whom a trial is held at a rung when the strategy minimises the time as well.

A pruning rule compares S alone, so it would stop every network that is fast and a little
worse: half of what a search for two objectives looks for. Such a trial is therefore held
against those only that are as fast or faster. One that would be on the Pareto front at its
rung has no better rival, and is spared by every rule that stops what is behind; of the
others, halving stops the same share as ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from metaopt.strategies.base import Strategy
from workers.timing import MS_PER_SHOWER, log_ms


def minimises_time(strategy: Strategy) -> bool:
    """Whether a strategy has milliseconds per shower as its ``second_objective``."""
    return getattr(strategy, "second_objective", "") == MS_PER_SHOWER


def slower(ms: float | None, others: Mapping[int, float | None]) -> set[int]:
    """Which of the others are slower than a trial: what S they have says nothing against it.

    Args:
        ms: milliseconds per shower of the trial; None, where it was not timed, takes it for
            the slowest.
        others: those of the other trials by number; one that was not timed is slower.
    """
    own = speed_class(ms)
    return {number for number, time in others.items() if speed_class(time) > own}


def speed_class(ms: float | None) -> float:
    """The box of equal times (see :func:`log_ms`) of a trial; one that was not timed is slowest."""
    return math.inf if ms is None else log_ms(ms)
