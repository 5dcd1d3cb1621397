"""Data files that Geant4 reads: known cross sections, whole files, real data sets first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workers.simulation import em_data


@pytest.mark.parametrize("z", [6, 14, 29, 74, 82])
def test_fast_electrons_lose_their_energy_over_a_radiation_length(z: int) -> None:
    """With complete screening, sigma_rad = sum of k dsigma approaches 4 alpha r_e^2 Z^2 L."""
    k = np.linspace(1e-6, 1 - 1e-6, 4001)
    chi = em_data.bremsstrahlung(z, 1e4, k)
    loss = float(np.mean(chi)) * z**2
    # Tsai's radiation logarithms, PDG table of passage of particles through matter.
    elastic, inelastic = np.log(184.15 * z ** (-1 / 3)), np.log(1194 * z ** (-2 / 3))
    a2 = (z * em_data.ALPHA) ** 2
    coulomb = a2 * (1 / (1 + a2) + 0.20206 - 0.0369 * a2 + 0.0083 * a2**2 - 0.002 * a2**3)
    full = 4 * em_data.ALPHA * em_data.RADIUS2_MB * (z**2 * (elastic - coulomb) + z * inelastic)
    # 10 GeV is not quite complete screening; the correction at high energy is 2 %.
    assert loss == pytest.approx(full, rel=0.04)


def test_cross_sections_are_finite_and_positive_on_the_whole_grid() -> None:
    for z in (1, 4, 5, 92):
        rows = [em_data.bremsstrahlung(z, float(t), em_data.K_GRID) for t in em_data.T_GRID]
        assert np.isfinite(rows).all() and np.min(rows) >= 0


def test_files_are_written_once_and_as_geant4_reads_them(tmp_path: Path) -> None:
    em_data.write(tmp_path, {14}, lambda z, mev: z / mev**3)
    lines = (tmp_path / "brem_SB" / "br14").read_text().splitlines()
    assert lines[0].split() == ["0", "32", "57"] and len(lines) == 3 + 57
    photo = (tmp_path / "epics2017" / "phot" / "pe-cs-14.dat").read_text().splitlines()
    energy, value = map(float, photo[2].split())
    assert (energy, value) == pytest.approx((1e-3, 14.0))
    assert int(photo[1]) == len(photo) - 2
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    em_data.write(tmp_path, {14}, lambda z, mev: 0.0)
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}


def test_a_real_data_set_is_found_where_the_environment_names_one(tmp_path: Path) -> None:
    assert em_data.data_sets({}) is None
    assert em_data.data_sets({"G4LEDATA": str(tmp_path / "none")}) is None
    assert em_data.data_sets({"GEANT4_DATA_DIR": str(tmp_path)}) is None
    real = tmp_path / "G4EMLOW8.8"
    real.mkdir()
    assert em_data.data_sets({"GEANT4_DATA_DIR": str(tmp_path)}) == real
    assert em_data.data_sets({"G4LEDATA": str(real)}) == real
