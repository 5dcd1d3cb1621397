"""The reference of a data set, read block by block."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaopt import config
from objectives.observables import UNSEEN
from objectives.reference import Reference
from search_spaces.loader import load_geometry
from workers import data
from workers.trial import DataSpec


def test_blocks_give_the_reference_that_arrays_give() -> None:
    file = Path(config.__file__).parent / "sample" / "clic-12x12x12.h5"
    geometry = load_geometry("clic-12x12x12")
    spec = DataSpec((str(file),), (0.06, 0.04, 0.9), digest="0123456789abcdef")
    training, validation = (data.load(spec, geometry, p) for p in ("training", "validation"))
    built = data.build_reference(spec, geometry)
    expected = Reference.build(training, validation, geometry)
    np.testing.assert_allclose(built.sample.values, expected.sample.values, rtol=1e-6)
    np.testing.assert_array_equal(built.sample.conditions.energy, validation.energy)
    np.testing.assert_array_equal(built.unseen, expected.unseen)
    assert UNSEEN in built.names and built.names == expected.names
    np.testing.assert_allclose(built.floors.distances, expected.floors.distances, rtol=1e-4)
