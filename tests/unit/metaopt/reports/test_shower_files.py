"""Files to a validation: parts, blocks, conditions, and which calorimeter it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from metaopt.reports.calorimeters import find_geometry
from metaopt.reports.conditions import covered
from metaopt.reports.shower_files import drawn, full_simulation, validate
from metaopt.reports.validation import Validation
from objectives.objective import evaluate
from objectives.reference import Reference
from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError, GeometryError
from search_spaces.geometry import Geometry, Storage
from search_spaces.loader import load_geometry
from search_spaces.records import encode

QUICK = load_geometry("clic-12x12x12")


def quiet(_: str) -> None:
    """No progress."""


def read(path: Path) -> Showers:
    with h5py.File(path) as file:
        return Showers(file["ECAL"][:], Conditions.of(file["energy"][:]))


def write(path: Path, cells: np.ndarray, energy: np.ndarray, **more: np.ndarray) -> str:
    with h5py.File(path, "w") as file:
        file["ECAL"], file["energy"] = cells, energy
        for name, values in more.items():
            file[name] = values
    return str(path)


def test_a_file_in_blocks_gives_the_score_of_the_showers_in_memory(
    shower_files: Path, distorted: Validation
) -> None:
    showers, generated = (read(shower_files / f"{n}.h5") for n in ("reference", "distorted"))
    shuffled = np.random.default_rng(0).permutation(600)
    fitted, judged = showers[shuffled < 300], showers[(shuffled >= 300) & (shuffled < 450)]
    reference = Reference.build(fitted, judged, QUICK)
    assert reference.digest == distorted.reference.digest
    assert evaluate(generated, reference).value == distorted.score.value


def test_energy_in_unseen_cells_is_that_of_new_showers(shower_files: Path, tmp_path: Path) -> None:
    showers = read(shower_files / "reference.h5")
    rare = np.random.default_rng(0).random(showers.cells.shape) < 0.005
    rare[:, 3:9, 3:9] = True
    sparse = Showers(showers.cells * rare, showers.conditions)
    path = write(tmp_path / "sparse.h5", sparse.cells, sparse.energy)
    made = full_simulation(path, QUICK, 0, 0, quiet)
    null = sparse[np.random.default_rng(0).permutation(600) >= 450]
    expected = made.reference.features(null).column("unseen")
    assert expected.mean() > 0
    np.testing.assert_allclose(made.null.features.column("unseen"), expected, rtol=1e-5)


def test_every_shower_of_the_reference_has_one_part(shower_files: Path) -> None:
    made = full_simulation(str(shower_files / "reference.h5"), QUICK, 0, 1, quiet)
    parts = (made.fitted.conditions, *(p.features.conditions for p in (made.judged, made.null)))
    energy = np.concatenate([c.energy for c in parts])
    np.testing.assert_array_equal(
        np.sort(energy), np.sort(read(shower_files / "reference.h5").energy)
    )
    assert [len(c) for c in parts] == [300, 150, 150] and made.view.events == 600


def test_only_some_showers_can_be_asked_for() -> None:
    np.testing.assert_array_equal(drawn(5, 0, 1), np.arange(5))
    rows = drawn(1000, 100, 1)
    assert len(rows) == 100 and np.all(np.diff(rows) > 0) and rows.max() > 500


def test_showers_outside_of_the_reference_are_left_out_and_told(
    shower_files: Path, tmp_path: Path
) -> None:
    showers = read(shower_files / "perfect.h5")
    energy = showers.energy.copy()
    energy[:10], energy[10] = 500, np.nan
    path = write(tmp_path / "far.h5", showers.cells, energy)
    made = validate(path, str(shower_files / "reference.h5"), QUICK, 0, 0, quiet)
    assert made.events == 190 and made.generated.not_finite == 1
    assert "10 generated showers are left out" in made.notes[0]
    path = write(tmp_path / "none.h5", showers.cells, energy + 1000)
    with pytest.raises(DataError, match="at least 20 showers must be at the reference's"):
        validate(path, str(shower_files / "reference.h5"), QUICK, 0, 0, quiet)


def test_few_showers_and_other_ranges_have_remedies_of_their_own(
    shower_files: Path, tmp_path: Path
) -> None:
    showers, reference = read(shower_files / "perfect.h5"), str(shower_files / "reference.h5")
    few = write(tmp_path / "few.h5", showers.cells[:10], showers.energy[:10])
    with pytest.raises(DataError, match="got 10 of 10; generate more"):
        validate(few, reference, QUICK, 0, 0, quiet)
    one = np.full(200, 100.0, np.float32)
    known = Conditions.of(one)
    np.testing.assert_array_equal(covered(Conditions.of(one * 1.0005), known, QUICK), True)


def test_a_shower_without_energy_ends_nothing(shower_files: Path, tmp_path: Path) -> None:
    showers = read(shower_files / "perfect.h5")
    low = write_low(shower_files / "reference.h5", tmp_path / "low.h5")
    energy = showers.energy.copy()
    energy[0] = 0.0
    path = write(tmp_path / "zero.h5", showers.cells, energy)
    made = validate(path, low, replace(QUICK, energy=(0.1, 200.0)), 0, 0, quiet)
    assert made.generated.not_finite == 1 and "auc" in made.crosschecks


def write_low(source: Path, out: Path) -> str:
    """A reference whose energies begin near 0."""
    showers = read(source)
    energy = showers.energy.copy()
    energy[:20] = np.linspace(0.1, 2, 20)
    cells = showers.cells.copy()
    cells[:20] *= (energy[:20] / showers.energy[:20])[:, None, None, None]
    return write(out, cells, energy)


@pytest.mark.parametrize(
    ("cell", "energy", "rule"),
    [
        (np.nan, 50.0, "event 3: every cell must be finite"),
        (-1.0, 50.0, "event 3: every cell must be >= 0 GeV, got -1"),
        (0.0, 50.0, "every full-simulation shower must .* have energy above the threshold"),
        (1.0, np.nan, "event 3: energy must be above 0 GeV and theta finite, got nan GeV"),
        (1.0, 0.0, "event 3: energy must be above 0 GeV and theta finite, got 0 GeV"),
    ],
)
def test_a_reference_of_no_full_simulation_is_refused_wherever_its_damage_is(
    shower_files: Path, tmp_path: Path, cell: float, energy: float, rule: str
) -> None:
    showers = read(shower_files / "reference.h5")
    cells, energies = showers.cells.copy(), showers.energy.copy()
    cells[3], energies[3] = cell, energy
    path = write(tmp_path / "damaged.h5", cells, energies)
    null = {s: np.random.default_rng(s).permutation(600)[3] >= 450 for s in range(9)}
    for seed in (list(null.values()).index(True), list(null.values()).index(False)):
        with pytest.raises(DataError, match=rule):
            full_simulation(path, QUICK, 0, seed, quiet)


def test_a_reference_in_another_unit_is_refused(shower_files: Path, tmp_path: Path) -> None:
    showers = read(shower_files / "reference.h5")
    path = write(tmp_path / "mev.h5", 1000 * showers.cells, showers.energy)
    with pytest.raises(DataError, match=r"times the primary energy; .*gev_per_unit"):
        full_simulation(path, QUICK, 0, 0, quiet)
    wide = replace(QUICK, energy=(90.0, 110.0))  # conditions may lie outside of the geometry's
    assert full_simulation(str(shower_files / "reference.h5"), wide, 0, 0, quiet).view.events


def test_other_conditions_are_told_and_what_tells_them_is_left_out(
    shower_files: Path, tmp_path: Path
) -> None:
    showers, reference = read(shower_files / "perfect.h5"), str(shower_files / "reference.h5")
    outer = np.flatnonzero(np.abs(showers.energy - 105) > 45)
    path = write(tmp_path / "outer.h5", showers.cells[outer], showers.energy[outer])
    made = validate(path, reference, QUICK, 0, 0, quiet)
    assert "energies are not distributed as the reference's" in made.notes[0]
    assert "auc" not in made.crosschecks and "linearity" in " ".join(made.crosschecks)
    assert not any(name.startswith("legacy") for name in made.crosschecks)
    alike = validate(str(shower_files / "perfect.h5"), reference, QUICK, 0, 0, quiet)
    assert "auc" in alike.crosschecks and not alike.notes


def test_cross_checks_are_with_showers_of_the_same_range(
    shower_files: Path, tmp_path: Path
) -> None:
    showers, reference = read(shower_files / "perfect.h5"), str(shower_files / "reference.h5")
    inner = np.flatnonzero(np.abs(showers.energy - 50) < 25)
    path = write(tmp_path / "inner.h5", showers.cells[inner], showers.energy[inner])
    made = validate(path, reference, QUICK, 0, 0, quiet).crosschecks
    # Geant4's response is another at other energies, which is no fault of these showers.
    bias, (range_of_all,) = made["sampling_fraction_bias"], [n for n in made if "linear" in n]
    assert abs(bias.value) < 2.5 * bias.error
    low, high = map(float, range_of_all.removeprefix("linearity ").split("-"))
    assert 24 < low < high < 76
    one = write(tmp_path / "one.h5", showers.cells, np.full(200, 50.0))
    assert not validate(one, reference, QUICK, 0, 0, quiet).crosschecks


def test_angles_count_as_conditions_only_where_they_are() -> None:
    known = Conditions.of([10.0, 100.0], [1.2, 1.8])
    given = Conditions.of([50.0, 50.0, 5.0], [1.5, 1.0, 1.5])
    angle = Geometry("angle", QUICK.cells, QUICK.energy, (60.0, 120.0))
    np.testing.assert_array_equal(covered(given, known, angle), [True, False, False])
    np.testing.assert_array_equal(covered(given, known, QUICK), [True, True, False])


def test_the_geometry_is_found_by_shape_and_ranges(shower_files: Path) -> None:
    found, note = find_geometry(str(shower_files / "reference.h5"), None)
    assert found == QUICK and "found by" in note
    assert find_geometry("anything.h5", "par04")[0].name == "par04"


def test_generated_showers_are_judged_in_the_geometry_that_their_file_says(
    shower_files: Path, tmp_path: Path
) -> None:
    reference = str(shower_files / "reference.h5")
    path = write(tmp_path / "fast.h5", np.ones((4, 12, 12, 12)), np.full(4, 50.0))
    own = replace(QUICK, name="mine", threshold=3e-4, storage=Storage(gev_per_unit=1e-3))
    with h5py.File(path, "r+") as file:
        file.attrs["geometry"] = json.dumps(encode(own))
    found, note = find_geometry(reference, None, path)
    assert found == own and note == "geometry mine, as fast.h5 says"
    found, note = find_geometry(f"file://{reference}", None, f"file://{path}")
    assert found == own
    found, note = find_geometry(reference, "clic-12x12x12", path)
    assert found == QUICK and "with other threshold, storage.gev_per_unit than" in note
    elsewhere = replace(own, storage=Storage(showers="cells"))
    with h5py.File(path, "r+") as file:
        file.attrs["geometry"] = json.dumps(encode(elsewhere))
    assert find_geometry(reference, None, path)[0] == QUICK  # the reference has no such key
    with h5py.File(path, "r+") as file:
        file.attrs["geometry"] = "clic-12x12x12"  # as files of Geant4 have it
    assert "found by shape" in find_geometry(reference, None, path)[1]


def test_an_unclear_geometry_is_refused_with_the_candidates(tmp_path: Path) -> None:
    energy = np.linspace(50.0, 60.0, 4)
    normal = np.full(4, np.pi / 2)
    path = write(tmp_path / "narrow.h5", np.ones((4, 25, 25, 25)), energy, theta=normal)
    with pytest.raises(GeometryError, match=r"exactly one .*clic-25x25x25"):
        find_geometry(path, None)
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["voxels"] = np.ones((4, 3))
    with pytest.raises(GeometryError, match=r"got voxels \[4, 3\]"):
        find_geometry(str(other), None)
    with pytest.raises(DataError, match="no such file"):
        find_geometry(str(tmp_path / "absent.h5"), None)


def test_an_unknown_shape_is_a_grid_of_unit_cells_and_told(tmp_path: Path) -> None:
    energy, theta = np.linspace(1.0, 9.0, 5), np.linspace(1.2, 1.9, 5)
    path = write(tmp_path / "new.h5", np.ones((5, 4, 6, 7)), energy, theta=theta)
    made, note = find_geometry(path, None)
    assert made.shape == (4, 6, 7) and made.pitch == (1, 1, 1) and made.has_angle
    assert made.energy[0] == 1 and "unit cells" in note
