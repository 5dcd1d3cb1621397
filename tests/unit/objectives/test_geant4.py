"""S on real Geant4 showers: near the floor for Geant4, and in order for known errors."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from objectives.objective import evaluate
from objectives.reference import Reference
from objectives.showers import Conditions, Showers
from search_spaces.geometry import Cells, Geometry

pytestmark = pytest.mark.shared

FIXED = Geometry("fixed", Cells((25, 25, 25), (5.1, 5.1, 5.05)), (10.0, 200.0))
ANGLE = Geometry("angle", Cells((51, 51, 25), (5.1, 5.1, 5.05)), (10.0, 200.0), (60.0, 120.0))
QUICK = Geometry("quick", Cells((12, 12, 12), (10.2, 10.2, 10.1)), (10.0, 200.0))


def read(path: Path) -> Showers:
    with h5py.File(path) as file:
        return Showers(
            file["ECAL"][:], Conditions.of(file["energy"][:].ravel(), file["theta"][:].ravel())
        )


def coarse(showers: Showers) -> Showers:
    """Cells of twice the size: 24 of 25 along each axis, summed in pairs."""
    pairs = showers.cells[:, :24, :24, :24].reshape(-1, 12, 2, 12, 2, 12, 2)
    return Showers(pairs.sum(axis=(2, 4, 6)), showers.conditions)


def split(
    showers: Showers, geometry: Geometry, training: int, validation: int, test: int
) -> tuple[Reference, Showers]:
    order = np.random.default_rng(0).permutation(len(showers))
    first, last = training + validation, training + validation + test
    parts = order[:training], order[training:first], order[first:last]
    real = [showers[np.sort(p)] for p in parts]
    return Reference.build(real[0], real[1], geometry), real[2]


def scaled(showers: Showers, factor: float) -> Showers:
    return Showers(showers.cells * np.float32(factor), showers.conditions)


@pytest.fixture(scope="module", params=["quick", "fixed", "angle"])
def sample(request: pytest.FixtureRequest, shared_data: Path) -> tuple[Reference, Showers]:
    if request.param == "angle":
        return split(read(shared_data / "clic_angle_51x51x25_a.h5"), ANGLE, 490, 105, 105)
    fixed = read(shared_data / "clic_fixed_25x25x25.h5")
    if request.param == "fixed":
        return split(fixed, FIXED, 2000, 500, 500)
    return split(coarse(fixed), QUICK, 1200, 250, 250)


def test_geant4_is_near_its_floor(sample: tuple[Reference, Showers]) -> None:
    score = evaluate(sample[1], sample[0])
    assert score.value < score.floor + 3 * score.floor_sd
    assert score.metrics["bad_fraction"] == 0
    assert score.metrics["sampling_fraction_bias"] == pytest.approx(0, abs=0.01)


def test_known_errors_come_in_order(sample: tuple[Reference, Showers]) -> None:
    reference, real = sample
    values = [evaluate(scaled(real, f), reference).value for f in (1.0, 1.05, 1.1, 1.3, 0.0)]
    assert np.all(np.diff(values) > 0.1)
    assert 0.5 < values[1] < 1.2
    assert values[-1] > 2.3


def test_mean_shower_is_bad(sample: tuple[Reference, Showers]) -> None:
    reference, real = sample
    per_gev = real.cells / real.energy[:, None, None, None]
    mean = per_gev.mean(axis=0) * real.energy[:, None, None, None]
    assert evaluate(Showers(mean, real.conditions), reference).value > 1.5
