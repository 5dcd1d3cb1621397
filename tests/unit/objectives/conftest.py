"""Toy samples, made once: 25 x 25 x 25 cells with an angle, a small grid and a cylinder without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from objectives.objective import Score, evaluate
from objectives.reference import Reference
from objectives.showers import Showers
from search_spaces.geometry import Geometry

from . import toy_showers as toy


@dataclass(frozen=True)
class Bench:
    """A reference, and a perfect generator's showers at its conditions."""

    geometry: Geometry
    training: Showers
    validation: Showers
    reference: Reference
    perfect: Showers

    def score(self, cells) -> Score:
        """S of other cells at the same conditions."""
        cells = np.asarray(cells, dtype=np.float32)
        return evaluate(Showers(cells, self.perfect.conditions), self.reference)


def _bench(geometry: Geometry, training: int, validation: int, asked: int) -> Bench:
    real = toy.showers(training, 1, geometry), toy.showers(validation, 2, geometry)
    reference = Reference.build(*real, geometry)
    wanted = reference.conditions(asked)
    rng = np.random.default_rng(3)
    perfect = toy.at(wanted, rng, geometry)
    return Bench(geometry, *real, reference, perfect)


@pytest.fixture(scope="session")
def bench() -> Bench:
    """2000 training, 1000 validation, 500 generated showers of 25 x 25 x 25 cells."""
    return _bench(toy.geometry(), 2000, 1000, 500)


@pytest.fixture(scope="session")
def small() -> Bench:
    """The quick study: 1200, 250 and 250 showers of 12 x 12 x 12 cells without an angle."""
    return _bench(toy.geometry(12, 12, angle=False), 1200, 250, 250)


@pytest.fixture(scope="session")
def rings(small: Bench) -> Bench:
    """The showers of the small grid in the cells of a cylinder."""
    cylinder = toy.rings()
    parts = (small.training, small.validation, small.perfect)
    training, validation, perfect = (toy.rebinned(p, small.geometry, cylinder) for p in parts)
    reference = Reference.build(training, validation, cylinder)
    return Bench(cylinder, training, validation, reference, perfect)
