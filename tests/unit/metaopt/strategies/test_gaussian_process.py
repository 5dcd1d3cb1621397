from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.polynomial.legendre import legval
from scipy.optimize import approx_fprime
from scipy.stats import norm

from metaopt.strategies import gaussian_process as gp
from metaopt.strategies.acquisition import (
    MAX_CHECKS,
    log_augmented_improvement,
    log_expected_improvement,
    maximise,
)
from search_spaces.parameters import Float, Point
from search_spaces.space import SearchSpace

RNG = np.random.default_rng(1)
X = RNG.random((40, 5))
GROUPS = np.array([0, 1, 2, 2, 2])
Y = np.sin(4 * X[:, 0]) + 0.5 * X[:, 2]
Y = (Y - Y.mean()) / Y.std()
V = np.zeros(len(Y))
V[::3] = 0.3
NONE = np.zeros(len(Y))


def test_gradient_of_the_posterior_is_its_derivative() -> None:
    prior = np.array([[0.1, 0.8]] * 3 + [gp.PRIOR_SIGNAL, gp.PRIOR_TREND, gp.PRIOR_NOISE])
    theta = np.array([-0.3, 0.4, 0.1, 0.2, -0.4, -3.0])
    P = gp._polynomials(X, 3)
    bowl = P @ P.T

    def value(t: gp.Array) -> float:
        return gp._negative_log_posterior(t, X, bowl, Y, V, GROUPS, prior)[0]

    gradient = gp._negative_log_posterior(theta, X, bowl, Y, V, GROUPS, prior)[1]
    np.testing.assert_allclose(gradient, approx_fprime(theta, value, 1e-6), rtol=1e-3, atol=1e-3)


def test_agrees_with_scikit_learn_where_there_is_no_trend() -> None:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    lengths = np.array([0.5, 0.8, 1.1])
    theta = np.log([*lengths, 1.7, 1e-14, 0.01])
    ours = gp.condition(X, Y, V, GROUPS, theta).predict(X[:7] + 0.05)
    kernel = ConstantKernel(1.7) * Matern(lengths[GROUPS], nu=2.5)
    theirs = GaussianProcessRegressor(kernel, alpha=0.01 + V, optimizer=None).fit(X, Y)
    mean, deviation = theirs.predict(X[:7] + 0.05, return_std=True)
    np.testing.assert_allclose(ours[0], mean, atol=1e-8)
    np.testing.assert_allclose(ours[1], deviation, atol=1e-8)


def test_is_the_regression_on_legendre_polynomials_where_there_is_but_a_trend() -> None:
    from sklearn.linear_model import Ridge

    def columns(x: gp.Array) -> gp.Array:
        degrees = ([0, 1], [0, 0, 1])
        return np.hstack([legval(2 * x - 1, c) * np.sqrt(2 * len(c) - 1) for c in degrees])

    signal, trend, noise = 1e-14, 0.8, 0.01
    theta = np.log([0.5, 0.8, 1.1, signal, trend, noise])
    test = X[:7] + 0.05
    mean, _ = gp.condition(X, Y, NONE, GROUPS, theta).predict(test)
    # The trend variance is that of a parameter's coefficient times the number of parameters.
    ridge = Ridge(alpha=3 * noise / trend, fit_intercept=False).fit(columns(X), Y)
    np.testing.assert_allclose(mean, ridge.predict(columns(test)), atol=1e-8)


def test_learns_which_parameters_matter() -> None:
    process = gp.fit(X, Y, NONE, GROUPS)
    lengths = np.exp(process.theta[:3])
    assert lengths[1] > 2 * lengths[0]
    test = RNG.random((200, 5))
    truth = np.sin(4 * test[:, 0]) + 0.5 * test[:, 2]
    assert np.corrcoef(process.predict(test)[0], truth)[0, 1] > 0.98


def test_knows_a_bowl_in_fifteen_parameters_from_forty_points() -> None:
    rng = np.random.default_rng(2)
    lowest, here, there = rng.random(15), rng.random((40, 15)), rng.random((200, 15))
    score, truth = (((x - lowest) ** 2).sum(axis=1) for x in (here, there))
    process = gp.fit(here, (score - score.mean()) / score.std(), np.zeros(40), np.arange(15))
    assert np.corrcoef(process.predict(there)[0], truth)[0, 1] > 0.99


