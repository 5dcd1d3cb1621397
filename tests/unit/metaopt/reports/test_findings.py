"""Known errors of a generator are found, and a perfect one has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from metaopt.reports.findings import RESPONSE, Finding, correlation, findings, width
from metaopt.reports.sides import Side, Sides
from metaopt.reports.validation import Validation
from objectives.pulls import CLIP
from objectives.samples import Sample
from objectives.showers import Conditions
from search_spaces.geometry import Cells, Geometry

LEVELS = dict.fromkeys(
    ("energy", "longitudinal", "transverse", "cells", "corr", "cond", "dup"), 1.0
)


def changed(validation: Validation, name: str, change: Callable[..., object]) -> list[Finding]:
    """Findings with one feature of the generated showers changed."""
    sides = validation.sides
    sample = sides.generated.sample
    values = sample.values.copy()
    column = sides.names.index(name)
    values[:, column] = change(values[:, column], sides.generated.expected[:, column])
    side = Side.of(Sample(values, sample.conditions), validation.reference)
    return list(findings(replace(sides, generated=side), LEVELS))


def test_full_simulation_has_no_findings(perfect: Validation) -> None:
    assert findings(perfect.sides, LEVELS) == ()
    assert perfect.findings == ()


@pytest.mark.parametrize(
    ("name", "change", "kind", "value"),
    [
        ("sampling_fraction", lambda f, mu: 1.04 * f, "bias", 0.04),
        ("mz", lambda f, mu: f - 0.3, "bias", -0.3),
        ("mx", lambda f, mu: f + 0.2, "bias", 0.2),
        ("r_mean", lambda f, mu: 1.05 * f, "bias", 0.05),
        ("hits", lambda f, mu: 0.9 * f, "bias", -0.1),
        ("mz", lambda f, mu: mu + 1.6 * (f - mu), "spread", 0.6),
        ("r_mean", lambda f, mu: mu + 0.4 * (f - mu), "spread", -0.6),
    ],
)
def test_a_known_error_is_found_with_its_size(
    perfect: Validation, name: str, change: Callable[..., object], kind: str, value: float
) -> None:
    found = [f for f in changed(perfect, name, change) if (f.kind, f.name) == (kind, name)]
    assert len(found) == 1
    assert abs(found[0].value - value) < 4 * found[0].error


def test_a_bias_does_not_seem_a_spread() -> None:
    rng = np.random.default_rng(0)
    energy = np.exp(rng.uniform(0, 7, 2000))
    mu, sigma = np.ones((2000, 1)), 0.3 / np.sqrt(energy)[:, None]
    values = 1.05 * (mu + sigma * rng.standard_normal((2000, 1)))
    sample = Sample(values.astype(np.float32), Conditions.of(energy))
    side = Side(("sampling_fraction",), sample, mu, sigma, (values - mu) / sigma)
    assert side.pulls.std() > 1.5
    assert side.scatter("sampling_fraction").std() == pytest.approx(1.05, rel=0.05)


@pytest.mark.parametrize(("scale", "wide"), [(0.05, 1.0), (0.5, 1.0), (0.05, 20.0), (1.0, 20.0)])
def test_a_resolution_is_told_whatever_the_scale(scale: float, wide: float) -> None:
    """A crystal's 0.6 %: at a twentieth of the energy every pull is beyond the clip."""
    rng, sigma = np.random.default_rng(0), 0.006
    grid = Geometry("grid", Cells((4, 4, 4), (5.0, 5.0, 5.0)), (10.0, 200.0))

    def side(n: int, factor: float, spread: float) -> Side:
        energy = rng.uniform(10, 200, n)
        values = factor * (1 + spread * sigma * rng.standard_normal((n, 1)))
        pulls = np.clip((values - 1) / sigma, -CLIP, CLIP)
        sample = Sample(values.astype(np.float32), Conditions.of(energy))
        return Side((RESPONSE,), sample, np.ones((n, 1)), np.full((n, 1), sigma), pulls)

    spread = width(Sides(side(400, scale, wide), side(400, 1, 1), side(2, 1, 1), grid), RESPONSE)
    assert abs(np.log1p(spread.value) - np.log(wide)) < 0.15
    assert (spread.sigmas > 3) is (wide > 1)


def test_a_place_is_told_in_mm_where_cells_are_not_square(perfect: Validation) -> None:
    sides = perfect.sides
    (square,) = (f for f in changed(perfect, "mx", lambda f, mu: f + 0.2) if f.name == "mx")
    pitch = (4 * square_mm(sides), square_mm(sides), 5.0)
    oblong = replace(sides.geometry, cells=Cells(sides.geometry.shape, pitch))
    moved = replace(perfect, sides=replace(sides, geometry=oblong))
    (told,) = (f for f in changed(moved, "mx", lambda f, mu: f + 0.2) if f.name == "mx")
    assert (square.unit, told.unit) == ("cells", "mm")
    # A transverse cell is the geometric mean of the pitches.
    assert told.value == pytest.approx(2 * square_mm(sides) * square.value)
    assert told.sigmas == pytest.approx(square.sigmas)


