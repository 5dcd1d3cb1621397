"""The Pareto front of a study: configurations that none surpasses in S and speed at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from metaopt.store.standings import Standing, standings
from metaopt.store.views import TrialView
from search_spaces.parameters import Value
from workers.timing import log_ms


@dataclass(frozen=True)
class FrontPoint:
    """One configuration of the front.

    Attributes:
        trial: its training with the lowest S, which can be exported.
        score, error: S of all its trainings and its standard error.
        seeds: how many trainings these are of.
        ms_per_shower: the least of them.
        point: its parameters.
    """

    trial: int
    score: float
    error: float | None
    seeds: int
    ms_per_shower: float
    point: Mapping[str, Value]


def pareto_front(trials: Iterable[TrialView]) -> list[FrontPoint]:
    """The front of the complete and timed trials, lowest S first.

    Times that :func:`workers.timing.log_ms` rounds to the same value are equal; of such
    configurations the one with the lowest S stands for all.
    """
    found = [point for s in standings(trials) if (point := _front_point(s)) is not None]
    front: list[FrontPoint] = []
    fastest = math.inf
    for point in sorted(found, key=lambda p: (p.score, log_ms(p.ms_per_shower), p.trial)):
        if log_ms(point.ms_per_shower) < fastest:
            front.append(point)
            fastest = log_ms(point.ms_per_shower)
    return front


def _front_point(standing: Standing) -> FrontPoint | None:
    """None where no training was timed."""
    times = [t.ms_per_shower for t in standing.trials if t.ms_per_shower is not None]
    best, score = standing.best, standing.score
    if not times:
        return None
    return FrontPoint(best.number, score.value, score.error, score.seeds, min(times), best.point)
