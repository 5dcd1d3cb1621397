"""The classifier: known AUC values, and that it does not see how numbers are kept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from objectives.crosschecks import Summary, as_stored, classifier_auc
from objectives.crosschecks.classifier import auc
from objectives.crosschecks.precision import common_condition, rounded
from objectives.samples import Sample
from objectives.showers import Conditions, Showers

from ..distortions import Bench
from .made_samples import normal, sample


def test_auc_is_the_share_of_ordered_pairs() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 9, 40), rng.integers(2, 12, 30)
    pairs = (a[:, None] > b) + 0.5 * (a[:, None] == b)
    assert auc(a, b) == pytest.approx(pairs.mean())


def test_auc_of_a_shifted_normal() -> None:
    found = classifier_auc(normal(1, 1000, 1, 1.0), normal(2, 1000, 1))
    assert found.value == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.03)
    assert found.error == pytest.approx(np.sqrt(2001 / 12e6))


def test_events_at_equal_conditions_do_not_betray_each_other() -> None:
    """With folds at random, events at one energy give an AUC of 0.4."""
    rng = np.random.default_rng(3)
    energy = rng.uniform(10, 200, 300)
    a, b = (sample(1e-3 * rng.normal(size=300) + energy, energy) for _ in range(2))
    found = classifier_auc(a, b[rng.permutation(300)])
    assert found.value == pytest.approx(0.5, abs=3 * found.error)


def test_few_discrete_energies_are_in_both_folds() -> None:
    rng = np.random.default_rng(4)
    energy = rng.choice([1.0, 2.0], 400)
    found = classifier_auc(sample(energy + (energy == 2), energy), sample(energy, energy))
    # Wrong at one energy: of the four pairings only the one at the other energy is a guess.
    assert found.value == pytest.approx(1 - 0.5 * np.mean(energy == 1) ** 2, abs=0.01)


STORED = {
    "float64": ("float64", 1.0),
    "float16": ("float16", 1.0),
    "float16 x50": ("float16", 0.02),
    "float64 x50": ("float64", 0.02),
    "uint16": ("uint16", 1e-5),
}


def seen(bench: Bench, showers: Showers, like: Showers) -> Sample:
    return Summary.of(Showers(showers.cells, like.conditions), bench.reference).features


@pytest.mark.parametrize("name", STORED)
def test_the_type_of_a_file_is_not_seen(small: Bench, name: str) -> None:
    """Generated showers in any type against a float32 reference: 0.5 within the error."""
    dtype, unit = STORED[name]
    real = small.validation
    energy = small.perfect.energy.astype(dtype if dtype.startswith("float") else "float64")
    file = Showers(small.perfect.cells, Conditions.of(energy))
    generated, alike = (as_stored(s, dtype, unit) for s in (file, real))
    found = classifier_auc(seen(small, generated, file), seen(small, alike, real))
    assert found.value == pytest.approx(0.5, abs=3 * found.error)


def test_coarse_integers_are_seen_unless_both_sides_are(small: Bench) -> None:
    coarse = as_stored(small.perfect, "uint8", 3e-4)
    found = [
        classifier_auc(seen(small, coarse, coarse), seen(small, real, real)).value
        for real in (small.validation, as_stored(small.validation, "uint8", 3e-4))
    ]
    assert found[0] > 0.9
    assert found[1] == pytest.approx(0.5, abs=0.08)


def test_the_last_bit_is_not_seen() -> None:
    rng = np.random.default_rng(5)
    values = np.where(rng.random((2, 400, 1)) < 0.6, np.log10(1e-6), rng.normal(size=(2, 400, 1)))
    a, b = sample(values[0]), sample(values[1])
    a.values[:] = np.nextafter(a.values, np.float32(-9))
    assert classifier_auc(a, b).value == pytest.approx(0.5, abs=0.06)


def test_rounding_keeps_what_matters() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(size=(500, 3)).astype(np.float32) * np.float32([1e-3, 1.0, 1e4])
    assert np.all(np.abs(rounded(values, values) - values).max(axis=0) < 1e-3 * values.std(axis=0))


def test_conditions_lose_what_the_other_side_has_lost() -> None:
    energy = np.random.default_rng(7).uniform(10, 500, 200)
    exact, half = energy.astype(np.float32), energy.astype(np.float16).astype(np.float32)
    whole = np.rint(energy).astype(np.float32)
    for coarse in (half, whole):
        a, b = common_condition(exact, coarse)
        assert np.array_equal(a, b)
    a, _ = common_condition(exact, exact)
    assert a == pytest.approx(energy, rel=5e-4)


@pytest.mark.parametrize(("dtype", "unit"), STORED.values())
def test_reading_back_what_was_stored_changes_nothing(dtype: str, unit: float) -> None:
    cells = np.random.default_rng(8).gamma(0.5, 1e-3, (3, 2, 2, 2)).astype(np.float32)
    once = as_stored(Showers(cells, Conditions.of(np.ones(3))), dtype, unit)
    assert once.cells == pytest.approx(cells, rel=1e-3, abs=0.51e-5)
    assert np.array_equal(as_stored(once, dtype, unit).cells, once.cells)
    assert once.cells.dtype == np.float32
    half = as_stored(Showers(cells, once.conditions), "float16").cells
    assert np.array_equal(half, cells.astype(np.float16))
