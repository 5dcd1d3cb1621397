"""Views: sums that add up over blocks, and count what is bad."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from objectives.observables import Features, features
from objectives.showers import Conditions, Showers
from objectives.views import observe, spectrum_edges, view
from search_spaces.errors import DataError
from search_spaces.geometry import Cells, Geometry

GRID = Geometry("grid", Cells((4, 5, 6), (10.0, 10.0, 10.0)), (1.0, 100.0), threshold=1e-4)


def showers(n: int = 40) -> Showers:
    rng = np.random.default_rng(1)
    cells = rng.gamma(0.3, 0.01, (n, *GRID.shape)).astype(np.float32)
    return Showers(cells, Conditions.of(rng.uniform(1, 100, n)))


def test_views_of_blocks_add_up_to_the_view_of_the_whole() -> None:
    whole = showers()
    one, parts = view(whole, GRID), view(whole[:13], GRID) + view(whole[13:], GRID)
    assert one.events == parts.events == len(whole)
    np.testing.assert_array_equal(one.hits, parts.hits)
    np.testing.assert_allclose(one.cells, parts.cells, rtol=1e-5)
    np.testing.assert_allclose(one.spectrum, parts.spectrum)
    for a, b in zip(one.profiles, parts.profiles, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_means_and_errors_are_those_of_the_showers() -> None:
    sample = showers()
    cells = np.where(sample.cells >= GRID.threshold, sample.cells, 0).astype(np.float64)
    share = cells / sample.energy[:, None, None, None]
    seen = view(sample, GRID)
    for axis, others in enumerate(((2, 3), (1, 3), (1, 2))):
        p = share.sum(axis=others)
        mean, error = seen.profile(axis)
        np.testing.assert_allclose(mean, p.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(error, p.std(axis=0, ddof=1) / np.sqrt(len(p)), rtol=1e-4)
        np.testing.assert_allclose(
            seen.projection(axis), share.mean(axis=0).sum(axis=axis), rtol=1e-5
        )
        np.testing.assert_array_equal(
            seen.projected_hits(axis), (cells > 0).sum(axis=0).sum(axis=axis)
        )
    np.testing.assert_array_equal(seen.hits, (cells > 0).sum(axis=0))


def test_no_showers_have_a_view() -> None:
    seen = view(showers()[:0], GRID)
    assert seen.events == seen.bad == seen.hits.sum() == 0
    assert not np.any(seen.profile(2)) and not np.any(seen.spectrum_per_shower())


def test_the_spectrum_counts_every_hit_in_its_bin() -> None:
    sample = showers()
    counts, _ = view(sample, GRID).spectrum_per_shower()
    hits = sample.cells[sample.cells >= GRID.threshold]
    expected, _ = np.histogram(hits, spectrum_edges())
    np.testing.assert_allclose(counts * len(sample), expected, atol=1e-6)


def test_the_outer_bins_of_the_spectrum_are_open() -> None:
    low, high = spectrum_edges()[[1, -2]]
    cells = np.zeros((1, *GRID.shape), dtype=np.float32)
    cells[0, 0, 0] = [low / 64, low * 0.99, low, high * 0.99, high, high * 64]
    faint = replace(GRID, threshold=low / 128)
    counts, _ = view(Showers(cells, Conditions.of([50.0])), faint).spectrum_per_shower()
    assert counts[[0, 1, -2, -1]].tolist() == [2, 1, 1, 2]


def test_bad_showers_are_counted_by_kind_and_enter_nothing_else() -> None:
    sample = showers()
    cells = sample.cells.copy()
    cells[0, 0, 0, 0], cells[1, 0, 0, 0], cells[2, 0, 0, 0] = np.nan, np.inf, -1.0
    cells[3], cells[4] = 0.0, GRID.threshold / 2
    seen, rest = view(Showers(cells, sample.conditions), GRID), view(sample[5:], GRID)
    assert (seen.not_finite, seen.negative, seen.empty) == (2, 1, 2) and seen.bad == 5
    assert seen.events == len(sample) - 5 == rest.events
    np.testing.assert_allclose(seen.cells, rest.cells, rtol=1e-5)


def test_showers_at_unusable_conditions_are_bad_as_in_the_score() -> None:
    sample = showers()
    energy, theta = sample.energy.copy(), sample.conditions.theta.copy()
    energy[0], energy[1], theta[2] = 0.0, np.nan, np.nan
    changed = Showers(sample.cells, Conditions.of(energy, theta))
    seen = view(changed, GRID)
    assert (seen.not_finite, seen.negative, seen.empty) == (3, 0, 0)
    np.testing.assert_array_equal(np.flatnonzero(~changed.conditions.usable), [0, 1, 2])


def of_grid(block: Showers) -> Features:
    return features(block, GRID)


def test_one_pass_leaves_features_conditions_and_view() -> None:
    sample = showers()
    seen, total = observe(iter([sample[:13], sample[13:]]), GRID, of_grid)
    assert len(seen) == len(seen.profiles) == total.events == len(sample)
    np.testing.assert_array_equal(seen.features.conditions.energy, sample.energy)
    with pytest.raises(DataError, match="at least 1 shower"):
        observe([], GRID, of_grid)
    with pytest.raises(DataError, match=r"cells must be \[4, 5, 6\]"):
        view(Showers(sample.cells[:, :3], sample.conditions), GRID)