def test_learns_the_noise() -> None:
    noisy = Y + 0.5 * RNG.normal(size=len(Y))
    quiet, loud = (gp.fit(X, y, NONE, GROUPS).theta[-1] for y in (Y, noisy))
    assert np.exp(loud) > 10 * np.exp(quiet)


def test_known_variances_are_not_learned_as_noise() -> None:
    v = np.where(np.arange(len(Y)) < 20, 1.0, 0.0)
    noisy = Y + np.sqrt(v) * RNG.normal(size=len(Y))
    told, untold = (gp.fit(X, noisy, known, GROUPS) for known in (v, NONE))
    assert told.noise < 0.5 * untold.noise
    assert np.abs(told.predict(X[20:])[0] - Y[20:]).mean() < 0.3


def test_believing_removes_the_uncertainty_and_keeps_the_mean() -> None:
    process = gp.fit(X, Y, NONE, GROUPS)
    there = np.full((1, 5), 0.97)
    mean, before = process.predict(there)
    same, after = process.believing(there).predict(there)
    assert same == pytest.approx(mean, abs=1e-6)
    assert after[0] < 0.7 * before[0]
    assert process.believing(np.empty((0, 5))) is process


def test_repeated_points_are_no_numerical_failure() -> None:
    process = gp.fit(np.repeat(X[:5], 4, axis=0), np.repeat(Y[:5], 4), NONE[:20], GROUPS)
    assert np.isfinite(process.predict(X)[0]).all()


def test_log_expected_improvement_is_the_log_where_that_exists() -> None:
    mean, deviation = np.linspace(-3, 3, 13), np.full(13, 0.7)
    z = (0.0 - mean) / deviation
    plain = deviation * (norm.pdf(z) + z * norm.cdf(z))
    np.testing.assert_allclose(
        log_expected_improvement(mean, deviation, 0.0), np.log(plain), rtol=1e-6
    )


def test_what_is_known_better_than_a_trial_tells_counts_less() -> None:
    mean, deviation = np.zeros(4), np.array([1e-9, 0.1, 1.0, 10.0])
    plain = log_expected_improvement(mean, deviation, 0.0)
    worth = np.exp(log_augmented_improvement(mean, deviation, 0.0, 1.0) - plain)
    np.testing.assert_allclose(worth[1:], 1 - 1 / np.hypot(deviation[1:], 1.0), rtol=1e-9)
    assert worth[0] == pytest.approx(0.5e-18, rel=1e-6)


def test_without_noise_or_chance_an_augmented_improvement_is_the_improvement() -> None:
    mean, deviation = np.linspace(-3, 3, 13), np.full(13, 0.7)
    plain = log_expected_improvement(mean, deviation, 0.0)
    without = log_augmented_improvement(mean, deviation, 0.0, 0.0)
    np.testing.assert_allclose(without, plain, rtol=1e-9)
    certain = log_augmented_improvement(np.array([-2.0]), np.array([1e-9]), 0.0, 1.0)
    assert certain == pytest.approx([np.log(2.0)])


def test_log_expected_improvement_is_finite_and_falls_where_the_improvement_underflows() -> None:
    z = np.concatenate([np.linspace(-5, 99, 2000), np.geomspace(100, 1e8, 500)])
    values = log_expected_improvement(z, np.ones_like(z), 0.0)
    assert np.isfinite(values).all()
    assert (np.diff(values) < 0).all()


def test_the_best_point_that_can_be_built_is_found_and_few_are_asked_for() -> None:
    space = SearchSpace("line", "toy", "default", (Float("x", 0.0, 1.0),))
    asked: list[Point] = []

    def merit(points: Sequence[Point]) -> gp.Array:
        return np.array([-float(p["x"]) for p in points])

    def found(limit: float) -> Point | None:
        def constraint(point: Point) -> str | None:
            asked.append(point)
            return None if float(point["x"]) > limit else "too low"

        picky = space.constrained(constraint)
        return maximise(picky, merit, [{"x": 0.95}], set(), np.random.default_rng(1))

    assert found(1.0) is None
    assert len(asked) == MAX_CHECKS
    best = found(0.2)
    assert best is not None and 0.2 < float(best["x"]) < 0.22
