"""The reference artefact: pulls, floors, conditions, and the file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from objectives.objective import evaluate
from objectives.pulls import CLIP, Pulls
from objectives.reference import Reference
from objectives.samples import Sample, stratified
from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Cells, Geometry

from . import toy_showers as toy
from .distortions import Bench

ANGLE = Geometry("angle", Cells((8, 8, 8), (5.0, 5.0, 5.0)), (10.0, 200.0), (60.0, 120.0))
PLAIN = dataclasses.replace(ANGLE, theta=(90.0, 90.0))
TWO = dataclasses.replace(ANGLE, particles=("e-", "gamma"))


def conditions(n: int, seed: int = 0, types: int = 1) -> Conditions:
    rng = np.random.default_rng(seed)
    energy, theta = rng.uniform(10, 200, n), np.radians(rng.uniform(60, 120, n))
    return Conditions.of(energy, theta, rng.integers(types, size=n))


@pytest.mark.parametrize(("n", "slack"), [(150, 0.5), (500, 0.2), (5000, 0.06)])
def test_pulls_of_new_events_are_standard(n: int, slack: float) -> None:
    """Mean and spread both depend on the conditions; few events need fewer terms."""

    def sample(size: int, seed: int) -> Sample:
        at = conditions(size, seed)
        spread = 0.1 * np.sqrt(at.energy)
        g = np.random.default_rng(seed + 1).standard_normal(size)
        values = np.log(at.energy) + 0.5 * np.cos(at.theta) ** 2 + spread * g
        return Sample(values[:, None].astype(np.float32), at)

    z = Pulls.fit(("f",), sample(n, 1), ANGLE)(sample(5000, 2))
    low = z.conditions.energy < 50
    for part in (z.values, z.values[low], z.values[~low]):
        assert part.mean() == pytest.approx(0, abs=slack)
        assert part.std() == pytest.approx(1, abs=slack)


def test_pulls_are_bounded_and_no_angle_means_no_angle_terms() -> None:
    at = conditions(300)
    fit = Pulls.fit(("f",), Sample(np.log(at.energy)[:, None], at), PLAIN)
    assert fit.mean.shape[1] <= 5
    there = Sample(np.array([[1e30], [-1e30]], np.float32), at[:2])
    assert fit(there).values.ravel().tolist() == [CLIP, -CLIP]
    # Beyond the range of the fit its ends are used, not a polynomial run away.
    far, end = (fit.moments(Conditions.of([e], at.theta[:1]))[0] for e in (1e9, at.energy.max()))
    assert far == pytest.approx(end)


def test_pulls_know_the_particle_type() -> None:
    def sample(seed: int) -> Sample:
        at = conditions(2000, seed, types=2)
        g = np.random.default_rng(seed + 9).standard_normal(2000)
        values = np.where(at.particle == 1, 5 + 0.2 * g, 1 + 0.1 * g)
        return Sample(values[:, None].astype(np.float32), at)

    z = Pulls.fit(("f",), sample(1), TWO)(sample(2))
    for kind in (0, 1):
        part = z.values[z.conditions.particle == kind]
        assert part.mean() == pytest.approx(0, abs=0.1)
        assert part.std() == pytest.approx(1, abs=0.1)
    with pytest.raises(DataError, match="got none of gamma; list"):
        Pulls.fit(("f",), Sample(np.ones((300, 1), np.float32), conditions(300)), TWO)


def test_floors_fall_with_n(bench: Bench) -> None:
    floors = bench.reference.floors
    w1 = [i for i, g in enumerate(floors.groups) if g not in ("cover", "dup")]
    f = np.array([floors.at(n)[w1] for n in (40, 250, 1000, 10_000)])
    assert np.all(np.diff(f, axis=0) < 0)
    # N = 500 against R = 1000: 1.8 sqrt((1/500 + 1/1000)/2) sigma for the energy.
    assert floors.at(500)[0] == pytest.approx(0.07, abs=0.025)
    assert np.all(floors.tau[:5] >= 0.04)
    assert np.all(floors.tau < 0.2)


def test_conditions_are_the_validation_events_own(bench: Bench) -> None:
    real = {tuple(c) for c in zip(bench.validation.energy, bench.validation.theta, strict=True)}
    first, again = bench.reference.conditions(100), bench.reference.conditions(100)
    chosen = set(zip(first.energy, first.theta, strict=True))
    assert len(chosen) == 100
    assert chosen <= real
    assert np.array_equal(first.energy, again.energy)
    assert np.array_equal(first.theta, again.theta)


def test_conditions_are_stratified(bench: Bench) -> None:
    at = bench.reference.conditions(100)
    counts, _, _ = np.histogram2d(
        at.energy, at.theta, bins=(2, 2), range=((10, 500), (1.047, 2.094))
    )
    assert np.all(abs(counts - 25) < 6)
    assert abs(np.sort(at.energy) - np.linspace(10, 500, 100)).max() < 25


@pytest.mark.parametrize("n", [0, 1, 1000, 2500])
def test_any_number_of_conditions(bench: Bench, n: int) -> None:
    at = bench.reference.conditions(n)
    assert at.energy.shape == at.theta.shape == at.particle.shape == (n,)
    if n >= 1000:
        assert set(at.energy) == set(bench.validation.energy)


def test_particle_types_share_the_conditions_as_the_events_do() -> None:
    at = conditions(1000, types=2)
    chosen = at[stratified(at, 100)]
    assert chosen.particle.mean() == pytest.approx(at.particle.mean(), abs=0.02)


def test_saved_and_loaded_judge_alike(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "reference"
    bench.reference.save(path)
    loaded = Reference.load(path)
    assert loaded.digest == bench.reference.digest
    assert evaluate(bench.perfect, loaded) == evaluate(bench.perfect, bench.reference)
    assert path.stat().st_size < 2_000_000
    assert list(tmp_path.iterdir()) == [path]


def test_one_layer_has_a_reference_without_depth(small: Bench) -> None:
    flat = dataclasses.replace(
        small.geometry, cells=Cells((12, 12, 1), (5.1, 5.1, 8.0)), theta=(60.0, 120.0)
    )
    real, perfect = (
        Showers(s.cells.sum(axis=3, keepdims=True), s.conditions)
        for s in (small.training, small.perfect)
    )
    reference = Reference.build(real[slice(1000)], real[slice(1000, 1200)], flat)
    assert not {"angle", "mz", "sz", "third_1", "third_3"} & set(reference.names)
    assert "angle" not in reference.target.groups
    score = evaluate(perfect, reference)
    assert score.value < score.floor + 3 * score.floor_sd


def test_what_varies_in_the_last_bits_alone_is_no_observable(small: Bench) -> None:
    """Of a tower of 1 x 1 x 12 cells all energy is in the core, but for how sums are rounded."""
    tower = dataclasses.replace(small.geometry, cells=Cells((1, 1, 12), (61.2, 61.2, 8.0)))
    real, perfect = (
        Showers(s.cells.sum(axis=(1, 2), keepdims=True), s.conditions)
        for s in (small.training, small.perfect)
    )
    reference = Reference.build(real[slice(1000)], real[slice(1000, 1200)], tower)
    assert not {"core", "halo", "mx", "sx", "r_mean"} & set(reference.names)
    rounded = Showers(np.round(perfect.cells * 2**20) / np.float32(2**20), perfect.conditions)
    before, after = (evaluate(showers, reference).value for showers in (perfect, rounded))
    assert after == pytest.approx(before, abs=0.02)


def test_a_constant_sampling_fraction_must_be_met(small: Bench) -> None:
    def scaled(showers: Showers, fraction: float) -> Showers:
        total = showers.cells.sum(axis=(1, 2, 3), keepdims=True)
        energy = showers.energy[:, None, None, None]
        return Showers(showers.cells * (fraction * energy / total), showers.conditions)

    real = scaled(small.training, 0.02)
    reference = Reference.build(real[slice(1000)], real[slice(1000, 1200)], small.geometry)
    assert "sampling_fraction" in reference.names
    right, wrong = (evaluate(scaled(small.perfect, f), reference) for f in (0.02, 0.0205))
    assert wrong.groups["energy"] > right.groups["energy"] + 1
    assert wrong.metrics["sampling_fraction_bias"] == pytest.approx(0.025, abs=1e-3)


def test_unseen_cells_are_kept_in_the_file(rings: Bench, tmp_path: Path) -> None:
    reference = rings.reference
    filled = (rings.training.cells >= 1e-6).any(axis=0) | (rings.validation.cells >= 1e-6).any(0)
    assert np.array_equal(reference.unseen, ~filled)
    assert reference.unseen.any() and "unseen" in reference.names
    reference.save(tmp_path / "reference.npz")
    loaded = Reference.load(tmp_path / "reference.npz")
    assert np.array_equal(loaded.unseen, reference.unseen)
    assert evaluate(rings.perfect, loaded) == evaluate(rings.perfect, reference)


def test_new_showers_have_as_much_energy_in_unseen_cells_as_the_reference_own() -> None:
    """Few events leave many cells unseen, and the share in them must not be held against any."""
    geometry = toy.geometry(25, 12, angle=False)
    few, new = toy.showers(120, 5, geometry), toy.showers(60, 6, geometry)
    reference = Reference.build(few[slice(90)], few[slice(90, 120)], geometry)
    own = reference.sample.values[:, reference.names.index("unseen")].mean()
    share = reference.features(new).column("unseen").mean()
    assert own > 1e-5
    assert share == pytest.approx(own, rel=0.5)


def rewrite(path: Path, **changes: np.ndarray) -> None:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files} | changes
    with path.open("wb") as file:
        np.savez(file, **arrays)


def test_damaged_files_are_refused(small: Bench, tmp_path: Path) -> None:
    path = tmp_path / "reference.npz"
    small.reference.save(path)
    rewrite(path, values=small.reference.sample.values + 1)
    with pytest.raises(DataError, match="digest"):
        Reference.load(path)
    path.write_bytes(b"not a reference")
    with pytest.raises(DataError, match="saved reference"):
        Reference.load(path)


def test_another_format_is_refused(small: Bench, tmp_path: Path) -> None:
    path = tmp_path / "reference.npz"
    small.reference.save(path)
    rewrite(path, header=np.array(json.dumps({"format": 0})))
    with pytest.raises(DataError, match="format"):
        Reference.load(path)


def test_pickles_are_refused(small: Bench, tmp_path: Path) -> None:
    path = tmp_path / "reference.npz"
    small.reference.save(path)
    rewrite(path, energy=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="saved reference"):
        Reference.load(path)


def test_what_cannot_be_a_reference_is_refused(small: Bench) -> None:
    few, geometry = small.training[np.arange(30)], small.geometry
    with pytest.raises(DataError, match="at least 80 training"):
        Reference.build(few, small.validation, geometry)
    with pytest.raises(DataError, match="at least 20 validation"):
        Reference.build(small.training, few[np.arange(10)], geometry)
    spoilt = small.validation[np.arange(250)]
    spoilt.cells[3] = 0
    with pytest.raises(DataError, match="every validation shower"):
        Reference.build(small.training, spoilt, geometry)


def test_smallest_data_set_builds() -> None:
    geometry = toy.geometry(12, 12)
    reference = Reference.build(
        toy.showers(80, 5, geometry), toy.showers(20, 6, geometry), geometry
    )
    score = evaluate(toy.showers(20, 7, geometry), reference)
    assert score.value < 1.5
