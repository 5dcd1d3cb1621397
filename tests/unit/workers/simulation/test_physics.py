"""Laws of electromagnetic showers, on small samples of both engines.

Tolerances are four standard errors of the sample, and what is known to differ: the paper's
profile from a moment, Geant4's response in a filled gap.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from search_spaces import load_geometry
from search_spaces.cells import Cells
from search_spaces.geometry import Geometry
from workers.simulation.detector import PIVOT
from workers.simulation.gflash import GFlashEngine
from workers.simulation.medium import medium
from workers.simulation.primaries import Beam, Primary, primaries

from .showers import Shoot, parametrised

Array = NDArray[np.float64]

CLIC = load_geometry("clic-25x25x25")
#: 31 radiation lengths and 9 Moliere radii: nothing leaks.
WIDE = Cells((31, 31, 45), (10.2, 10.2, 5.05))
DEEP = replace(CLIC, name="deep", energy=(1.0, 200.0), cells=WIDE)
MEDIUM = medium(DEEP)
#: Energy [GeV] -> showers; a shower of Geant4 costs 5 ms of CPU time per GeV.
SAMPLES = {5.0: 60, 10.0: 50, 20.0: 40, 40.0: 30}


@cache
def layers(shoot: Shoot) -> dict[float, Array]:
    """Energy of each layer (n, z) [GeV] per primary energy."""
    return {
        energy: shoot(DEEP, energy, n).sum(axis=(1, 2), dtype=np.float64)
        for energy, n in SAMPLES.items()
    }


def response(shoot: Shoot) -> tuple[Array, Array]:
    """Mean of visible over primary energy at each energy, and its standard error."""
    seen = [profile.sum(axis=1) / energy for energy, profile in layers(shoot).items()]
    errors = [r.std(ddof=1) / np.sqrt(len(r)) for r in seen]
    return np.array([r.mean() for r in seen]), np.array(errors)


def test_the_response_is_linear(shoot: Shoot) -> None:
    mean, error = response(shoot)
    common = np.average(mean, weights=error**-2)
    assert np.all(np.abs(mean - common) < 4 * error)


def test_the_sampling_fraction_is_that_of_the_geometry(shoot: Shoot) -> None:
    mean, error = response(shoot)
    common, spread = np.average(mean, weights=error**-2), np.sum(error**-2) ** -0.5
    known = 0.005 * MEDIUM.sampling_fraction  # measured to half a per cent
    assert abs(common - MEDIUM.sampling_fraction) < 4 * spread + known


def test_the_resolution_is_stochastic(shoot: Shoot) -> None:
    terms = []
    for energy, profile in layers(shoot).items():
        seen = profile.sum(axis=1)
        terms.append(seen.std(ddof=1) / seen.mean() * np.sqrt(energy))
    # A standard deviation of n showers is known to 1 / sqrt(2 (n - 1)).
    errors = np.array(terms) / np.sqrt(2 * (np.array(list(SAMPLES.values())) - 1))
    assert np.all(np.abs(np.array(terms) - MEDIUM.sampling_term) < 4 * errors)


def maximum(profile: Array) -> float:
    """Depth of the maximum of the mean profile [radiation lengths], from its moments.

    A gamma distribution of mean m and variance v has it at m - v/m.
    """
    depth = (np.arange(profile.shape[1]) + 0.5) * DEEP.pitch[2] / MEDIUM.radiation_mm
    weights = profile.sum(axis=0) / profile.sum()
    mean = weights @ depth
    return float(mean - weights @ (depth - mean) ** 2 / mean)


def jackknife(profile: Array) -> float:
    """Standard error of :func:`maximum`."""
    n = len(profile)
    left_out = [maximum(np.delete(profile, i, axis=0)) for i in range(n)]
    return float(np.sqrt((n - 1) * np.var(left_out)))


def test_the_shower_maximum_follows_the_logarithm_of_the_energy(shoot: Shoot) -> None:
    found = layers(shoot)
    depth = np.array([maximum(profile) for profile in found.values()])
    error = np.array([jackknife(profile) for profile in found.values()])
    log_y = np.log(1e3 * np.array(list(found)) / MEDIUM.critical_mev)
    # PDG: t_max = ln(E/Ec) - 0.5 for electrons; Geant4 has it 0.4 earlier in this stack.
    assert np.all(np.abs(depth - (log_y - 0.9)) < 4 * error + 0.3)
    (slope, _), covariance = np.polyfit(log_y, depth, 1, w=1 / error, cov="unscaled")
    assert abs(slope - 1) < 4 * np.sqrt(covariance[0, 0]) + 0.15


def test_two_moliere_radii_hold_95_per_cent(shoot: Shoot) -> None:
    crystal = load_geometry("pbwo4")
    # Fine cells, of which the radius cuts few.
    fine = replace(crystal, name="fine", cells=Cells((101, 101, 24), (4.0, 4.0, 9.0)))
    cells = shoot(fine, 10.0, 25).sum(axis=3, dtype=np.float64)
    x = (np.arange(101) - 50) * 4.0
    radius = np.hypot(*np.meshgrid(x, x, indexing="ij"))
    for radii, share in ((1.0, 0.90), (2.0, 0.95)):
        inside = cells[:, radius < radii * 19.6].sum(axis=1) / cells.sum(axis=(1, 2))  # PDG: mm
        error = inside.std(ddof=1) / np.sqrt(len(inside))
        # Cells, and the point of entry within one, blur the edge of the inner circle.
        assert abs(inside.mean() - share) < 4 * error + 0.04


def test_photons_convert_deeper_than_electrons_begin() -> None:
    electrons, photons = (
        parametrised(DEEP, 20.0, 60, particle).sum(axis=(1, 2)) for particle in ("e-", "gamma")
    )
    # PDG: t_max of photons is one radiation length deeper.
    shift = maximum(photons) - maximum(electrons)
    assert abs(shift - 1.0) < 4 * np.hypot(jackknife(photons), jackknife(electrons)) + 0.3


def test_a_tilted_axis_goes_through_the_pivot() -> None:
    engine = GFlashEngine(DEEP)
    beam = Beam((50.0, 50.0), (70.0, 70.0), ("e-",), 0)
    y, z = (np.arange(31) - 15) * 10.2, (np.arange(45) + 0.5) * 5.05
    lines = []
    for primary in primaries(beam, DEEP.cells, 0, 40):
        cells = engine.shower(primary).sum(axis=0, dtype=np.float64)
        layer = cells.sum(axis=0)
        centre = y @ cells / np.maximum(layer, 1e-12)
        lines.append(np.polyfit(z - PIVOT * DEEP.pitch[2] * 45, centre, 1, w=np.sqrt(layer)))
        lines[-1][1] -= primary.y
    mean, error = np.mean(lines, axis=0), np.std(lines, axis=0, ddof=1) / np.sqrt(len(lines))
    # The sensor stands 1.2 mm behind the middle of its layer.
    expected = np.array([1 / np.tan(np.radians(70)), 1.2 / np.tan(np.radians(70))])
    assert np.all(np.abs(mean - expected) < 4 * error)


#: Shared file of Geant4's showers -> geometry.
SHARED = {
    "clic_fixed_25x25x25.h5": "clic-25x25x25",
    "clic_angle_51x51x25_a.h5": "clic-51x51x25",
    "pblar.h5": "pb-lar",
    "pbwo4.h5": "pbwo4",
}


def shape(cells: NDArray[np.float32], energy: Array, geometry: Geometry) -> dict[str, Array]:
    """Per shower: visible fraction, mean and spread of the depth, spread across, log of hits."""
    profile = cells.sum(axis=(1, 2), dtype=np.float64)
    total, z = profile.sum(axis=1), np.arange(profile.shape[1])
    mean = profile @ z / total
    across = cells.sum(axis=(2, 3), dtype=np.float64)
    x = np.arange(across.shape[1]) - across.shape[1] // 2
    middle = across @ x / total
    return {
        "fraction": total / energy,
        "depth": mean,
        "length": np.sqrt(profile @ z**2 / total - mean**2),
        "width": np.sqrt(across @ x**2 / total - middle**2),
        "hits": np.log((cells > geometry.threshold).sum(axis=(1, 2, 3))),
    }


#: By how much the parametrisation may be off, beyond the statistics.
KNOWN = {"fraction": 0.03, "depth": 0.25, "length": 0.15, "width": 0.10, "hits": 0.15}


def compare(
    ours: dict[str, Array], full: dict[str, Array], known: dict[str, float]
) -> dict[str, float]:
    """Differences that statistics and the known ones do not explain."""
    found = {}
    for name, allowed in known.items():
        a, b = ours[name], full[name]
        error = np.hypot(a.std() / np.sqrt(len(a)), b.std() / np.sqrt(len(b)))
        scale = b.mean() if name == "fraction" else 1.0
        if abs(a.mean() - b.mean()) > 4 * error + allowed * scale:
            found[name] = float((a.mean() - b.mean()) / scale)
    return found


@pytest.mark.shared
@pytest.mark.parametrize("name", SHARED)
def test_the_parametrisation_is_near_geant4(name: str, shared_data: Path) -> None:
    geometry = load_geometry(SHARED[name])
    with h5py.File(shared_data / name) as file:
        cells, energy = file["ECAL"][:200], file["energy"][:200].astype(np.float64)
        theta = file["theta"][:200].astype(np.float64)
    engine, rng = GFlashEngine(geometry), np.random.default_rng(0)
    offset = (rng.random((200, 2)) - 0.5) * geometry.pitch[0]
    shot = [
        Primary(float(e), float(t), "e-", float(x), float(y), rng)
        for e, t, (x, y) in zip(energy, theta, offset, strict=True)
    ]
    made = np.array([engine.shower(primary) for primary in shot])
    off = compare(shape(made, energy, geometry), shape(cells, energy, geometry), KNOWN)
    assert not off


def test_the_parametrisation_is_near_fresh_showers_of_geant4(geant4: Shoot) -> None:
    pair = [
        shape(shoot(DEEP, 20.0, 40), np.full(40, 20.0), DEEP) for shoot in (parametrised, geant4)
    ]
    assert not compare(*pair, KNOWN)
