"""RMS90: a width that tails do not move."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.central import ERROR, central, spread_error, spread_shape


def test_a_gaussian_has_its_known_value() -> None:
    mean, spread = central(5 + 2 * np.random.default_rng(0).standard_normal(100_000))
    assert mean == pytest.approx(5, abs=0.05)
    assert spread == pytest.approx(2 * 0.79, rel=0.01)


def test_a_tail_is_left_out() -> None:
    rng = np.random.default_rng(1)
    core = rng.standard_normal(2000)
    leaking = np.where(rng.random(2000) < 0.05, core - 50, core)
    assert central(leaking)[1] == pytest.approx(central(core)[1], rel=0.15)
    assert leaking.std() > 5 * core.std()


@pytest.mark.parametrize("n", [60, 500])
def test_the_error_is_that_of_repeated_samples(n: int) -> None:
    rng = np.random.default_rng(2)
    widths = [central(rng.standard_normal(n))[1] for _ in range(400)]
    assert np.std(widths) / np.mean(widths) == pytest.approx(spread_error(n), rel=0.2)


def test_heavy_tails_have_a_larger_error() -> None:
    rng = np.random.default_rng(3)
    samples = [
        rng.standard_normal(300) - np.where(rng.random(300) < 0.15, rng.exponential(5, 300), 0)
        for _ in range(300)
    ]
    widths = [central(sample)[1] for sample in samples]
    shape = float(np.mean([spread_shape(sample) for sample in samples[:20]]))
    assert shape > 1.1 * spread_shape(rng.standard_normal(300))
    assert np.std(np.log(widths)) == pytest.approx(spread_error(300, shape), rel=0.2)


def test_one_event_has_no_width() -> None:
    assert central(np.array([3.0])) == (3.0, 0.0)
    assert spread_error(0) == spread_error(1) == ERROR / np.sqrt(2)


@pytest.mark.parametrize("others", [0, 11])
def test_what_does_not_vary_has_the_usual_error(others: int) -> None:
    """All are alike, or so many that some resamplings are: the width has no logarithm."""
    assert spread_shape(np.append(np.ones(90), np.linspace(2, 3, others))) == ERROR
