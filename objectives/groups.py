"""The nine groups of the objective, and how their distances become one score.

Notation:

    z         pulls (n, k) of a sample, (R, k) of the reference           [sigma]
    w_g       distance of group g
    f_g(N)    what w_g is on average for N full-simulation showers: the floor
    tau_g     the distance that counts as one unit
    L_g       log10(1 + d_g/tau_g), d_g being w_g without its floor
    S         0.7 mean_g L_g + 0.3 max_g L_g

Observables are strongly correlated (ten histograms of a calorimeter have an
effective dimension below 2), so they are averaged within groups first: more
histograms of one kind must not add weight. The term with the maximum keeps a
single bad group from hiding behind eight good ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from objectives import distances
from objectives.observables import CORE
from objectives.samples import Sample
from search_spaces.geometry import Geometry

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]
Index = NDArray[np.intp]

#: The score of a diverged trial, and the bound of S and of each L_g: log10(1 + 25/0.04).
WORST = 2.8
MEAN_WEIGHT, MAX_WEIGHT = 0.7, 0.3
OBSERVABLES: dict[str, tuple[str, ...]] = {
    "energy": ("sampling_fraction",),
    "longitudinal": ("mz", "sz", "third_", "layer_"),
    "transverse": ("mx", "my", "sx", "sy", "r_mean", "r_rms", "core", "halo"),
    "cells": ("hits", "hottest", "spectrum_", "unseen"),
    "angle": ("angle",),
}
#: Floors of these are subtracted, all others' in quadrature.
NEIGHBOUR_GROUPS = ("cover", "dup")
#: Every group, in the order in which people read them.
GROUPS = (*OBSERVABLES, "corr", "cond", *NEIGHBOUR_GROUPS)
#: Smallest tau: 0.04 sigma for what is in sigma; a smaller one lets tiny floors dominate.
TOLERANCE = {"corr": 0.025, "cover": 0.029, "dup": 0.03}
SIGMA_TOLERANCE = 0.04
#: Features of the joint distances: the three thirds sum to one, so one is left out.
JOINT = tuple(name for name in CORE if name != "third_2")
#: Joint pulls are held to this, or a few outliers would be all that distances see.
JOINT_CLIP = 8.0
MAX_NEIGHBOURS = 1000
CONDITION_BINS = 3
#: Seed of which events enter the nearest-neighbour distances and the jackknife's groups.
SUBSET_SEED = 20_011


@dataclass(frozen=True, eq=False)
class Target:
    """The reference sample, ready to be compared with.

    Attributes:
        names: of the k features.
        sample: the reference's pulls and conditions, at least 10 events.
        geometry: whether theta is a condition, and the particle types.
    """

    names: tuple[str, ...]
    sample: Sample
    geometry: Geometry

    @cached_property
    def columns(self) -> dict[str, Index]:
        """Columns of each group of observables that the reference has any of."""
        columns = {
            group: np.flatnonzero([n.startswith(prefixes) for n in self.names])
            for group, prefixes in OBSERVABLES.items()
            if group != "angle" or self.geometry.has_angle
        }
        return {group: index for group, index in columns.items() if len(index)}

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of all groups, in order."""
        return (*self.columns, "corr", "cond", *NEIGHBOUR_GROUPS)

    def distances(self, sample: Sample, leave_out: int = 0) -> Array64:
        """The distances w_g of a sample, and of the same with parts left out.

        Args:
            sample: n >= 1 events; their order matters only for which of them enter the
                nearest-neighbour distances.
            leave_out: number of parts G, at most n.

        Returns:
            (1 + G, groups): of the whole sample, then without each part in turn.
        """
        order = np.random.default_rng(SUBSET_SEED).permutation(len(sample))
        part = np.empty(len(sample), dtype=np.intp)
        part[order] = np.arange(len(sample)) % max(leave_out, 1)
        rows = [self._direct(sample)]
        rows += [self._direct(sample[part != i]) for i in range(leave_out)]
        chosen = order[: self._neighbours(len(sample))]
        near = self._neighbour_values(self._joint(sample)[chosen], part[chosen], leave_out)
        return np.concatenate([np.array(rows), near], axis=1)

    # -- distances of one-dimensional samples and of correlations -------------------------

    def _direct(self, sample: Sample) -> list[float]:
        w = distances.wasserstein_sorted(np.sort(sample.values, axis=0), self._sorted)
        joint = self._joint(sample)
        corr = distances.correlation_difference(distances.correlation(joint), self._correlation)
        cond = distances.conditional_w1(
            sample.values[:, self._joint_columns],
            self._bins(sample),
            self.sample.values[:, self._joint_columns],
            self._bins(self.sample),
        )
        observables = [float(w[c].mean()) for c in self.columns.values()]
        return [*observables, corr, cond]

    def _joint(self, sample: Sample) -> Array:
        return np.clip(sample.values[:, self._joint_columns], -JOINT_CLIP, JOINT_CLIP)

    @cached_property
    def _joint_columns(self) -> Index:
        return np.flatnonzero([n in JOINT for n in self.names])

    @cached_property
    def _sorted(self) -> Array:
        return np.sort(self.sample.values, axis=0)

    @cached_property
    def _correlation(self) -> Array64:
        return distances.correlation(self._joint(self.sample))

    @cached_property
    def _edges(self) -> tuple[Array64, Array64]:
        inner = np.arange(1, CONDITION_BINS) / CONDITION_BINS
        conditions = self.sample.conditions
        return np.quantile(conditions.energy, inner), np.quantile(conditions.theta, inner)

    def _bins(self, sample: Sample) -> Index:
        """Bin of (Ep, theta, particle) of each event; theta only where it is a condition."""
        conditions = sample.conditions
        bins = np.digitize(conditions.energy, self._edges[0])
        if self.geometry.has_angle:
            bins = bins * CONDITION_BINS + np.digitize(conditions.theta, self._edges[1])
        return bins * len(self.geometry.particles) + conditions.particle

    # -- nearest neighbours ---------------------------------------------------------------

    def _neighbours(self, n: int) -> int:
        """Events on each side: equal numbers, so that the floors do not depend on them."""
        return min(n, len(self.sample), MAX_NEIGHBOURS)

    def _neighbour_values(self, joint: Array, part: Index, leave_out: int) -> Array64:
        """1 - coverage and duplicate ratio (1 + G, 2) of at most 1000 events."""
        rng = np.random.default_rng(SUBSET_SEED)
        count = max(len(joint), distances.NEIGHBOURS + 1)
        rows = rng.permutation(len(self.sample))[:count]
        reference = self._joint(self.sample)[rows]
        by_part = np.argsort(part, kind="stable")
        joint, part = joint[by_part], part[by_part]
        starts = np.searchsorted(part, np.arange(max(leave_out, 1)))
        across = distances.nearest_by_group(distances.squared_distances(reference, joint), starts)
        within = distances.squared_distances(joint, joint)
        np.fill_diagonal(within, np.inf)
        inside = distances.nearest_by_group(within, starts)
        own = distances.squared_distances(reference, reference)
        np.fill_diagonal(own, np.inf)
        radii, q_reference = distances.ball_radii(own), distances.repeat_distance(own.min(axis=1))
        values = []
        for i in range(-1, leave_out):
            others = np.arange(len(starts)) != i
            cover = distances.coverage(across[:, others].min(axis=1), radii)
            q = distances.repeat_distance(inside[part != i][:, others].min(axis=1))
            values.append([1 - cover, distances.duplicate_ratio(q, q_reference)])
        return np.array(values)


def compress(groups: tuple[str, ...], w: Array64, floor: Array64, tau: Array64) -> Array64:
    """The groups' L_g (..., groups) from their distances, floors and units."""
    linear = np.array([g in NEIGHBOUR_GROUPS for g in groups])
    quadrature = np.sqrt(np.maximum(w**2 - floor**2, 0.0))
    d = np.where(linear, np.maximum(w - floor, 0.0), quadrature)
    return np.asarray(np.minimum(np.log10(1 + d / tau), WORST), dtype=np.float64)


def combine(levels: Array64) -> Array64:
    """S (...,) from the L_g (..., groups): lower is better."""
    s = MEAN_WEIGHT * levels.mean(axis=-1) + MAX_WEIGHT * levels.max(axis=-1)
    return np.asarray(np.minimum(s, WORST), dtype=np.float64)
