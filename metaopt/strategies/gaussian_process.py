r"""A Gaussian process with learned length scales and noise, on numpy and scipy.

====== ============================================== =======
symbol meaning                                        shape
====== ============================================== =======
X      features of the known points, in [0, 1]        (n, w)
y      standardised scores                            (n,)
v      known variances of y, beside the learned noise (n,)
g      parameter to which a feature column belongs    (w,)
P      Legendre polynomials of X, degrees 1 and 2     (n, 2 w)
theta  log of (length scale per parameter, signal     (d + 3,)
       variance, trend variance, noise variance)
K      covariance of the known points                 (n, n)
====== ============================================== =======

Kernel: Matern 5/2, one length scale per parameter (the one-hot columns of a choice
share theirs), plus a quadratic trend, P P^T (Rasmussen & Williams, eq. 2.40): scores have
the shape of a bowl in most parameters, and a bowl in d of them is known from some 2 d
points. With halving it took a third off what a search needs on real trials.

theta is the maximum of the marginal likelihood times priors. The prior of the length
scales is log-normal about ``0.12 d``: the more parameters, the less of the score hangs on
each. (They grow with sqrt(d) in Hvarfner et al., arXiv:2402.02229; ``0.5 sqrt(d)`` was
behind on three of four problems of six parameters, level on fifteen.)

Own code rather than scikit-optimize's regressor: scikit-learn's gradient of an
anisotropic Matern builds an (n, n, w) array per step of the fit, and the prediction of
``skopt`` costs m n^2 scalar operations for m candidates; together 4.6 s per proposal
at n = 200. Here both are matrix products.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]

#: Centre of the length scales' prior, however few parameters there are, and its width [log].
LENGTH_PER_PARAMETER, MIN_LENGTH, LENGTH_WIDTH = 0.12, 0.3, 0.8
#: Means and widths of the other Gaussian priors on theta. Signal variance about 1 (scores are
#: standardised); trend variance about 16, almost flat (2 to 32 were alike); noise about 1 %.
PRIOR_SIGNAL = (0.0, 1.0)
PRIOR_TREND = (math.log(16.0), 1.0)
PRIOR_NOISE = (math.log(1e-2), 1.5)
MAX_STEPS = 60
SQRT5 = math.sqrt(5.0)


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process: predicts mean and deviation in units of the standardised score."""

    X: Array
    y: Array
    v: Array
    groups: NDArray[np.int64]
    theta: Array
    factor: Array
    weights: Array

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (without noise) at features (m, w), each (m,)."""
        lengths, signal, trend, _ = _unpack(self.theta)
        P = _polynomials(X, len(lengths))
        cross = _covariance(X, self.X, self.groups, self.theta)
        mean: Array = cross @ self.weights
        half = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        variance = signal + trend * (P**2).sum(axis=1) - (half**2).sum(axis=0)
        variance = np.maximum(variance, 1e-12)
        return mean, np.sqrt(variance)

    def believing(self, X: Array) -> GaussianProcess:
        """The process told its own mean at ``X`` (kriging believer): uncertainty drops there."""
        if len(X) == 0:
            return self
        y = np.concatenate([self.y, self.predict(X)[0]])
        v = np.concatenate([self.v, np.zeros(len(X))])
        return condition(np.concatenate([self.X, X]), y, v, self.groups, self.theta)

    @property
    def noise(self) -> float:
        """Standard deviation of the learned noise."""
        return math.sqrt(_unpack(self.theta)[3])


def condition(
    X: Array, y: Array, v: Array, groups: NDArray[np.int64], theta: Array
) -> GaussianProcess:
    """The process of given theta, conditioned on (X, y).

    Raises:
        numpy.linalg.LinAlgError: the covariance is not positive definite.
    """
    noise = _unpack(theta)[3]
    K = _covariance(X, X, groups, theta)
    K[np.diag_indices_from(K)] += noise + v
    factor = cholesky(K, lower=True, check_finite=False)
    weights = cho_solve((factor, True), y, check_finite=False)
    return GaussianProcess(X, y, v, groups, theta, factor, weights)


def fit(X: Array, y: Array, v: Array, groups: NDArray[np.int64]) -> GaussianProcess:
    """Learn theta from (X, y) and condition on them.

    Args:
        X: features (n, w).
        y: standardised scores (n,).
        v: known variances of y (n,), on top of the learned noise.
        groups: parameter of each feature column (w,), numbered from 0 without gaps.

    Raises:
        numpy.linalg.LinAlgError: the covariance is not positive definite.
    """
    d = int(groups.max(initial=-1)) + 1
    length = math.log(max(LENGTH_PER_PARAMETER * d, MIN_LENGTH))
    prior = np.array([*[(length, LENGTH_WIDTH)] * d, PRIOR_SIGNAL, PRIOR_TREND, PRIOR_NOISE])
    centre, width = prior[:, 0], prior[:, 1]
    P = _polynomials(X, d)
    bowl = P @ P.T
    # Likelihoods of few points have several maxima: a smooth and a wiggly start.
    starts = [centre, centre - np.concatenate([np.full(d, 1.0), [0.0, 0.0, 2.0]])]
    bounds = list(zip(centre - 4 * width, centre + 4 * width, strict=True))
    found = [
        minimize(
            lambda t: _negative_log_posterior(t, X, bowl, y, v, groups, prior),
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": MAX_STEPS},
        )
        for start in starts
    ]
    best = min(found, key=lambda result: float(result.fun))
    return condition(X, y, v, groups, np.asarray(best.x))


def _negative_log_posterior(
    theta: Array, X: Array, bowl: Array, y: Array, v: Array, groups: NDArray[np.int64], prior: Array
) -> tuple[float, Array]:
    """Value and gradient (Rasmussen & Williams, eq. 5.8 and 5.9, plus the priors).

    ``bowl`` is P P^T (n, n), which no step of the fit changes.
    """
    lengths, signal, trend, noise = _unpack(theta)
    scale = lengths[groups]
    shape, slope = _matern(_squared(X, X, scale))
    K = signal * shape + trend * bowl
    K[np.diag_indices_from(K)] += noise + v
    factor = cholesky(K, lower=True, check_finite=False)
    alpha = cho_solve((factor, True), y, check_finite=False)
    inverse = cho_solve((factor, True), np.eye(len(y)), check_finite=False)
    W = inverse - np.outer(alpha, alpha)

    # sum_ab M_ab (x_a - x_b)^2 = 2 (sum_a x_a^2 m_a - x M x): no (n, n, w) array.
    M = signal * slope * W
    columns = 2.0 * (M.sum(axis=1) @ X**2 - np.einsum("ij,ij->j", X, M @ X)) / scale**2
    gradient = np.empty_like(theta)
    gradient[:-3] = 0.5 * np.bincount(groups, columns, minlength=len(lengths))
    gradient[-3] = 0.5 * signal * np.sum(W * shape)
    gradient[-2] = 0.5 * trend * np.sum(W * bowl)
    gradient[-1] = 0.5 * noise * np.trace(W)

    z = (theta - prior[:, 0]) / prior[:, 1]
    value = 0.5 * y @ alpha + np.log(np.diag(factor)).sum() + 0.5 * z @ z
    return float(value), gradient + z / prior[:, 1]


def _covariance(A: Array, B: Array, groups: NDArray[np.int64], theta: Array) -> Array:
    """Of the process at features (m, w) and (n, w), without noise: (m, n)."""
    lengths, signal, trend, _ = _unpack(theta)
    d = len(lengths)
    local = signal * _matern(_squared(A, B, lengths[groups]))[0]
    result: Array = local + trend * _polynomials(A, d) @ _polynomials(B, d).T
    return result


def _matern(squared: Array) -> tuple[Array, Array]:
    """Matern 5/2 of squared scaled distances, and -2 times its derivative by them."""
    r = SQRT5 * np.sqrt(squared)
    decay = np.exp(-r)
    return (1.0 + r + r**2 / 3.0) * decay, (5.0 / 3.0) * (1.0 + r) * decay


def _polynomials(X: Array, d: int) -> Array:
    """P (n, 2 w): of mean square 1 over [0, 1] but for 1 / sqrt(d), so that trends are alike."""
    u = 2.0 * X - 1.0
    columns = np.hstack([math.sqrt(3.0) * u, math.sqrt(5.0) * (1.5 * u**2 - 0.5)])
    result: Array = columns / math.sqrt(d)
    return result


def _squared(A: Array, B: Array, scale: Array) -> Array:
    """Squared distances (m, n) of scaled features."""
    a, b = A / scale, B / scale
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * a @ b.T
    result: Array = np.maximum(squared, 0.0)
    return result


def _unpack(theta: Array) -> tuple[Array, float, float, float]:
    lengths, (signal, trend, noise) = np.exp(theta[:-3]), np.exp(theta[-3:])
    return lengths, float(signal), float(trend), float(noise)
