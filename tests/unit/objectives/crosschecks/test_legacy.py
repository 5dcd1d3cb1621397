"""Historic scores: their definitions, what they are blind to, and showers they cannot take."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.crosschecks import Profiles, dropped, legacy_scores
from objectives.crosschecks.legacy import (
    moments_and_profiles,
    parameter_scan,
    sampling_fraction_error,
)
from objectives.crosschecks.profiles import EMPTY_ANGLE
from objectives.showers import Conditions, Showers
from search_spaces.cells import Cylinder
from search_spaces.errors import DataError
from search_spaces.geometry import Cells, Geometry

from ..distortions import Bench, mean_shower, scale, smear

TILTED = Geometry("tilted", Cells((9, 31, 8), (5.0, 5.0, 5.0)), (10.0, 500.0), (60.0, 120.0))


def distorted(bench: Bench, distort) -> Profiles:
    return Profiles.of(distort(bench, np.random.default_rng(4)), bench.geometry)


@pytest.fixture(scope="module")
def perfect(small: Bench) -> Profiles:
    return Profiles.of(small.perfect, small.geometry)


@pytest.fixture(scope="module")
def real(small: Bench) -> Profiles:
    return Profiles.of(small.validation, small.geometry)


def test_profiles_are_sums_over_the_other_axes(small: Bench) -> None:
    showers = small.perfect[:5]
    found = Profiles.of(showers, small.geometry)
    cells = np.where(showers.cells < small.geometry.threshold, 0, showers.cells).astype(float)
    for axis, others in enumerate([(2, 3), (1, 3), (1, 2)]):
        assert found.axes[axis] == pytest.approx(cells.sum(axis=others), rel=1e-5)
        share = cells.sum(axis=others) / cells.sum(axis=(1, 2, 3))[:, None]
        index = np.arange(12)
        mean = (share * index).sum(axis=1)
        variance = (share * index**2).sum(axis=1) - mean**2
        assert found.moments(axis) == pytest.approx(np.stack([mean, variance], 1), rel=1e-4)
    hottest = [np.unravel_index(c.argmax(), c.shape) for c in cells]
    assert np.array_equal(found.hottest, hottest)
    assert found.total == pytest.approx(cells.sum(axis=(1, 2, 3)), rel=1e-5)


def test_profiles_of_parts_are_those_of_the_whole(small: Bench, perfect: Profiles) -> None:
    parts = [Profiles.of(small.perfect[i : i + 60], small.geometry) for i in range(0, 250, 60)]
    joined = Profiles.joined(parts)
    assert len(joined) == 250
    assert np.array_equal(joined.axes[1], perfect.axes[1])
    assert np.array_equal(joined.angle, perfect.angle)
    assert np.array_equal(joined[np.arange(3)].conditions.energy, perfect.conditions.energy[:3])


@pytest.mark.parametrize("slope", [-0.9, 0.0, 0.5])
def test_angle_of_a_straight_line(slope: float) -> None:
    cells = np.zeros((1, 9, 31, 8), dtype=np.float32)
    for z in range(8):  # energy shared between two cells gives the layer's barycentre
        y = 15 + slope * (z - 3.5)
        low = int(np.floor(y))
        cells[0, 4, low, z], cells[0, 4, low + 1, z] = 1 - (y - low), y - low
    found = Profiles.of(Showers(cells, Conditions.of([100.0])), TILTED)
    assert found.angle[0] == pytest.approx(np.pi / 2 - np.arctan(slope), abs=1e-4)


def test_bad_showers_have_no_energy() -> None:
    cells = np.ones((3, 9, 31, 8), dtype=np.float32)
    cells[0, 0, 0, 0], cells[1], cells[2, 0, 0, 0] = np.nan, 0, -1
    found = Profiles.of(Showers(cells, Conditions.of([10.0] * 3)), TILTED)
    assert all(np.all(a == 0) for a in found.axes)
    assert np.all(found.moments(0) == 0)
    assert np.all(found.angle == EMPTY_ANGLE)


def test_scores_are_zero_for_the_same_showers(real: Profiles, small: Bench) -> None:
    same = legacy_scores(real, real, small.geometry, [real])
    assert len(same) == 3
    assert all(number.value == number.null == 0 for number in same.values())


def test_scores_of_a_scale_error(small: Bench, perfect: Profiles) -> None:
    scaled = distorted(small, scale(1.05))
    assert sampling_fraction_error(scaled, perfect) == pytest.approx(0.05, abs=2e-3)
    # The moments do not change, and every bin of the profiles by 5 %.
    assert moments_and_profiles(scaled, perfect, small.geometry) == pytest.approx(0.05, abs=3e-3)


def in_layer(z: int) -> Profiles:
    """20 showers of 100 and of 200 GeV with 1 GeV in one cell."""
    cells = np.zeros((40, 9, 31, 8), dtype=np.float32)
    cells[:, 4, 15, z] = 1.0
    return Profiles.of(Showers(cells, Conditions.of([100.0] * 20 + [200.0] * 20)), TILTED)


def test_moments_and_profiles_of_single_cells() -> None:
    # One of three axes: M1 by a quarter and M2 not, over two; one of eight bins by all of it.
    expected = (1 / 4 / 2 + 1 / 8) / 3
    found = moments_and_profiles(in_layer(5), in_layer(4), TILTED)
    assert found == pytest.approx(expected, rel=1e-4)


def test_parameter_scan_of_single_cells() -> None:
    # The hottest cell one layer away, and two bins of one profile by 1 GeV, at both energies.
    expected = (1 + 2 * 400_000 / 100**2) + (1 + 2 * 400_000 / 200**2)
    assert parameter_scan(in_layer(5), in_layer(4)) == pytest.approx(expected)


def test_angle_enters_where_it_is_a_condition(small: Bench, real: Profiles) -> None:
    turned = Profiles(real.axes, real.hottest, real.angle * np.float32(1.1), real.conditions)
    assert moments_and_profiles(turned, real, TILTED) == pytest.approx(0.1, abs=1e-3)
    assert moments_and_profiles(turned, real, small.geometry) == 0


def test_scores_prefer_what_they_should_not(
    small: Bench, perfect: Profiles, real: Profiles
) -> None:
    """A generator of mean showers, and one with a resolution that is much too wide."""
    mean, wide = distorted(small, mean_shower), distorted(small, smear(0.1))
    assert parameter_scan(mean, real) < 0.75 * parameter_scan(perfect, real)
    score = [moments_and_profiles(x, real, small.geometry) for x in (perfect, wide)]
    assert score[1] < 1.5 * score[0]
    assert sampling_fraction_error(wide, real) < 0.05


def test_showers_without_energy_give_finite_scores(small: Bench, real: Profiles) -> None:
    found = legacy_scores(distorted(small, scale(0.0)), real, small.geometry)
    assert all(np.isfinite([n.value, n.error]).all() for n in found.values())
    assert found["legacy_sampling_fraction"].value == pytest.approx(1)


def test_bins_are_the_published_ones(perfect: Profiles) -> None:
    c = perfect.conditions
    n = len(c)
    energy = np.where(np.arange(n) % 2, 100.0, 190.0)  # 10 GeV from the published 200
    there = Profiles(perfect.axes, perfect.hottest, perfect.angle, Conditions.of(energy))
    axes = tuple(np.where((energy == 190)[:, None], 2 * a, a) for a in perfect.axes)
    changed = Profiles(axes, there.hottest, there.angle, there.conditions)
    assert sampling_fraction_error(changed, there) == 0
    assert sampling_fraction_error(changed[energy == 190], there[energy == 190]) == pytest.approx(1)


def test_sampling_fraction_is_relative_to_the_primary_energy(real: Profiles) -> None:
    """At 60 and 120 GeV, where no published bin is, all events are one."""
    low = Profiles(real.axes, real.hottest, real.angle, Conditions.of(np.full(len(real), 60.0)))
    x, y, z = (2 * a for a in real.axes)
    twice = Conditions.of(np.full(len(real), 120.0))
    high = Profiles((x, y, z), real.hottest, real.angle, twice)
    assert sampling_fraction_error(high, low) == pytest.approx(0, abs=1e-6)


def test_cylinders_have_the_scores_that_make_sense(rings: Bench) -> None:
    a, b = (Profiles.of(s, rings.geometry) for s in (rings.perfect, rings.validation))
    found = legacy_scores(a, b, rings.geometry)
    assert set(found) == {"legacy_moments_profiles", "legacy_sampling_fraction"} - set(
        dropped(rings.geometry)
    )
    assert "legacy_parameter_scan" in dropped(rings.geometry)
    uneven = Geometry("uneven", Cylinder(((0.0, 5.0), (0.0, 5.0, 9.0)), 4, 3.4), (1.0, 10.0))
    assert "indices" in dropped(uneven)["legacy_moments_profiles"]
    assert not dropped(TILTED)


def test_too_few_showers_and_another_grid_are_refused(small: Bench, real: Profiles) -> None:
    with pytest.raises(DataError, match="at least 20"):
        legacy_scores(real[:1], real, small.geometry)
    with pytest.raises(DataError, match="cells must be"):
        Profiles.of(small.perfect, TILTED)
