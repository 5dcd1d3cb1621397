"""Human numbers of a sample: what a physicist asks first. Reported, never optimised.

Only good events enter; what share of events is bad is a number of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from objectives.central import central
from objectives.observables import SHARE_FLOOR
from objectives.samples import Sample

if TYPE_CHECKING:
    from objectives.reference import Reference

Array64 = NDArray[np.float64]

#: Energy bins of the resolution, and the fewest good events that give one.
RESOLUTION_BINS, MIN_EVENTS = 3, 16


def human_metrics(reference: Reference, good: Sample, bad_fraction: float) -> dict[str, float]:
    """Human numbers of the good events of a generated sample.

    Returns:
        By name: ``bad_fraction``; ``sampling_fraction_bias``, relative, at equal conditions;
        ``resolution_ratio``, of RMS90/mean90 of the response in three bins of Ep, 1 is right;
        ``profile_error``, sum over layers of the difference of the mean shares of energy,
        0 to 2; ``occupancy_ratio``, of the hits at equal conditions, if these vary; with an angle
        condition ``angle_bias`` [degrees] and ``angle_resolution_ratio``. With too few good
        events the values of a generator of empty showers.
    """
    metrics = {
        "bad_fraction": bad_fraction,
        "sampling_fraction_bias": -1.0,
        "resolution_ratio": 0.0,
        "profile_error": 2.0,
    }
    if "hits" in reference.names:
        metrics["occupancy_ratio"] = 0.0
    if reference.geometry.has_angle:
        metrics |= {"angle_bias": 90.0, "angle_resolution_ratio": 0.0}
    if len(good) >= MIN_EVENTS:
        metrics |= _of_events(reference, good)
    return {name: float(np.clip(value, -1e6, 1e6)) for name, value in metrics.items()}


def _of_events(reference: Reference, good: Sample) -> dict[str, float]:
    real, names = reference.sample, reference.names
    response, real_response = (
        _to_expected(reference, s, "sampling_fraction") for s in (good, real)
    )
    metrics = {
        "sampling_fraction_bias": response.mean() / real_response.mean() - 1,
        "resolution_ratio": _resolution_ratio(response, good, real_response, real),
        "profile_error": float(np.abs(_profile(names, good) - _profile(names, real)).sum()),
    }
    if "hits" in names:
        hits, real_hits = (_to_expected(reference, s, "hits").mean() for s in (good, real))
        metrics["occupancy_ratio"] = hits / real_hits
    if reference.geometry.has_angle and "angle" in names:
        angle, real_angle = (np.degrees(s.values[:, names.index("angle")]) for s in (good, real))
        metrics["angle_bias"] = float(angle.mean() - real_angle.mean())
        metrics["angle_resolution_ratio"] = float(angle.std() / real_angle.std())
    return metrics


def _to_expected(reference: Reference, sample: Sample, name: str) -> Array64:
    """A feature (n,) relative to its mean in the full simulation at the same conditions."""
    column = reference.names.index(name)
    mean, _ = reference.pulls.moments(sample.conditions)
    return np.asarray(sample.values[:, column] / mean[:, column], dtype=np.float64)


def _resolution_ratio(a: Array64, sample: Sample, b: Array64, real: Sample) -> float:
    """Mean over bins of Ep of (RMS90/mean90 of a)/(RMS90/mean90 of b)."""
    edges = np.quantile(real.conditions.energy, np.arange(1, RESOLUTION_BINS) / RESOLUTION_BINS)
    bins_a, bins_b = (np.digitize(s.conditions.energy, edges) for s in (sample, real))
    ratios = []
    for i in range(RESOLUTION_BINS):
        in_a, in_b = a[bins_a == i], b[bins_b == i]
        if len(in_a) > 1 and len(in_b) > 1 and in_b.std() > 0:
            (mean_a, spread_a), (mean_b, spread_b) = central(in_a), central(in_b)
            ratios.append((spread_a / mean_a) / max(spread_b / mean_b, 1e-12))
    return float(np.mean(ratios)) if ratios else 0.0


def _profile(names: tuple[str, ...], sample: Sample) -> Array64:
    """Mean share (l,) of the deposited energy in each layer that varies."""
    layers = [i for i, name in enumerate(names) if name.startswith("layer_")]
    # In double precision and bounded: the inverse of the feature's logarithm.
    energy = 10.0 ** np.clip(sample.values[:, layers].astype(np.float64), -30, 30) - SHARE_FLOOR
    total = (energy * sample.conditions.energy[:, None]).sum(axis=0)
    return np.asarray(total / max(total.sum(), 1e-30))
