"""The reference artefact: pulls, floors, conditions, and the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from objectives.objective import evaluate
from objectives.pulls import CLIP, Pulls
from objectives.reference import Reference
from objectives.samples import Sample
from search_spaces.errors import DataError

from . import toy_showers as toy
from .conftest import Bench


def conditions(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (
        rng.uniform(10, 200, n).astype(np.float32),
        np.radians(rng.uniform(60, 120, n)).astype(np.float32),
    )


@pytest.mark.parametrize(("n", "slack"), [(150, 0.5), (500, 0.2), (5000, 0.06)])
def test_pulls_of_new_events_are_standard(n: int, slack: float) -> None:
    """Mean and spread both depend on the conditions; few events need fewer terms."""

    def sample(size: int, seed: int) -> Sample:
        energy, theta = conditions(size, seed)
        spread = 0.1 * np.sqrt(energy)
        g = np.random.default_rng(seed + 1).standard_normal(size)
        values = np.log(energy) + 0.5 * np.cos(theta) ** 2 + spread * g
        return Sample(values[:, None].astype(np.float32), energy, theta)

    z = Pulls.fit(("f",), sample(n, 1), has_angle=True)(sample(5000, 2))
    low = z.energy < 50
    for part in (z.values, z.values[low], z.values[~low]):
        assert part.mean() == pytest.approx(0, abs=slack)
        assert part.std() == pytest.approx(1, abs=slack)


def test_pulls_are_bounded_and_no_angle_means_no_angle_terms() -> None:
    energy, theta = conditions(300)
    fit = Pulls.fit(("f",), Sample(np.log(energy)[:, None], energy, theta), has_angle=False)
    assert len(fit.mean) <= 5
    there = Sample(np.array([[1e30], [-1e30]], np.float32), energy[:2], theta[:2])
    assert fit(there).values.ravel().tolist() == [CLIP, -CLIP]
    # Beyond the range of the fit its ends are used, not a polynomial run away.
    far = fit.moments(np.array([1e9], np.float32), theta[:1])[0]
    end = fit.moments(np.array([energy.max()], np.float32), theta[:1])[0]
    assert far == pytest.approx(end)


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
    energy, theta = bench.reference.conditions(100)
    chosen = set(zip(energy, theta, strict=True))
    assert len(chosen) == 100
    assert chosen <= real
    again = bench.reference.conditions(100)
    assert np.array_equal(energy, again[0])
    assert np.array_equal(theta, again[1])


def test_conditions_are_stratified(bench: Bench) -> None:
    energy, theta = bench.reference.conditions(100)
    counts, _, _ = np.histogram2d(energy, theta, bins=(2, 2), range=((10, 500), (1.047, 2.094)))
    assert np.all(abs(counts - 25) < 6)
    assert abs(np.sort(energy) - np.linspace(10, 500, 100)).max() < 25


@pytest.mark.parametrize("n", [0, 1, 1000, 2500])
def test_any_number_of_conditions(bench: Bench, n: int) -> None:
    energy, theta = bench.reference.conditions(n)
    assert energy.shape == theta.shape == (n,)
    if n >= 1000:
        assert set(energy) == set(bench.validation.energy)


def test_saved_and_loaded_judge_alike(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "reference"
    bench.reference.save(path)
    loaded = Reference.load(path)
    assert loaded.digest == bench.reference.digest
    assert evaluate(bench.perfect, loaded) == evaluate(bench.perfect, bench.reference)
    assert path.stat().st_size < 2_000_000
    assert list(tmp_path.iterdir()) == [path]


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
