"""Means, spreads and bins, with errors that are right."""

from __future__ import annotations

import numpy as np
import pytest

from metaopt.reports.statistics import bins_of, in_bins, mean, ratio, spreads_in_bins


def test_errors_are_the_spread_of_many_samples() -> None:
    samples = np.random.default_rng(0).gamma(4.0, size=(400, 300))
    zero = np.zeros(300, dtype=np.intp)
    resolution = [spreads_in_bins(sample, zero, 1) for sample in samples]
    for pairs in (np.array([mean(s) for s in samples]), np.array(resolution)[:, :, 0]):
        assert pairs[:, 1].mean() == pytest.approx(pairs[:, 0].std(), rel=0.15)


def test_a_ratio_has_both_errors_and_none_where_nothing_is() -> None:
    value, error = ratio(
        (np.array([2.0, 1.0]), np.array([0.2, 0.1])), (np.array([4.0, 0.0]), np.array([0.3, 0.0]))
    )
    assert value[0] == 0.5
    assert error[0] == pytest.approx(0.5 * np.hypot(0.1, 0.075))
    assert np.isnan(value[1]) and np.isnan(error[1])
    # Nothing generated in a bin: its error is not known, and 0 ± 0 would be drawn.
    assert np.isnan(ratio((np.zeros(1), np.zeros(1)), (np.ones(1), np.ones(1)))[0])


def test_discrete_energies_have_a_bin_each_and_others_equal_numbers() -> None:
    few = np.repeat([1.0, 2.0, 4.0], 10)
    np.testing.assert_allclose(bins_of(few), [1.5, 3.0])
    many = np.linspace(0, 1, 801)
    counts = np.bincount(np.digitize(many, bins_of(many)))
    assert len(counts) == 8 and np.ptp(counts) <= 1


def test_bins_without_enough_values_are_blank() -> None:
    values, index = np.array([1.0, 3.0, 5.0]), np.array([0, 0, 2])
    value, error = in_bins(values, index, 3)
    np.testing.assert_allclose(value, [2.0, np.nan, np.nan])
    assert error[0] == pytest.approx(1.0)
    assert np.isnan(spreads_in_bins(values, index, 3)).all()
