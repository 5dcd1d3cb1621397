"""Separation, Frechet and kernel distance: known values, null values, and their order."""

from __future__ import annotations

import numpy as np
import pytest

from objectives import crosschecks
from objectives.crosschecks.frechet import frechet_distance, trimmed
from objectives.crosschecks.kernel import block_distances, mmd_squared
from objectives.crosschecks.separation import separation_power

from .made_samples import normal

DISTANCES = [
    crosschecks.mean_separation,
    crosschecks.frechet_of_pulls,
    crosschecks.kernel_of_pulls,
]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


@pytest.mark.parametrize("distance", DISTANCES)
def test_symmetric_and_growing_with_a_shift(distance) -> None:
    real = normal(1, 400)
    values = [distance(normal(2, 400, shift=s), real).value for s in (0.0, 0.3, 0.6, 1.2, 2.4)]
    assert np.all(np.diff(values) > 0)
    other = normal(3, 400, shift=0.5)
    assert distance(real, other).value == pytest.approx(distance(other, real).value)


@pytest.mark.parametrize("distance", DISTANCES)
def test_seen_beside_the_null(distance) -> None:
    real, null = normal(1, 400), [normal(i, 400) for i in range(3, 9)]
    assert distance(normal(2, 400, shift=0.4), real, null).value > 0.01
    equal = distance(normal(2, 400), real, null)
    assert abs(equal.value - equal.null) < 5 * equal.null_spread


@pytest.mark.parametrize(("n", "m"), [(60, 60), (300, 150)])
@pytest.mark.parametrize("law", ["normal", "poisson"])
def test_separation_is_zero_on_average(rng: np.random.Generator, n: int, m: int, law: str) -> None:
    draw = (lambda m: rng.normal(size=(m, 600))) if law == "normal" else (
        lambda m: rng.poisson(1.5, (m, 600)))  # fmt: skip
    s2 = separation_power(draw(n), draw(m))
    assert abs(s2.mean()) < 4 * s2.std() / np.sqrt(600)


def test_separation_of_equal_and_of_disjoint_samples(rng: np.random.Generator) -> None:
    a = rng.normal(size=(200, 2))
    null = (20 - 1) / 4 * (1 / 200 + 1 / 200)
    assert separation_power(a, a) == pytest.approx(-null)
    assert separation_power(a + 100, a) == pytest.approx(1 - null)


def test_separation_sees_events_outside_the_full_simulations_range(
    rng: np.random.Generator,
) -> None:
    a = rng.uniform(size=(400, 1))
    far = a.copy()
    far[:100] = 1e6
    assert separation_power(far, a) > 0.05


def test_frechet_of_known_gaussians(rng: np.random.Generator) -> None:
    a = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3))
    covariance = np.cov(a, rowvar=False)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-5)
    assert frechet_distance(a + 2, a) == pytest.approx(3 * 2**2)
    # Means apart by <a> + 1 and covariances C and 4 C: Tr(C + 4 C - 2 x 2 C) = Tr C.
    expected = ((a.mean(axis=0) + 1) ** 2).sum() + np.trace(covariance)
    assert frechet_distance(2 * a + 1, a) == pytest.approx(expected)


def test_frechet_of_gaussians_whose_axes_differ() -> None:
    # Of N(0, diag(4, 1)) and the same turned by 45 degrees: eigenvalues of the product by hand.
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    a = np.array([[2.0, 0], [-2.0, 0], [0, 1], [0, -1]])
    c = np.cov(a, rowvar=False)
    product = np.linalg.eigvals(c @ turn @ c @ turn.T)
    expected = 2 * np.trace(c) - 2 * np.sqrt(product).sum()
    assert frechet_distance(a @ turn.T, a) == pytest.approx(expected)


def test_frechet_is_not_moved_by_one_outlier() -> None:
    real, generated = normal(1, 300), normal(2, 300)
    before = crosschecks.frechet_of_pulls(generated, real).value
    generated.values[7] = 25.0
    assert crosschecks.frechet_of_pulls(generated, real).value == pytest.approx(before, abs=0.05)
    assert len(trimmed(generated.values)) == 297


def test_extrapolation_removes_the_bias() -> None:
    pairs = [(normal(i, 300, 6), normal(100 + i, 300, 6)) for i in range(12)]
    plain = np.mean([crosschecks.frechet_of_pulls(*p).value for p in pairs])
    limit = [crosschecks.frechet_extrapolated(*p).value for p in pairs]
    assert plain > 0.05
    assert abs(np.mean(limit)) < 4 * np.std(limit) / np.sqrt(12)


def test_kernel_distance_is_zero_on_average(rng: np.random.Generator) -> None:
    values = [mmd_squared(*rng.normal(size=(2, 40, 3))) for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)


def test_kernel_distance_of_known_gaussians() -> None:
    shift = 0.7
    a, b = normal(1, 1500, 1, shift), normal(2, 1500, 1)
    # Without the trimming, which is not part of the closed form.
    found = mmd_squared(a.values, b.values)
    own = np.array([1, shift, 1 + shift**2, shift**3 + 3 * shift, shift**4 + 6 * shift**2 + 3])
    zero, binomial = np.array([1, 0, 1, 0, 3]), np.array([1, 4, 6, 4, 1])
    assert found == pytest.approx((binomial * (own - zero) ** 2).sum(), rel=0.2)


def test_kernel_blocks_share_no_events() -> None:
    a, b = normal(1, 4000, 2), normal(2, 1000, 2)
    assert len(block_distances(a, b)) == 8
    assert len(block_distances(a[:20], b[:20])) == 8
    assert len(block_distances(normal(3, 4200, 2), normal(4, 4200, 2))) == 9
