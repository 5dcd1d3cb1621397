"""Linearity and resolution: known distortions, errors that hold, and bins with enough events."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.crosschecks import Measured, response_checks
from objectives.crosschecks.response import ENERGY_BINS, energy_edges
from objectives.samples import Sample

from .made_samples import sample


def showers(seed: int, n: int = 1200, sigma: float = 0.05) -> Sample:
    """Response 0.02 (1 +- sigma) at energies of 10 to 200 GeV."""
    rng = np.random.default_rng(seed)
    return sample(0.02 * (1 + sigma * rng.standard_normal(n)), rng.uniform(10, 200, n))


def named(found: dict[str, Measured], kind: str) -> list[Measured]:
    return [number for name, number in found.items() if name.startswith(kind)]


def test_scale_is_linearity_and_smearing_is_resolution() -> None:
    real = showers(1)
    scaled = Sample(real.values * np.float32(1.05), real.conditions)
    found = response_checks(scaled, real)
    assert len(found) == 1 + 2 * ENERGY_BINS
    assert found["sampling_fraction_bias"].value == pytest.approx(0.05, abs=1e-5)
    assert [n.value for n in named(found, "linearity")] == pytest.approx([0.05] * 6, abs=1e-5)
    assert [n.value for n in named(found, "resolution")] == pytest.approx([0] * 6, abs=1e-5)
    wide = named(response_checks(showers(2, sigma=0.1), real), "resolution")
    assert np.mean([n.value for n in wide]) == pytest.approx(1, abs=0.15)


def test_errors_hold_for_equal_showers() -> None:
    pairs = [response_checks(showers(i, 400), showers(50 + i, 400)) for i in range(15)]
    for kind in ("linearity", "resolution", "sampling"):
        numbers = [n for found in pairs for n in named(found, kind)]
        pulls = np.array([n.value / n.error for n in numbers])
        assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1, abs=0.35)


def test_a_resolution_that_is_small_by_chance_seems_no_surer() -> None:
    found = (response_checks(showers(i, 130), showers(90 + i)) for i in range(40))
    pulls = [n.value / n.error for checks in found for n in named(checks, "resolution")]
    assert min(pulls) > -3


def test_bins_of_near_energies_keep_names_of_their_own() -> None:
    near, one = showers(1), showers(2)
    near.conditions.energy[:] = 199 + near.conditions.energy / 100
    one.conditions.energy[:] = 100
    assert len(response_checks(near, near)) == 1 + 2 * ENERGY_BINS
    assert "linearity 100" in response_checks(one, one)


def test_showers_in_the_tail_do_not_move_the_resolution() -> None:
    real, generated = showers(1, 3000), showers(2, 3000)
    before = named(response_checks(generated, real), "resolution")
    generated.values[::50] = 0.0
    after = named(response_checks(generated, real), "resolution")
    for a, b in zip(before, after, strict=True):
        assert b.value == pytest.approx(a.value, abs=2 * a.error)
        assert b.error == pytest.approx(a.error, rel=0.1)


def test_spectra_of_the_energy_need_not_be_equal() -> None:
    rng = np.random.default_rng(3)
    real = showers(1, 3000)
    real.values[:] *= (0.9 + 0.001 * real.conditions.energy)[:, None]
    hard = real[rng.random(3000) < real.conditions.energy / 200]
    bias = response_checks(hard, real)["sampling_fraction_bias"]
    assert bias.value == pytest.approx(0, abs=0.004)


def test_thin_bins_are_merged() -> None:
    real = showers(1, 300)
    low = real[real.conditions.energy < 60]
    edges = energy_edges(low, real)
    counts = [np.histogram(s.conditions.energy, edges)[0] for s in (low, real)]
    assert np.min(counts) >= 20
    assert edges[0] <= real.conditions.energy.min()
    assert edges[-1] > real.conditions.energy.max()
    assert len(energy_edges(real[:20], real[20:40])) == 2


def test_empty_showers_count() -> None:
    real, generated = showers(1), showers(2)
    generated.values[::50] = 0.0
    found = response_checks(generated, real, [showers(i) for i in (3, 4)])
    assert found["sampling_fraction_bias"].value == pytest.approx(-0.02, abs=0.005)
    generated.values[:] = 0.0
    assert all(np.isfinite([n.value, n.error]).all() for n in
               response_checks(generated, real).values())  # fmt: skip
