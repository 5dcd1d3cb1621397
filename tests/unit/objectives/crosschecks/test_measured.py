"""Errors, nulls and bad input of every cross-check of samples."""

from __future__ import annotations

import numpy as np
import pytest

from objectives import crosschecks
from objectives.crosschecks.measured import jackknife, measure, pieces
from objectives.samples import Sample
from objectives.showers import Conditions
from search_spaces.errors import DataError

from .made_samples import normal, sample

CHECKS = [
    crosschecks.mean_separation,
    crosschecks.frechet_of_pulls,
    crosschecks.frechet_extrapolated,
    crosschecks.kernel_of_pulls,
    crosschecks.classifier_auc,
    crosschecks.response_checks,
]


def mean_difference(a: Sample, b: Sample) -> float:
    return float(a.values.mean() - b.values.mean())


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    errors = [jackknife(mean_difference, normal(i, 400, 1), normal(99 - i, 100, 1)) for i in
              range(40)]  # fmt: skip
    expected = np.sqrt(1 / 400 + 1 / 100)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(expected, rel=0.15)


def test_null_is_the_mean_over_the_pieces() -> None:
    a, b, others = normal(1, 50), normal(2, 50), [normal(3, 50), normal(4, 50)]
    found = measure(mean_difference, a, b, others)
    values = [mean_difference(x, b) for x in others]
    assert found.null == pytest.approx(np.mean(values))
    assert found.null_spread == pytest.approx(np.std(values, ddof=1))
    assert measure(mean_difference, a, b, others[:1]).null_spread is None
    assert measure(mean_difference, a, b).null is None


def test_pieces_are_disjoint_and_of_one_size() -> None:
    whole = sample(np.arange(95.0))
    parts = pieces(whole, 30)
    assert [len(p) for p in parts] == [30, 30, 30]
    assert len(np.unique(np.concatenate([p.values for p in parts]))) == 90
    assert pieces(whole, 96) == []


@pytest.mark.parametrize("check", CHECKS)
def test_bad_input_is_refused(check) -> None:
    good, holes = normal(1, 40), normal(2, 40)
    holes.values[3] = np.nan
    one, many = np.arange(40) == 0, np.full(40, 100.0)
    places = [Conditions.of(np.where(one, e, many)) for e in (np.nan, -1.0, np.inf)]
    places.append(Conditions.of(many, np.where(one, np.nan, 1.5)))
    for generated, real, word in (
        (holes, good, "finite"),
        (good, holes, "finite"),
        (good[:1], good, "at least 20"),
        (good, good[:1], "at least 20"),
        (normal(1, 40, 3), good, "columns"),
        *((Sample(good.values, place), good, "energy > 0") for place in places),
    ):
        with pytest.raises(DataError, match=word):
            check(generated, real)
    with pytest.raises(DataError, match="null events"):
        check(good, good, [holes])


@pytest.mark.parametrize("check", CHECKS)
def test_constant_columns_give_finite_numbers(check) -> None:
    real, generated = normal(1, 60), normal(2, 60)
    real.values[:, :2] = 0.0
    generated.values[:, 1:] = 25.0
    for a in (generated, real):
        found = check(a, real, [real])
        for number in found.values() if isinstance(found, dict) else [found]:
            assert np.isfinite([number.value, number.error, number.null]).all()
