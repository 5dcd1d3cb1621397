"""Frechet distance of pulls: as if both samples were Gaussian.

Notation:

    mu, C     mean (k,) and covariance (k, k) of pulls
    F         |mu_a - mu_b|^2 + Tr(C_a + C_b - 2 (C_a C_b)^(1/2))        [sigma^2]

Kansal et al., arXiv:2211.10295. F of N events is biased by about k^2/N, so it is reported
beside its null, and once extrapolated in 1/N. The events farthest out are left out on
both sides: a single one at the clip of the pulls would be most of the covariance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectives.crosschecks.measured import SEED, Measured, check, measure
from objectives.samples import Sample

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]

#: Share of the events that is left out on both sides.
TRIMMED = 0.01
#: Parts of the events (1/N grows evenly) and subsets of each that are extrapolated from.
FRACTIONS = tuple(1 / (1 + 0.4 * i) for i in range(6))
SUBSETS = 4


def frechet_of_pulls(generated: Sample, real: Sample, null: Sequence[Sample] = ()) -> Measured:
    """F of the pulls of two samples [sigma^2], biased: compare it with the null.

    Blind to anything but means and covariances, and to the 1 % of the events farthest out.
    The error is a jackknife.

    Raises:
        DataError: for values that are not finite, fewer than 20 events or other columns.
    """
    check(generated, real, null)
    return measure(_trimmed_distance, generated, real, null)


def frechet_extrapolated(generated: Sample, real: Sample, null: Sequence[Sample] = ()) -> Measured:
    """F of infinitely many events: the intercept of F against 1/N of subsets of both samples.

    The law holds for N well above the number of columns: with fewer than a few thousand
    events look at :func:`frechet_of_pulls` and its null. The error is a jackknife.

    Raises:
        DataError: as :func:`frechet_of_pulls`.
    """
    check(generated, real, null)
    return measure(_intercept, generated, real, null)


def frechet_distance(a: Array, b: Array) -> float:
    """F of samples (n, k) and (m, k), in the columns' unit squared."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    c_a, c_b = (np.atleast_2d(np.cov(z, rowvar=False)) for z in (x, y))
    # The eigenvalues of C_a C_b are those of the symmetric C_a^(1/2) C_b C_a^(1/2).
    values, vectors = np.linalg.eigh(c_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    joint = np.linalg.eigvalsh(root @ c_b @ root)
    shift = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    traces = np.trace(c_a) + np.trace(c_b) - 2 * np.sqrt(np.maximum(joint, 0)).sum()
    return float(shift + traces)


def trimmed(z: Array) -> Array:
    """Pulls (n, k) without the share ``TRIMMED`` of the events that are farthest from zero."""
    radius = np.einsum("ij,ij->i", z, z, dtype=np.float64)
    return z[np.sort(np.argsort(radius, kind="stable")[: len(z) - int(TRIMMED * len(z))])]


def _trimmed_distance(a: Sample, b: Sample) -> float:
    return frechet_distance(trimmed(a.values), trimmed(b.values))


def _intercept(a: Sample, b: Sample) -> float:
    x, y = trimmed(a.values), trimmed(b.values)
    rng, smaller = np.random.default_rng(SEED), min(len(x), len(y))
    inverse, values = [], []
    for n in (int(f * smaller) for f in FRACTIONS for _ in range(SUBSETS)):
        rows = rng.permutation(len(x))[:n], rng.permutation(len(y))[:n]
        inverse.append(1 / n)
        values.append(frechet_distance(x[rows[0]], y[rows[1]]))
    return float(np.polyfit(inverse, values, 1)[1])
