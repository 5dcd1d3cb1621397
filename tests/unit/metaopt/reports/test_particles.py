"""Showers are compared with those of their own particle types."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from metaopt.reports.page import page
from metaopt.reports.shower_files import validate
from metaopt.reports.validation_tables import document, particles_table
from search_spaces.errors import DataError
from search_spaces.loader import load_geometry

QUICK = load_geometry("clic-12x12x12")
#: Types are stored as places: 0 and 1, whichever of them a file has.
TWO = replace(QUICK, particles=("e-", "gamma"), storage=replace(QUICK.storage, particle="type"))


def quiet(_: str) -> None:
    """No progress."""


def write(source: Path, out: Path, kinds: list[int], scale: dict[int, float]) -> str:
    """Showers of a file, in turn of each type, their cells scaled."""
    with h5py.File(source) as file:
        cells, energy = file["ECAL"][:], file["energy"][:]
    kind = np.resize(np.array(kinds, np.int32), len(cells))
    factor = np.array([scale[k] for k in kind], np.float32)
    with h5py.File(out, "w") as file:
        file["ECAL"], file["energy"] = cells * factor[:, None, None, None], energy
        file["type"] = kind
    return str(out)


@pytest.fixture
def reference(shower_files: Path, tmp_path: Path) -> str:
    """Photons deposit 1.3 times as much as electrons."""
    return write(shower_files / "reference.h5", tmp_path / "two.h5", [0, 1], {0: 1.0, 1: 1.3})


def test_one_type_is_compared_with_its_own(
    shower_files: Path, reference: str, tmp_path: Path
) -> None:
    good = write(shower_files / "perfect.h5", tmp_path / "photons.h5", [1], {1: 1.3})
    made = validate(good, reference, TWO, 0, 0, quiet)
    assert made.score.value < made.score.floor + 3 * made.score.floor_sd
    assert made.reference.geometry.particles == ("gamma",) and made.full.events == 300
    assert not made.particles and not particles_table(made).rows
    assert "300 showers of the reference file are left out" in " ".join(made.notes)


def test_each_type_is_scored_alone(shower_files: Path, reference: str, tmp_path: Path) -> None:
    half = write(shower_files / "perfect.h5", tmp_path / "half.h5", [0, 1], {0: 1.0, 1: 1.0})
    made = validate(half, reference, TWO, 0, 0, quiet)
    good, bad = made.particles["e-"].score, made.particles["gamma"].score
    assert good.value < good.floor + 3 * good.floor_sd < 1 < bad.value
    electrons, photons = particles_table(made).rows
    assert electrons[:2] == ("e-", "100") and "indistinguishable" in electrons[-1]
    assert photons[:2] == ("gamma", "100") and photons[-1].startswith("distinguishable")
    told = document(made)["particles"]
    assert told["gamma"]["S"] == bad.value and told["e-"]["events"] == 100
    assert "By particle" in page(made)


def test_a_type_with_few_showers_is_not_scored_alone(
    shower_files: Path, reference: str, tmp_path: Path
) -> None:
    rare = write(shower_files / "perfect.h5", tmp_path / "rare.h5", [0] * 19 + [1], {0: 1, 1: 1.3})
    made = validate(rare, reference, TWO, 0, 0, quiet)
    assert list(made.particles) == ["e-"]
    assert any(note.startswith("gamma is not scored alone: ") for note in made.notes)


def test_a_type_that_the_reference_hardly_has_is_left_out(
    shower_files: Path, tmp_path: Path
) -> None:
    kinds = [0] * 199 + [1]
    rare = write(shower_files / "reference.h5", tmp_path / "rare.h5", kinds, {0: 1, 1: 1.3})
    half = write(shower_files / "perfect.h5", tmp_path / "half.h5", [0, 1], {0: 1, 1: 1.3})
    made = validate(half, rare, TWO, 0, 0, quiet)
    assert made.events == 100 and made.reference.geometry.particles == ("e-",)
    assert any("100 showers of the generated file are left out" in note for note in made.notes)


def test_opposite_biases_of_two_types_are_no_error_of_the_resolution(
    shower_files: Path, reference: str, tmp_path: Path
) -> None:
    apart = write(shower_files / "perfect.h5", tmp_path / "a.h5", [0, 1], {0: 1.1, 1: 0.9 * 1.3})
    made = validate(apart, reference, TWO, 0, 0, quiet)
    assert not [f for f in made.findings if (f.kind, f.name) == ("spread", "sampling_fraction")]
    electrons, photons = (row[-1] for row in particles_table(made).rows)
    assert "% too high" in electrons and "% too low" in photons


def test_types_without_a_reference_are_left_out_or_refused(
    shower_files: Path, tmp_path: Path
) -> None:
    known = write(shower_files / "reference.h5", tmp_path / "known.h5", [0], {0: 1.0})
    half = write(shower_files / "perfect.h5", tmp_path / "half.h5", [0, 1], {0: 1.0, 1: 1.3})
    made = validate(half, known, TWO, 0, 0, quiet)
    assert made.events == 100 and not made.particles
    assert any("100 showers of the generated file are left out" in note for note in made.notes)
    other = write(shower_files / "perfect.h5", tmp_path / "other.h5", [1], {1: 1.0})
    with pytest.raises(DataError, match=r"generated ones' particles, got places \[0\] in"):
        validate(other, known, TWO, 0, 0, quiet)
