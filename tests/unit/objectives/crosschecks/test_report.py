"""All cross-checks together: of a perfect generator, and what each sees of known errors."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.crosschecks import Measured, Summary, crosscheck
from objectives.pulls import CLIP
from objectives.showers import Showers

from ..distortions import Bench, Distortion, empty, scale, smear

#: Cross-checks that are not divided in bins of energy.
NUMBERS = ("separation", "frechet", "kernel", "auc", "sampling_fraction_bias")


@pytest.fixture(scope="module")
def others(small: Bench) -> tuple[Summary, Summary]:
    """The full simulation, and more of it for the null."""
    showers = small.validation, small.training
    return Summary.of(showers[0], small.reference), Summary.of(showers[1], small.reference)


@pytest.fixture(scope="module")
def perfect(small: Bench, others: tuple[Summary, Summary]) -> dict[str, Measured]:
    generated = Summary.of(small.perfect, small.reference)
    return crosscheck(generated, others[0], small.reference, others[1])


def found(bench: Bench, others: tuple[Summary, Summary], distort: Distortion):
    showers = distort(bench, np.random.default_rng(5))
    return crosscheck(Summary.of(showers, bench.reference), others[0], bench.reference)


def test_perfect_generator_is_near_its_null(perfect: dict[str, Measured]) -> None:
    assert set(NUMBERS) < set(perfect)
    assert "frechet_extrapolated" not in perfect
    for name in NUMBERS:
        number = perfect[name]
        assert abs(number.value - number.null) < 4 * max(number.error, number.null_spread), name


def test_all_see_a_wrong_scale_and_some_miss_rare_failures(
    small: Bench, others: tuple[Summary, Summary], perfect: dict[str, Measured]
) -> None:
    scaled, wide, rare = (found(small, others, d) for d in (scale(1.15), smear(0.25), empty(0.02)))
    for name in NUMBERS:
        assert scaled[name].value > perfect[name].value
    assert scaled["auc"].value > 0.8
    assert wide["auc"].value > 0.6
    assert wide["legacy_sampling_fraction"].value < 0.06
    # Of 250 showers five are empty: the classifier and the quantile bins do not see them.
    assert rare["auc"].value == pytest.approx(perfect["auc"].value, abs=0.05)
    assert rare["frechet"].value > 10 * perfect["frechet"].value


def test_bad_showers_give_finite_numbers(small: Bench, others: tuple[Summary, Summary]) -> None:
    cells = small.perfect.cells.copy()
    cells[::3], cells[1::3] = np.nan, 0.0
    summary = Summary.of(Showers(cells, small.perfect.conditions), small.reference)
    assert np.all(summary.pulls.values[np.arange(250) % 3 < 2] == CLIP)
    assert np.all(summary.features.values[::3] == 0)
    numbers = crosscheck(summary, others[0], small.reference, others[1][:300])
    for number in numbers.values():
        assert np.isfinite([number.value, number.error, number.null]).all()
        assert number.null_spread is None


def test_summaries_of_parts_are_those_of_the_whole(small: Bench) -> None:
    whole = Summary.of(small.perfect, small.reference)
    parts = [Summary.of(small.perfect[i : i + 100], small.reference) for i in (0, 100, 200)]
    joined = Summary.joined(parts)
    assert np.array_equal(joined.pulls.values, whole.pulls.values)
    assert np.array_equal(joined.profiles.axes[2], whole.profiles.axes[2])
    assert len(joined[:7]) == 7


def test_cylinders_are_checked_too(rings: Bench) -> None:
    generated, real = (Summary.of(s, rings.reference) for s in (rings.perfect, rings.validation))
    numbers = crosscheck(generated, real, rings.reference)
    assert set(NUMBERS) < set(numbers)
    assert numbers["auc"].null is None
    assert numbers["auc"].value == pytest.approx(0.5, abs=0.12)
