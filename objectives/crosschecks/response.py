"""Energy linearity and resolution in bins of the primary energy.

Notation:

    r         response of an event: deposited energy/Ep
    mu_b      mean response in bin b of Ep, its error sigma_b/sqrt(n_b)
    R_b       RMS90/mean90 in it, see :mod:`objectives.central`; its relative error
              1.2/sqrt(2 n_b): five per cent need 300 events

A perfect generator has 0 in every number. All errors are analytic.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from objectives.central import central, spread_error
from objectives.crosschecks.measured import MIN_EVENTS, Measured, check, measure
from objectives.samples import Sample

Array64 = NDArray[np.float64]

#: Bins of Ep before thin ones are merged.
ENERGY_BINS = 6


def response_checks(
    generated: Sample, real: Sample, null: Sequence[Sample] = ()
) -> dict[str, Measured]:
    """Bias of the sampling fraction, and linearity and resolution in bins of Ep.

    Args:
        generated: the response as the only column, bad events with 0, and the conditions.
        real: of the full simulation.
        null: other samples of the full simulation.

    Returns:
        ``sampling_fraction_bias``: mean linearity, weighted with the real events, so that
        unequal spectra of Ep do not matter. ``linearity LOW-HIGH``: ratio of the means
        less 1. ``resolution LOW-HIGH``: ratio of RMS90/mean90 less 1. Energies in GeV.

    Raises:
        DataError: for values that are not finite, fewer than 20 events or other columns.
    """
    check(generated, real, null)
    edges = energy_edges(generated, real)

    def bias(a: Sample, b: Sample) -> float:
        return float(_linearities(a, b, edges) @ _weights(b, edges))

    errors = np.array([_linearity_error(a, b) for a, b in _bins(generated, real, edges)])
    error = float(np.sqrt(((errors * _weights(real, edges)) ** 2).sum()))
    found = {"sampling_fraction_bias": measure(bias, generated, real, null, error)}
    others = [[part for part, _ in _bins(x, real, edges)] for x in null]
    for i, (name, (a, b)) in enumerate(
        zip(_names(edges), _bins(generated, real, edges), strict=True)
    ):
        # A part of a small null sample may be empty; then it says nothing on this bin.
        parts = [bins[i] for bins in others if len(bins[i]) > 1]
        found[f"linearity {name}"] = measure(_linearity, a, b, parts, _linearity_error(a, b))
        found[f"resolution {name}"] = measure(_resolution, a, b, parts, _resolution_error(a, b))
    return found


def _names(edges: Array64) -> list[str]:
    """``10-50`` for each bin, with digits enough to tell them apart; one energy is one number."""
    digits = next((d for d in range(3, 7) if len({f"{e:.{d}g}" for e in edges}) == len(edges)), 6)
    texts = [f"{edge:.{digits}g}" for edge in edges]
    return [low if low == high else f"{low}-{high}" for low, high in pairwise(texts)]


def energy_edges(generated: Sample, real: Sample) -> Array64:
    """Edges of bins of Ep [GeV] that hold at least 20 events of both samples.

    Equal steps between the lowest and the highest Ep; a bin with fewer events is merged
    with the one above it, the last with the one below.
    """
    a, b = (s.conditions.energy.astype(np.float64) for s in (generated, real))
    energies = np.concatenate([a, b])
    edges = np.linspace(energies.min(), np.nextafter(energies.max(), np.inf), ENERGY_BINS + 1)
    kept = [edges[0]]
    for edge in edges[1:]:
        counts = [((e >= kept[-1]) & (e < edge)).sum() for e in (a, b)]
        if min(counts) >= MIN_EVENTS:
            kept.append(edge)
    return np.array([*kept[: max(len(kept) - 1, 1)], edges[-1]])


def _bins(a: Sample, b: Sample, edges: Array64) -> list[tuple[Sample, Sample]]:
    places = [np.digitize(s.conditions.energy, edges[1:-1]) for s in (a, b)]
    return [(a[places[0] == i], b[places[1] == i]) for i in range(len(edges) - 1)]


def _weights(real: Sample, edges: Array64) -> Array64:
    place = np.digitize(real.conditions.energy, edges[1:-1])
    return np.asarray(np.bincount(place, minlength=len(edges) - 1) / len(real))


def _linearities(a: Sample, b: Sample, edges: Array64) -> Array64:
    """Linearity of each bin; of one that a has no event in, 0: nothing is known of it."""
    return np.array([_linearity(x, y) if len(x) else 0.0 for x, y in _bins(a, b, edges)])


def _moments(sample: Sample) -> tuple[float, float]:
    r = sample.values[:, 0].astype(np.float64)
    return float(r.mean()), float(r.std())


def _linearity(a: Sample, b: Sample) -> float:
    return _moments(a)[0] / max(_moments(b)[0], 1e-30) - 1


def _linearity_error(a: Sample, b: Sample) -> float:
    scale = max(_moments(b)[0], 1e-30)
    return float(np.hypot(*(_moments(s)[1] / scale / np.sqrt(len(s)) for s in (a, b))))


def _resolution(a: Sample, b: Sample) -> float:
    (mean, spread), (mean_real, spread_real) = (
        central(s.values[:, 0].astype(np.float64)) for s in (a, b)
    )
    if mean <= 0 or spread_real <= 0:
        return -1.0
    return (spread / mean) / (spread_real / mean_real) - 1


def _resolution_error(a: Sample, b: Sample) -> float:
    # A ratio that is small by chance has no smaller error than that of equal spreads.
    ratio = max(_resolution(a, b) + 1, 1.0)
    return ratio * float(np.hypot(spread_error(len(a)), spread_error(len(b))))
