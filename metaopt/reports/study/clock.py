"""Time of a study without its pauses, and the slots in which its trials ran.

A study may be resumed days later. A pause is a stretch of more than ``PAUSE`` seconds in which
no trial ran: it is left out of every duration. The store does not say which worker ran a trial;
slots are filled in order of start, each trial taking the first one that is free, which gives
the number of trials at once exactly and the worker of each trial as a guess.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from metaopt.store.views import INTERRUPTED, TrialView

#: Seconds without any trial after which the study is taken to have been paused.
PAUSE = 600.0
#: Units of time [s], longest first.
UNITS = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


@dataclass(frozen=True)
class Run:
    """A trial in its slot, from ``start`` to ``end`` [s of the study without pauses]."""

    trial: TrialView
    slot: int
    start: float
    end: float


@dataclass(frozen=True)
class Clock:
    """Seconds of a study without its pauses.

    Attributes:
        stretches: (begin, end) of each time in which trials ran, in order.
        before: seconds in all stretches before each.
    """

    stretches: tuple[tuple[datetime, datetime], ...]
    before: tuple[float, ...]

    @classmethod
    def of(cls, trials: Iterable[TrialView]) -> Clock:
        """The clock of trials that ended."""
        stretches: list[tuple[datetime, datetime]] = []
        for start, end in sorted(filter(None, map(_span, trials))):
            if stretches and (start - stretches[-1][1]).total_seconds() <= PAUSE:
                stretches[-1] = (stretches[-1][0], max(stretches[-1][1], end))
            else:
                stretches.append((start, end))
        before, total = [], 0.0
        for start, end in stretches:
            before.append(total)
            total += (end - start).total_seconds()
        return cls(tuple(stretches), tuple(before))

    def __call__(self, moment: datetime) -> float:
        """Seconds from the first trial's start to a moment, without pauses."""
        index = bisect_right([start for start, _ in self.stretches], moment) - 1
        if index < 0:
            return 0.0
        start, end = self.stretches[index]
        return self.before[index] + (min(moment, end) - start).total_seconds()

    @property
    def total(self) -> float:
        """Seconds in which trials ran."""
        return self(self.stretches[-1][1]) if self.stretches else 0.0

    def runs(self, trials: Iterable[TrialView]) -> list[Run]:
        """Trials in slots, in order of start."""
        spans = [(span, t.number, t) for t in trials if (span := _span(t)) is not None]
        busy: list[tuple[datetime, int]] = []
        free: list[int] = []
        found = []
        for (start, end), _, trial in sorted(spans, key=lambda s: s[:2]):
            while busy and busy[0][0] <= start:
                heapq.heappush(free, heapq.heappop(busy)[1])
            slot = heapq.heappop(free) if free else len(busy)
            heapq.heappush(busy, (end, slot))
            found.append(Run(trial, slot, self(start), self(end)))
        return found


def unit_of(seconds: float) -> tuple[float, str]:
    """Seconds of the unit in which so long a time reads best, and its name."""
    return next((unit for unit in UNITS if seconds > 2 * unit[0]), UNITS[-1])


def idle_share(runs: Sequence[Run], total: float) -> float:
    """Share of the slots' time in which no trial ran."""
    slots = 1 + max((run.slot for run in runs), default=0)
    busy = sum(run.end - run.start for run in runs)
    return max(1 - busy / (slots * total), 0.0) if total > 0 else 0.0


def _span(trial: TrialView) -> tuple[datetime, datetime] | None:
    """When a trial ran. One whose controller died is told only when the next one starts."""
    start, end = trial.started, trial.finished
    if start is None or end is None:
        return None
    if trial.outcome == INTERRUPTED:
        end = min(end, start + timedelta(seconds=trial.seconds))
    return (start, end) if end > start else None
