"""The time budget of a run."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable, Sequence


class Timetable:
    """When a run must end, and what fits before.

    Args:
        budget: wall-clock seconds from now; None without a limit.
    """

    def __init__(self, budget: float | None) -> None:
        self._budget = budget or 0.0
        self._deadline = None if budget is None else time.monotonic() + budget

    @property
    def over(self) -> bool:
        """Whether the time is used up."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def fits(self, durations: Sequence[float], after: int, slots: int) -> bool:
        """Whether a fast trial, started now, and ``after`` others would end in time.

        The fastest so far: one that is cut off is repeated by the next run, and costs
        nothing that an idle worker would not.

        Args:
            durations: of the complete trials [s].
            after: trials of typical length that follow it; they get a quarter of the budget
                at most.
            slots: trials at once.
        """
        if self._deadline is None or not durations:
            return True
        reserve = math.ceil(after / max(slots, 1)) * statistics.median(durations)
        reserve = min(reserve, self._budget / 4)
        return time.monotonic() + min(durations) + reserve < self._deadline

    def left(
        self, durations: Sequence[float], started: Iterable[float], waiting: int, slots: int
    ) -> float | None:
        """Seconds until the end, estimated from complete trials; at most what the budget leaves.

        Args:
            durations: of the complete trials [s].
            started: when the running trials began [monotonic s].
            waiting: trials that were not started yet.
            slots: trials at once.
        """
        now = time.monotonic()
        by_time = None if self._deadline is None else max(self._deadline - now, 0.0)
        if not durations:
            return by_time
        typical = statistics.median(durations)
        running = sum(typical - min(now - begin, typical) for begin in started)
        by_trials = (waiting * typical + running) / max(slots, 1)
        return by_trials if by_time is None else min(by_time, by_trials)
