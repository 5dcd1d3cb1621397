"""The layouts of other data sets: order, units, round trips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from objectives.showers import Showers
from search_spaces.errors import DataError
from search_spaces.loader import load_geometry
from workers import data
from workers.data.layouts import layout_of

CALOCHALLENGE = {
    "calochallenge-1-photons": 368,
    "calochallenge-1-pions": 533,
    "calochallenge-2": 6480,
    "calochallenge-3": 40500,
}


@pytest.mark.parametrize(("name", "cells"), CALOCHALLENGE.items())
def test_flat_showers_come_back_exactly(name: str, cells: int) -> None:
    geometry = load_geometry(name)
    flat = np.random.default_rng(0).random((3, cells), dtype=np.float32)
    arranged = layout_of(geometry).cells(flat, geometry)
    assert arranged.shape == (3, *geometry.shape)
    np.testing.assert_array_equal(data.flatten(arranged, geometry), flat)
    assert np.count_nonzero(arranged) == np.count_nonzero(flat)
    if geometry.present is not None:
        assert not arranged[:, ~geometry.present].any()


def test_layers_follow_each_other_and_angles_hold_all_radii() -> None:
    """The order as published: layer 0 has 8 rings, layer 1 has 10 angles of 16 radii."""
    geometry = load_geometry("calochallenge-1-photons")
    flat = np.arange(368, dtype=np.float32)[None]
    (arranged,) = layout_of(geometry).cells(flat, geometry)
    np.testing.assert_array_equal(arranged[:8, 0, 0], np.arange(8))
    np.testing.assert_array_equal(arranged[:16, 3, 1], 8 + 3 * 16 + np.arange(16))
    np.testing.assert_array_equal(arranged[:5, 0, 4], 363 + np.arange(5))
    regular = load_geometry("calochallenge-2")
    flat = np.arange(6480, dtype=np.float32)[None]
    published = flat.reshape(1, 45, 16, 9).transpose(0, 3, 2, 1)
    np.testing.assert_array_equal(layout_of(regular).cells(flat, regular), published)


def test_a_calochallenge_file_comes_out_in_gev(tmp_path: Path) -> None:
    geometry = load_geometry("calochallenge-1-pions")
    with h5py.File(tmp_path / "pions.h5", "w") as file:
        file["showers"] = np.full((5, 533), 0.25)
        file["incident_energies"] = 2.0 ** np.arange(8, 13)[:, None]
    with data.ShowerFile(str(tmp_path / "pions.h5"), geometry) as file:
        showers = file.read(0, 5)
    showers.check(geometry)
    np.testing.assert_allclose(showers.energy, [0.256, 0.512, 1.024, 2.048, 4.096], rtol=1e-7)
    np.testing.assert_allclose(showers.cells[0].sum(), 533 * 0.25e-3, rtol=1e-5)
    np.testing.assert_allclose(showers.theta, np.pi / 2)
    with pytest.raises(DataError, match=r"times the primary energy; clean it, or check storage"):
        Showers(1e3 * showers.cells, showers.conditions).check(geometry, "pions.h5")
    with pytest.raises(DataError, match=r"showers must be \(n, 368\).*got \(5, 533\)"):
        data.survey((str(tmp_path / "pions.h5"),), load_geometry("calochallenge-1-photons"))


def test_a_par04_file_has_angles_and_its_phi_is_no_condition(tmp_path: Path) -> None:
    geometry = load_geometry("par04")
    stored = np.random.default_rng(0).gamma(0.1, 10.0, (4, 9, 16, 45))
    theta = np.array([0.9, 1.2, 1.5, 2.2])
    with h5py.File(tmp_path / "par04.h5", "w") as file:
        file["showers"] = stored
        file["incident_energy"] = np.array([1e3, 1e4, 1e5, 1e6])
        file["incident_theta"] = theta
        file["incident_phi"] = np.array([0.0, 1.0, 2.0, 3.0])
    with data.ShowerFile(str(tmp_path / "par04.h5"), geometry) as file:
        showers = file.read(1, 4)
    showers.check(geometry)
    np.testing.assert_allclose(showers.cells, 1e-3 * stored[1:], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(showers.energy, [10, 100, 1000])
    np.testing.assert_allclose(showers.theta, theta[1:], rtol=1e-7)
    unsaid = replace(geometry, storage=replace(geometry.storage, theta=""))
    with pytest.raises(DataError, match=r"49.8 to 130.1 degrees, and no data set of them; set"):
        data.ShowerFile(str(tmp_path / "par04.h5"), unsaid)
    straight = replace(unsaid, theta=(90.0, 90.0))
    with data.ShowerFile(str(tmp_path / "par04.h5"), straight) as file:
        np.testing.assert_allclose(file.conditions().theta, np.pi / 2)
