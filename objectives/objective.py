"""The physics-validation objective S: how far generated showers are from the full simulation.

Notation:

    N         showers asked for; those that are missing count as bad
    z         pulls of the features, +25 throughout for bad showers      [sigma]
    w_g, L_g  distance and level of group g, see :mod:`objectives.groups`
    S         0.7 mean_g L_g + 0.3 max_g L_g, lower is better, at most 2.8

About 0.13 is indistinguishable, 0.5 a 1 % error of the energy scale, 1 a 5 % error,
2 untrained or collapsed; 2.8 is told for a trial that gave nothing to judge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectives.groups import WORST, combine, compress
from objectives.metrics import human_metrics
from objectives.observables import Features
from objectives.pulls import CLIP
from objectives.reference import Reference
from objectives.samples import Sample
from objectives.showers import Showers
from search_spaces.threads import one_thread

__all__ = ["WORST", "Score", "evaluate", "judge"]

#: Parts of the delete-a-group jackknife that gives the error of S.
JACKKNIFE_PARTS = 8


@dataclass(frozen=True)
class Score:
    """The score of a sample of generated showers.

    Attributes:
        value: S.
        error: standard deviation of S from the finite generated sample.
        floor: mean S of as many full-simulation showers; below ``floor + 3 floor_sd`` the
            sample is statistically indistinguishable.
        floor_sd: their standard deviation.
        groups: L_g by group.
        metrics: human numbers, see :func:`objectives.metrics.human_metrics`.
    """

    value: float
    error: float
    floor: float
    floor_sd: float
    groups: dict[str, float]
    metrics: dict[str, float]


def evaluate(generated: Showers, reference: Reference, asked: int | None = None) -> Score:
    """Judge generated showers.

    Args:
        generated: showers at the conditions ``reference.conditions(asked)``, in any order, or
            others in the ranges of its geometry; cells may hold anything.
        reference: of the same geometry.
        asked: how many were asked for; by default as many as there are. Missing ones
            count as bad.

    Returns:
        Finite numbers for every input; energies not above 0 and what is NaN are bad events.

    Raises:
        DataError: if the grid is not the reference's, or an energy or angle lies outside of the
            geometry's range, as in another unit.
    """
    given = generated.conditions
    given[given.usable].check_ranges(reference.geometry, "generated showers")
    return judge(reference.features(generated), reference, asked)


@one_thread
def judge(seen: Features, reference: Reference, asked: int | None = None) -> Score:
    """Judge showers by their features, for samples too large to be kept.

    ``judge(Features.joined([reference.features(part) for part in parts]), reference)`` is
    :func:`evaluate` of all the parts together.
    """
    sample, bad = _sample(seen, reference, asked)
    metrics = human_metrics(reference, sample[~bad], float(bad.mean()))
    floor, floor_sd = reference.floors.score(len(sample))
    z = reference.pulls(sample)
    z.values[bad] = CLIP
    levels = _levels(z.ordered(), reference)
    s = combine(levels)
    groups = dict(zip(reference.floors.groups, levels[0].tolist(), strict=True))
    return Score(float(s[0]), _jackknife(s[1:]), floor, floor_sd, groups, metrics)


def _sample(
    seen: Features, reference: Reference, asked: int | None
) -> tuple[Sample, NDArray[np.bool_]]:
    """Features and bad mask of the showers, with a bad row for each missing one."""
    n = len(seen.bad)
    total = max(n, asked or 0) or len(reference)
    conditions, given = reference.conditions(total), seen.conditions
    # What has no usable condition is bad already; it stands at a condition of the reference.
    types = len(reference.geometry.particles)
    usable = given.usable & (given.particle >= 0) & (given.particle < types)
    for name in ("energy", "theta", "particle"):
        wanted = getattr(conditions, name)
        wanted[:n] = np.where(usable, getattr(given, name), wanted[:n])
    values = np.zeros((total, len(reference.names)), dtype=np.float32)
    values[:n] = seen.sample(reference.names).values
    bad = np.ones(total, dtype=np.bool_)
    bad[:n] = seen.bad | ~usable
    return Sample(values, conditions), bad


def _levels(z: Sample, reference: Reference) -> NDArray[np.float64]:
    """L_g (1 + G, g) of the sample and of its jackknife parts."""
    n, floors = len(z), reference.floors
    parts = JACKKNIFE_PARTS if n >= 2 * JACKKNIFE_PARTS else 0
    w = reference.target.distances(z, parts)
    left = n - n // JACKKNIFE_PARTS
    floor = np.stack([floors.at(n)] + [floors.at(left)] * parts)
    return compress(floors.groups, w, floor, floors.tau)


def _jackknife(s: NDArray[np.float64]) -> float:
    """Standard deviation of S from its values with each of G parts left out.

    Efron and Stein, Ann. Statist. 9 (1981) 586: (G - 1)/G times the sum of squares. With
    too few showers for parts nothing is known, and the error is the whole range.
    """
    if len(s) == 0:
        return WORST
    return float(np.sqrt((len(s) - 1) * s.var()))