def square_mm(sides: Sides) -> float:
    return sides.geometry.cells.transverse


def test_spreads_of_equal_showers_are_rarely_findings() -> None:
    """Tails as of leakage: the errors are those of the distribution, not of a lucky sample."""
    rng, found = np.random.default_rng(3), []
    names = ("sampling_fraction",)
    grid = Geometry("grid", Cells((4, 4, 4), (5.0, 5.0, 5.0)), (10.0, 200.0))

    def side(n: int) -> Side:
        energy = rng.uniform(10, 200, n)
        z = rng.standard_normal(n) - np.where(rng.random(n) < 0.15, rng.exponential(3, n), 0)
        values = (1 + 0.1 * z)[:, None]
        sample = Sample(values.astype(np.float32), Conditions.of(energy))
        return Side(names, sample, np.ones((n, 1)), np.full((n, 1), 0.1), z[:, None])

    for _ in range(150):
        sides = Sides(side(80), side(250), side(2), grid)
        spread = width(sides, "sampling_fraction")
        found.append(np.sign(spread.value) * spread.sigmas)
    pulls = np.array(found)
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1, abs=0.25)
    assert (np.abs(pulls) > 3).mean() < 0.02


def test_correlations_of_equal_showers_are_no_findings() -> None:
    """Few showers, as those of low energy in a wide range, have most of the spread."""
    rng = np.random.default_rng(4)
    names = ("mx", "my", "sx", "sy", "hits")
    grid = Geometry("grid", Cells((4, 4, 4), (5.0, 5.0, 5.0)), (10.0, 200.0))

    def side(n: int) -> Side:
        energy = rng.uniform(10, 200, n)
        wide = np.where(rng.random(n) < 0.03, 4.0, 0.3)[:, None]
        z = wide * rng.standard_normal((n, 5))
        sample = Sample(z.astype(np.float32), Conditions.of(energy))
        return Side(names, sample, np.zeros((n, 5)), np.ones((n, 5)), z)

    found = [correlation(Sides(side(400), side(400), side(2), grid)).sigmas for _ in range(100)]
    assert np.median(found) < 3
    assert (np.array(found) > 5).sum() <= 1


def test_drifts_outliers_and_lost_correlations_are_found(perfect: Validation) -> None:
    energy = perfect.sides.generated.sample.conditions.energy
    slope = 1 + 0.1 * (energy - energy.mean()) / np.ptp(energy)
    drifting = changed(perfect, "sampling_fraction", lambda f, mu: slope * f)
    assert [f.value > 0.03 for f in drifting if f.kind == "drift"] == [True]
    far = np.where(np.arange(len(energy)) % 20 == 0, 3.0, 1.0)
    hot = changed(perfect, "sampling_fraction", lambda f, mu: far * f)
    assert [f for f in hot if f.name == "outliers"]
    lost = changed(perfect, "hits", lambda f, mu: mu + np.roll(f - mu, 1))
    assert [f for f in lost if f.kind == "correlation" and "hits" in f.name]


def test_copies_of_each_other_and_of_the_reference_are_found(perfect: Validation) -> None:
    sides = perfect.sides
    first = np.arange(len(sides.generated)) < 20
    sample = sides.generated.sample
    rows = np.where(first, 0, np.arange(len(sample)))
    repeated = replace(sides, generated=Side.of(sample[rows], perfect.reference))
    assert [f.value for f in findings(repeated, LEVELS) if f.name == "copies"] == [20 / len(sample)]
    learnt = replace(sides, generated=sides.fitted)
    # The perfect sample of a memory has no distance from the full simulation.
    assert [(f.name, f.value) for f in findings(learnt, {})] == [("memorised", 1.0)]


def test_a_group_at_its_floor_has_no_finding(perfect: Validation) -> None:
    values = perfect.sides.generated.sample.values * np.float32(1.1)
    sample = Sample(values, perfect.sides.generated.sample.conditions)
    sides = replace(perfect.sides, generated=Side.of(sample, perfect.reference))
    assert findings(sides, LEVELS) and findings(sides, dict.fromkeys(LEVELS, 0.0)) == ()


def test_bad_showers_are_findings_of_their_own(distorted: Validation) -> None:
    shares = {f.name: f.value for f in distorted.findings if f.group == "showers"}
    assert shares == {"empty": 6 / 200, "not_finite": 1 / 200, "negative": 1 / 200}
    (scale,) = (f for f in distorted.findings if (f.kind, f.name) == ("bias", "sampling_fraction"))
    assert abs(scale.value - 0.05) < 4 * scale.error
