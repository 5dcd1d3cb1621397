"""Laws of the distances: zero on the diagonal, symmetry, scaling, null values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from objectives import distances


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_w1_laws(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    w = distances.wasserstein(a, b)
    assert np.all(distances.wasserstein(a, a[::-1]) == 0)
    assert w == pytest.approx(distances.wasserstein(b, a))
    assert distances.wasserstein(3 * a, 3 * b) == pytest.approx(3 * w)
    assert distances.wasserstein(a, a + 0.7) == pytest.approx(0.7)


@pytest.mark.parametrize("n", [200, 400, 317])
def test_w1_agrees_with_scipy(rng: np.random.Generator, n: int) -> None:
    a, b = rng.normal(size=(200, 1)), rng.normal(0.3, 1.2, size=(n, 1))
    expected = stats.wasserstein_distance(a[:, 0], b[:, 0])
    assert distances.wasserstein(a, b)[0] == pytest.approx(expected, abs=0.01)


def test_w1_of_one_event_is_the_mean_distance(rng: np.random.Generator) -> None:
    b = rng.normal(size=(50, 2))
    w = distances.wasserstein(np.zeros((1, 2)), b)
    assert w == pytest.approx(np.abs(b).mean(axis=0))


def test_w1_null_value(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 500, 400))
    assert distances.wasserstein(a, b).mean() * np.sqrt(500) == pytest.approx(1.8, abs=0.15)


def test_correlation_difference(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4000, 3))
    b = a.copy()
    b[:, 1] = b[:, 0]
    c = distances.correlation(a)
    assert c == pytest.approx(np.corrcoef(a.T))
    assert distances.correlation_difference(c, c) == 0
    # Of the three pairs only (0, 1) changes, and by about one.
    found = distances.correlation_difference(c, distances.correlation(b))
    assert found == pytest.approx(np.sqrt(1 / 3), abs=0.05)


def test_correlation_of_a_constant_is_zero() -> None:
    c = distances.correlation(np.full((10, 2), 25.0))
    assert np.all(c == 0)


def test_conditional_w1_sees_what_the_inclusive_one_does_not(rng: np.random.Generator) -> None:
    condition = rng.integers(0, 2, 1000)
    a = (2.0 * condition + 0.1 * rng.normal(size=1000))[:, None]
    swapped = a[rng.permutation(1000)]
    assert distances.wasserstein(a, swapped)[0] == 0
    assert distances.conditional_w1(swapped, condition, a, condition) > 0.8


def test_conditional_w1_skips_thin_bins_but_never_all(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(7, 1)), rng.normal(2.0, size=(7, 1))
    bins = np.zeros(7, dtype=np.intp)
    assert distances.conditional_w1(a, bins, b, bins) == distances.wasserstein(a, b)[0]
    thin = np.array([0] * 20 + [1] * 3)
    values = np.where(thin == 0, 0.0, 9.0)[:, None]
    assert distances.conditional_w1(values, thin, np.zeros((23, 1)), thin) == 0


def neighbours(a: np.ndarray) -> np.ndarray:
    squared = distances.squared_distances(a, a)
    np.fill_diagonal(squared, np.inf)
    return squared


def test_squared_distances(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    expected = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    assert distances.squared_distances(a, b) == pytest.approx(expected)


def test_coverage(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 400, 5))
    radii = distances.ball_radii(neighbours(a))
    assert np.all(radii == np.sort(neighbours(a), axis=1)[:, distances.NEIGHBOURS - 1])
    cover = [distances.coverage(distances.squared_distances(a, x).min(axis=1), radii)
             for x in (a, b, b + 9.0)]  # fmt: skip
    assert cover[0] == 1
    assert cover[1] == pytest.approx(1 - 2.0**-distances.NEIGHBOURS, abs=0.03)
    assert cover[2] == 0


def test_repeats_are_seen_and_spread_is_not(rng: np.random.Generator) -> None:
    def q(a: np.ndarray) -> float:
        return distances.repeat_distance(neighbours(a).min(axis=1))

    a, b = rng.normal(size=(2, 300, 5))
    repeated = np.concatenate([b[:150], b[:150]])
    assert distances.duplicate_ratio(q(b), q(a)) < 0.2
    assert distances.duplicate_ratio(q(repeated), q(a)) > 5
    assert distances.duplicate_ratio(q(2 * b), q(a)) == 0


def test_nearest_by_group_is_the_minimum_of_each() -> None:
    squared = np.array([[5.0, 3.0, 4.0, 1.0, 2.0]])
    starts = np.array([0, 2, 3])
    assert distances.nearest_by_group(squared, starts).tolist() == [[3.0, 4.0, 1.0]]
