"""Geant4 itself, where it is installed: reproducible, labelled, with every particle."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import pytest

from search_spaces import load_geometry
from workers.simulation.job import BLOCK, Job, make_job
from workers.simulation.label import label_of, parametrised
from workers.simulation.medium import medium
from workers.simulation.run import simulate

pytestmark = pytest.mark.skipif(
    find_spec("geant4_pybind") is None,
    reason="geant4-pybind is not installed: pip install 'metaopt[geant4]'",
)

MERGED = load_geometry("clic-12x12x12")
#: Three blocks.
EVENTS = 2 * BLOCK["geant4"] + 2


def job(events: int = EVENTS, particle: str = "e-") -> Job:
    return make_job(MERGED, "geant4", events, energy=(10.0, 10.0), particles=(particle,))


def cells(made: Job, out: Path, processes: int = 1) -> np.ndarray:
    simulate(made, out, processes)
    with h5py.File(out) as file:
        return np.asarray(file["ECAL"][:])


def test_a_shower_depends_on_its_seed_and_number_alone(tmp_path: Path) -> None:
    whole = cells(job(), tmp_path / "whole.h5")
    np.testing.assert_array_equal(cells(job(), tmp_path / "two.h5", processes=2), whole)
    # The first showers of a block do not know of those before them.
    np.testing.assert_array_equal(cells(job(3), tmp_path / "few.h5"), whole[:3])
    assert len({shower.tobytes() for shower in whole}) == EVENTS
    label = label_of(tmp_path / "whole.h5")
    assert label is not None and label.engine == "Geant4" and "use" in label.notice
    assert not parametrised([str(tmp_path / "whole.h5")])


def test_an_interrupted_simulation_goes_on_to_the_same_file(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(job(), tmp_path / "out.h5", report=stop)
    told: list[int] = []
    simulate(job(), tmp_path / "out.h5", report=told.append)
    assert told[0] >= BLOCK["geant4"]
    with h5py.File(tmp_path / "out.h5") as file:
        resumed = file["ECAL"][:]
    np.testing.assert_array_equal(resumed, cells(job(), tmp_path / "again.h5"))


@pytest.mark.parametrize("particle", ["e+", "gamma"])
def test_positrons_and_photons_make_showers(particle: str, tmp_path: Path) -> None:
    seen = cells(job(6, particle), tmp_path / "out.h5").sum(axis=(1, 2, 3)) / 10.0
    error = seen.std(ddof=1) / np.sqrt(len(seen))
    # 17 radiation lengths hold all but a few per cent of 10 GeV.
    assert abs(seen.mean() - medium(MERGED).sampling_fraction) < 4 * error + 0.001


def test_muons_ionise_all_layers_evenly(tmp_path: Path) -> None:
    seen = cells(job(20, "mu-"), tmp_path / "out.h5").sum(axis=(1, 2))
    # Minimum ionisation of 1 mm of silicon: 0.388 MeV, and its relativistic rise; medians know
    # nothing of the few knock-on electrons. Landau's width is a fifth, in 20 showers of 12 layers.
    assert np.median(seen) == pytest.approx(0.388e-3, rel=0.25)
    assert np.median(seen, axis=0).max() < 2 * np.median(seen, axis=0).min()


def test_a_merged_layer_holds_what_its_layers_hold(tmp_path: Path) -> None:
    fine = replace(
        MERGED, cells=replace(MERGED.cells, shape=(12, 12, 24), pitch=(10.2, 10.2, 5.05))
    )
    made = cells(
        replace(job(3), geometry=replace(fine, gflash=job().geometry.gflash)), tmp_path / "fine.h5"
    )
    pairs = made.reshape(3, 12, 12, 12, 2).sum(axis=-1)
    np.testing.assert_allclose(cells(job(3), tmp_path / "merged.h5"), pairs, rtol=1e-4, atol=1e-9)
