"""Scores that 3DGAN was tuned with: for comparison with published numbers, never to optimise.

Notation:

    b         bin of the primary energy, published centres +- 5 GeV
    M_k, p_i  mean moment and mean profile of the events in a bin
    SF        sampling fraction, Etot/Ep
    theta     measured angle

Khattak et al., Eur. Phys. J. C 82 (2022) 386, and the training scripts of 3DGAN, in their
clean form: every term once, and a term whose full-simulation value is 0 is left out
instead of being divided by it. Bins without 20 events on both sides are left out; if that
leaves none, all events are one bin. Axes and scores that a geometry cannot have are
named, with the reason, by :func:`dropped`. All errors are jackknives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectives.crosschecks.measured import MIN_EVENTS, Measured, measure
from objectives.crosschecks.profiles import ORDERS, Profiles
from search_spaces.errors import DataError
from search_spaces.geometry import Cells, Geometry

Array64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Centres of the bins of Ep [GeV]: of the moments and profiles at normal incidence and with
#: an angle (0 is all events), of the sampling fraction, and of the parameter scan.
FIXED, VARIABLE = (100.0, 200.0, 300.0, 400.0), (0.0, 110.0, 150.0, 190.0)
RESPONSE = (50.0, 100.0, 200.0, 250.0, 300.0, 400.0, 500.0)
SCAN = (50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0)
HALF_WIDTH = 5.0
#: Weight of the profiles in the score of the parameter scan [GeV^2].
PROFILE_WEIGHT = 400_000.0


def legacy_scores(
    generated: Profiles, real: Profiles, geometry: Geometry, null: Sequence[Profiles] = ()
) -> dict[str, Measured]:
    """The historic scores that the geometry can have, lower is better.

    Returns:
        ``legacy_moments_profiles``, ``legacy_sampling_fraction``, ``legacy_parameter_scan``;
        see :func:`moments_and_profiles`, :func:`sampling_fraction_error`,
        :func:`parameter_scan`.

    Raises:
        DataError: for fewer than 20 events.
    """
    fewest = min(len(sample) for sample in (generated, real, *null))
    if fewest < MIN_EVENTS:
        raise DataError(
            f"the historic scores need at least {MIN_EVENTS} events, got {fewest}; "
            "give more showers"
        )
    statistics = {
        "legacy_moments_profiles": lambda a, b: moments_and_profiles(a, b, geometry),
        "legacy_sampling_fraction": sampling_fraction_error,
        "legacy_parameter_scan": parameter_scan,
    }
    return {
        name: measure(statistic, generated, real, null)
        for name, statistic in statistics.items()
        if name not in dropped(geometry)
    }


def dropped(geometry: Geometry) -> dict[str, str]:
    """Scores that have no meaning for a geometry, each with the reason."""
    if isinstance(geometry.cells, Cells):
        return {}
    reasons = {"legacy_parameter_scan": "positions on a periodic axis have no squared difference"}
    if geometry.present is not None:
        reasons["legacy_moments_profiles"] = "layers have different cells, so indices do not add up"
    return reasons


def moments_and_profiles(a: Profiles, b: Profiles, geometry: Geometry) -> float:
    """The figure of merit P + E (+ A), with two moments.

    P is the mean relative error of the mean moments, E that of the mean profiles' bins, A the
    mean of |theta_a - theta_b|/theta_b over pairs of events, where theta is a condition. On a
    cylinder alpha has a profile but no moments, and there is no A. Blind to the energy
    resolution, the cell spectrum, hits and correlations; dominated by nearly empty border
    cells; A prefers the mean shower.
    """
    grid = isinstance(geometry.cells, Cells)
    axes = (0, 1, 2) if grid else (0, 2)
    angle = grid and geometry.has_angle
    found = []
    for in_a, in_b in _bins(a, b, VARIABLE if geometry.has_angle else FIXED):
        x, y = a[in_a], b[in_b]
        moments = [_relative(x.moments(i), y.moments(i)).sum() / ORDERS for i in axes]
        profiles = [_relative(x.axes[i], y.axes[i]).mean() for i in range(3)]
        found.append(np.mean(moments) + np.mean(profiles) + (_angle_error(x, y) if angle else 0.0))
    return float(np.mean(found))


def sampling_fraction_error(a: Profiles, b: Profiles) -> float:
    """Mean over bins of Ep of the relative error of the mean sampling fraction.

    The authors' choice of the epoch. Blind to everything but the energy scale.
    """
    sf = [(p.total / p.conditions.energy)[:, None] for p in (a, b)]
    bins = _bins(a, b, RESPONSE)
    return float(np.mean([_relative(sf[0][in_a], sf[1][in_b])[0] for in_a, in_b in bins]))


def parameter_scan(a: Profiles, b: Profiles) -> float:
    """Mean squared distance of the hottest cells, plus 400000/Ep^2 that of the profiles.

    Sums over the axes, means over pairs of events, and a sum over the bins of Ep: it compares
    only between data with as many of them. Two independent showers differ by twice the
    variance, a shower and the mean shower by once: smallest for a generator without
    fluctuations.
    """
    return sum(_pair_error(a[x], b[y]) for x, y in _bins(a, b, SCAN))


def _pair_error(a: Profiles, b: Profiles) -> float:
    b = b[_partners(a, b)]
    pairs = zip(a.axes, b.axes, strict=True)
    squares = [((x.astype(np.float64) - y) ** 2).sum(axis=1) for x, y in pairs]
    position = ((a.hottest.astype(np.float64) - b.hottest) ** 2).sum(axis=1)
    weight = PROFILE_WEIGHT / b.conditions.energy.astype(np.float64) ** 2
    return float((position + weight * sum(squares)).mean())


def _angle_error(a: Profiles, b: Profiles) -> float:
    real = b.angle[_partners(a, b)].astype(np.float64)
    return float((np.abs(a.angle - real) / np.maximum(np.abs(real), 1e-6)).mean())


def _partners(a: Profiles, b: Profiles) -> NDArray[np.intp]:
    """For each event of a, the one of b at the nearest conditions: the same, where there is one.

    Pairs of the null are only near each other, which adds a little to it.
    """
    from scipy.spatial import cKDTree  # most who import this module make no pairs

    points = [
        np.stack([np.log(np.maximum(c.energy, 1e-30)), c.theta], axis=1).astype(np.float64)
        for c in (a.conditions, b.conditions)
    ]
    return np.asarray(cKDTree(points[1]).query(points[0])[1], dtype=np.intp)


def _relative(a: NDArray[np.floating], b: NDArray[np.floating]) -> Array64:
    """|<a> - <b>|/<b> of each column, 0 where <b> is 0."""
    x, y = a.mean(axis=0, dtype=np.float64), b.mean(axis=0, dtype=np.float64)
    return np.asarray(np.divide(np.abs(x - y), np.abs(y), out=np.zeros_like(y), where=y != 0))


def _bins(a: Profiles, b: Profiles, centres: tuple[float, ...]) -> list[tuple[Mask, Mask]]:
    """Masks of the events of both samples in each bin of Ep that has enough of them."""
    found = []
    for centre in centres:
        width = HALF_WIDTH if centre else np.inf
        masks = [np.abs(p.conditions.energy - centre) <= width for p in (a, b)]
        if min(mask.sum() for mask in masks) >= MIN_EVENTS:
            found.append((masks[0], masks[1]))
    return found or [(np.ones(len(a), np.bool_), np.ones(len(b), np.bool_))]
