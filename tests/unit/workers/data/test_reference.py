"""The reference of a data set, read block by block."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from metaopt import config, references
from objectives.observables import UNSEEN
from objectives.reference import Reference
from search_spaces.errors import DataError
from search_spaces.loader import load_geometry
from workers import data
from workers.data.splits import part_events
from workers.trial import DataSpec

SAMPLE = Path(config.__file__).parent / "sample" / "clic-12x12x12.h5"


def test_blocks_give_the_reference_that_arrays_give() -> None:
    geometry = load_geometry("clic-12x12x12")
    spec = DataSpec((str(SAMPLE),), (0.06, 0.04, 0.9), digest="0123456789abcdef")
    training, validation = (data.load(spec, geometry, p) for p in ("training", "validation"))
    built = data.build_reference(spec, geometry)
    expected = Reference.build(training, validation, geometry)
    np.testing.assert_allclose(built.sample.values, expected.sample.values, rtol=1e-6)
    np.testing.assert_array_equal(built.sample.conditions.energy, validation.energy)
    np.testing.assert_array_equal(built.unseen, expected.unseen)
    assert UNSEEN in built.names and built.names == expected.names
    np.testing.assert_allclose(built.floors.distances, expected.floors.distances, rtol=1e-4)


def test_a_test_shower_without_energy_is_found_before_any_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "MAX_EVENTS", 100)
    geometry = load_geometry("clic-12x12x12")
    spec = DataSpec((str(tmp_path / "few.h5"),), (0.5, 0.25, 0.25), digest="0123456789abcdef")
    with h5py.File(SAMPLE) as source, h5py.File(spec.files[0], "w") as file:
        for key in source:
            file[key] = source[key][:800]
        file["ECAL"][part_events((800,), spec, "test")[150]] = 0.1 * geometry.threshold
    with pytest.raises(DataError, match=r"every test shower must .*, got 1 that do not; clean"):
        references.reference_at(tmp_path / "references", spec, geometry)
    assert not (tmp_path / "references").exists()
    with pytest.raises(DataError, match="every test shower must"):
        data.build_reference(spec, geometry, "test")
