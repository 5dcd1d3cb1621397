"""Floors: how far full-simulation showers are from other full-simulation showers.

Notation:

    N, R      generated and validation events
    f_g(N)    mean distance of group g
    s(N)      sqrt(1/N + 1/R): what f_g is proportional to, but for nearest neighbours
    tau_g     max(mean distance of two samples of 2000 showers, tolerance)

Training events stand in for a perfect generator. They are cut in two halves; each
half is judged under pulls that were fitted to the other, since events that took
part in a fit seem closer to it than they are. Sizes beyond a quarter of the training
events are extrapolated with s(N): subsets that overlap would not be independent.

f_g(N) belongs to the one validation sample in use. tau_g, the unit, must not: a
small validation sample that lies off by chance would make all errors look small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectives.groups import (
    NEIGHBOUR_GROUPS,
    SIGMA_TOLERANCE,
    TOLERANCE,
    Target,
    combine,
    compress,
)
from objectives.pulls import Pulls
from objectives.samples import Sample
from search_spaces.geometry import Geometry
from search_spaces.threads import one_thread

Array64 = NDArray[np.float64]

SIZES = (20, 40, 70, 125, 250, 500, 1000, 2000, 5000, 10000)
#: Replicates per half and size.
REPLICATES = 8
#: Seed of the halves and of the subsets.
FLOOR_SEED = 20_012
#: N and R at which tau is taken.
TAU_EVENTS = 2000
#: Fewest events of a sample for that: nine bins of conditions need some in each.
PAIR_EVENTS = 125


@dataclass(frozen=True, eq=False)
class Floors:
    """The floor table of a reference.

    Attributes:
        groups: names of the g groups.
        events: R.
        sizes: N of each row (s,).
        distances: f_g(N) (s, g).
        tau: tau_g (g,).
        scores: mean and standard deviation of S (s, 2) over the replicates.
    """

    groups: tuple[str, ...]
    events: int
    sizes: Array64
    distances: Array64
    tau: Array64
    scores: Array64

    def at(self, n: int) -> Array64:
        """f_g(n) (g,)."""
        relative = self.distances / _scale(self.groups, self.sizes, self.events)
        log_n, knots = np.log(max(n, 1)), np.log(self.sizes)
        column = np.array([np.interp(log_n, knots, r) for r in relative.T], dtype=np.float64)
        scale = _scale(self.groups, np.array([max(n, 1)], dtype=np.float64), self.events)
        return np.asarray(column * scale[0], dtype=np.float64)

    def score(self, n: int) -> tuple[float, float]:
        """Mean and standard deviation of S of n full-simulation showers."""
        log_n, knots = np.log(max(n, 1)), np.log(self.sizes)
        mean, spread = (float(np.interp(log_n, knots, c)) for c in self.scores.T)
        return mean, spread


@one_thread
def measure(
    names: tuple[str, ...], training: Sample, validation: Sample, geometry: Geometry
) -> Floors:
    """The floor table of a data set.

    Args:
        names: of the k features.
        training: features and conditions of at least 80 showers, none of them bad.
        validation: of other showers of the same production.
        geometry: whether theta is a condition, and the particle types.
    """
    order = np.random.default_rng(FLOOR_SEED).permutation(len(training))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    sizes = [n for n in SIZES if n <= len(training) // 4]
    replicates: list[list[Array64]] = [[] for _ in sizes]
    units = []
    for fitted, held in (halves, halves[::-1]):
        pulls = Pulls.fit(names, training[fitted], geometry)
        target = Target(names, pulls(validation), geometry)
        held_out = pulls(training[held])
        for rows, n in zip(replicates, sizes, strict=True):
            rows += [target.distances(held_out[i])[0] for i in _subsets(len(held), n)]
        units.append(_unit(target, held_out))
    w, size = np.array(replicates), np.array(sizes, dtype=np.float64)  # w (s, replicates, g)
    mean, tau = w.mean(axis=1), np.mean(units, axis=0)
    s = combine(compress(target.groups, w, mean[:, None], tau))
    scores = np.stack([s.mean(axis=1), s.std(axis=1, ddof=1)], axis=1)
    return Floors(target.groups, len(validation), size, mean, tau, scores)


def _scale(groups: tuple[str, ...], n: Array64, events: float) -> Array64:
    """s(N) for the groups that follow it, else 1: (s, g)."""
    follows = np.array([g not in NEIGHBOUR_GROUPS for g in groups])
    scale = np.sqrt(1 / n + 1 / events)[:, None]
    return np.asarray(np.where(follows, scale, 1.0), dtype=np.float64)


def _unit(like: Target, sample: Sample) -> Array64:
    """tau_g (g,) from disjoint pairs of subsets of one sample, scaled to 2000 events.

    Many small pairs: the distance of a single pair varies by a third.
    """
    n = min(len(sample) // 2, max(len(sample) // (2 * REPLICATES), PAIR_EVENTS), TAU_EVENTS)
    w = []
    for rows in _subsets(len(sample), 2 * n):
        other = Target(like.names, sample[rows[n:]], like.geometry)
        w.append(other.distances(sample[rows[:n]])[0])
    there, here = (_scale(like.groups, np.array([float(m)]), m)[0] for m in (TAU_EVENTS, n))
    least = np.array([TOLERANCE.get(g, SIGMA_TOLERANCE) for g in like.groups])
    return np.asarray(np.maximum(np.mean(w, axis=0) * there / here, least), dtype=np.float64)


def _subsets(total: int, n: int) -> list[NDArray[np.intp]]:
    """Subsets of n events, disjoint as long as the events last."""
    rng = np.random.default_rng([FLOOR_SEED, n])
    rows: list[NDArray[np.intp]] = []
    while len(rows) < REPLICATES:
        order = rng.permutation(total)
        rows += [order[i * n : (i + 1) * n] for i in range(total // n)]
    return rows[:REPLICATES]
