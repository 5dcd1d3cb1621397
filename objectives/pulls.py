"""Conditional pulls: features in units of what the full simulation does at the same conditions.

Notation:

    f         features (n, k)
    x         (ln Ep - <ln Ep>)/sd(ln Ep), held to the range of the training events
    y         (theta - pi/2)/0.52, held to its range
    phi       polynomial terms (n, p) of x and y
    mu, sigma conditional mean and spread of f: phi @ mean, exp(phi @ log_var / 2)
    z         pulls (n, k): (f - mu)/sigma                             [sigma]

The mean has up to 12 terms and the log-variance up to 8, and fewer when there are
few events: a term per ``EVENTS_PER_TERM``, in order of importance, with a small
ridge. The spread is at least the tolerance of the observable: an angle that is
measured to 0.1 degrees need not be generated to 0.1 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectives.samples import Sample
from objectives.showers import Conditions
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]

CLIP = 25.0
THETA_UNIT = 0.52
#: Exponents (of x, of y) of the mean's terms, the most important first.
TERMS = (
    *((0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1)),
    *((3, 0), (0, 3), (2, 1), (1, 2), (4, 0), (0, 4)),
)
LOG_VAR_TERMS = TERMS[:8]
EVENTS_PER_TERM = 30
EVENTS_PER_LOG_VAR_TERM = 60
MIN_TERMS = 2
#: Weight of the penalty on all coefficients but the constant, in events.
RIDGE = 1.0
#: A polynomial log-variance may not make the spread smaller than this share of the overall one.
MIN_SPREAD = 0.1
#: Spread [unit of the observable] below which deviations do not matter.
TOLERANCE = {"mx": 0.1, "my": 0.1, "angle": np.radians(1.0), "unseen": 1e-3}
SAMPLING_FRACTION_TOLERANCE = 0.005
#: A fifth of a cell: otherwise a single cell in a rare bin of the spectrum is worth the clip.
COUNT_TOLERANCE = 0.2


@dataclass(frozen=True)
class Pulls:
    """The fitted conditional mean and spread of k features.

    Attributes:
        x_scale: mean, standard deviation, lowest and highest ln(Ep/GeV) of the fit (4,).
        y_range: lowest and highest y (2,); both 0 without an angle condition.
        mean: coefficients (s, p, k), for each of s particle types.
        log_var: coefficients (s, q, k).
        least: smallest spread (s, k).
    """

    x_scale: Array64
    y_range: Array64
    mean: Array64
    log_var: Array64
    least: Array64

    @classmethod
    def fit(cls, names: tuple[str, ...], sample: Sample, geometry: Geometry) -> Pulls:
        """Fit to full-simulation showers.

        Args:
            names: of the k features.
            sample: their values and conditions, none of them bad.
            geometry: whether theta is a condition, and the particle types.

        Raises:
            DataError: if there are no showers of one of the particle types.
        """
        conditions = sample.conditions
        log_e = np.log(conditions.energy.astype(np.float64))
        x_scale = np.array([log_e.mean(), max(log_e.std(), 1e-6), log_e.min(), log_e.max()])
        y = (conditions.theta.astype(np.float64) - 0.5 * np.pi) / THETA_UNIT
        y_range = np.array([y.min(), y.max()]) if geometry.has_angle else np.zeros(2)
        nothing = np.zeros((0, 0, 0))
        start = cls(x_scale, y_range, nothing, nothing, np.zeros((0, 0)))
        f = sample.values.astype(np.float64)
        least = _tolerances(names, f)
        of_type = [conditions.particle == p for p in range(len(geometry.particles))]
        without = [
            particle
            for particle, rows in zip(geometry.particles, of_type, strict=True)
            if not rows.any()
        ]
        if without:
            raise DataError(
                f"every particle type of {list(geometry.particles)} needs showers, got none of "
                f"{', '.join(without)}; list the particles that the data hold"
            )
        fewest = min(int(rows.sum()) for rows in of_type)
        fits = [start._fitted(f[rows], conditions[rows], least, fewest) for rows in of_type]
        mean, log_var, spread = (np.stack(part) for part in zip(*fits, strict=True))
        return cls(x_scale, y_range, mean, log_var, spread)

    def _fitted(
        self, f: Array64, conditions: Conditions, least: Array64, events: int
    ) -> tuple[Array64, Array64, Array64]:
        """Coefficients of mean and log-variance and the least spread, of one particle type.

        Two rounds: the second weights the mean by the spread that the first one found.
        ``events`` sets the number of terms, which is the same for all types.
        """
        mean_terms = self._terms(conditions, TERMS, events // EVENTS_PER_TERM)
        var_terms = self._terms(conditions, LOG_VAR_TERMS, events // EVENTS_PER_LOG_VAR_TERM)
        mean = _ridge(mean_terms, f)
        for _ in range(2):
            residual = f - mean_terms @ mean
            spread = np.maximum(residual.std(axis=0), 1e-12)
            # The small constant keeps the logarithm of a residual that happens to be 0 finite.
            log_var = _ridge(var_terms, np.log((residual / spread) ** 2 + 1e-2))
            log_var[0] += 2 * np.log(spread)
            sigma = np.maximum(np.exp(0.5 * var_terms @ log_var), MIN_SPREAD * spread)
            log_var[0] += 2 * np.log(np.maximum((residual / sigma).std(axis=0), 1e-12))
            sigma = np.maximum(np.exp(0.5 * var_terms @ log_var), MIN_SPREAD * spread)
            mean = _weighted_ridge(mean_terms, f, sigma / spread)
        return mean, log_var, np.maximum(least, np.maximum(MIN_SPREAD * spread, 1e-12))

    def _terms(
        self, conditions: Conditions, exponents: tuple[tuple[int, int], ...], most: int
    ) -> Array64:
        """The first ``most`` polynomial terms (n, p); those with y only if there is an angle."""
        centre, spread, low, high = self.x_scale
        log_e = np.log(np.maximum(conditions.energy.astype(np.float64), 1e-30))
        x = (np.clip(log_e, low, high) - centre) / spread
        y = np.clip((conditions.theta.astype(np.float64) - 0.5 * np.pi) / THETA_UNIT, *self.y_range)
        angle = bool(self.y_range[1] > self.y_range[0])
        usable = [(i, j) for i, j in exponents if angle or j == 0][: max(most, MIN_TERMS)]
        return np.stack([x**i * y**j for i, j in usable], axis=1)

    def moments(self, conditions: Conditions) -> tuple[Array64, Array64]:
        """Conditional mean and spread (n, k) of the features at n conditions."""
        mean_terms = self._terms(conditions, TERMS, self.mean.shape[1])
        var_terms = self._terms(conditions, LOG_VAR_TERMS, self.log_var.shape[1])
        mean = np.zeros((len(conditions), self.mean.shape[2]))
        spread = np.ones_like(mean)
        for p in range(len(self.mean)):
            rows = conditions.particle == p
            mean[rows] = mean_terms[rows] @ self.mean[p]
            log_var = var_terms[rows] @ self.log_var[p]
            spread[rows] = np.maximum(np.exp(0.5 * log_var), self.least[p])
        return mean, spread

    def __call__(self, sample: Sample) -> Sample:
        """The same events with pulls (n, k) float32 [sigma], held to +-25, as values."""
        mean, spread = self.moments(sample.conditions)
        z = np.clip((sample.values - mean) / spread, -CLIP, CLIP)
        return Sample(z.astype(np.float32), sample.conditions)


def _ridge(phi: Array64, f: Array64) -> Array64:
    """Least squares with a penalty on everything but the constant: (p, k)."""
    penalty = RIDGE * np.eye(phi.shape[1])
    penalty[0, 0] = 0.0
    return np.asarray(np.linalg.solve(phi.T @ phi + penalty, phi.T @ f), dtype=np.float64)


def _weighted_ridge(phi: Array64, f: Array64, sigma: Array64) -> Array64:
    """:func:`_ridge` of each feature with weights 1/sigma^2."""
    columns = [_ridge(phi / s[:, None], column / s) for s, column in zip(sigma.T, f.T, strict=True)]
    return np.stack(columns, axis=1)


def _tolerances(names: tuple[str, ...], f: Array64) -> Array64:
    """The spread (k,) below which deviations of each observable do not matter."""
    tolerance = np.zeros(len(names))
    for i, name in enumerate(names):
        if name == "sampling_fraction":
            tolerance[i] = SAMPLING_FRACTION_TOLERANCE * abs(f[:, i].mean())
        elif name.startswith(("spectrum_", "hits")):
            tolerance[i] = COUNT_TOLERANCE
        else:
            tolerance[i] = TOLERANCE.get(name, 0.0)
    return tolerance
