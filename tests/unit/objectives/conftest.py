"""Toy samples, made once: 25 x 25 x 25 cells with an angle, a small grid and a cylinder without."""

from __future__ import annotations

import pytest

from objectives.reference import Reference

from . import toy_showers as toy
from .distortions import Bench


@pytest.fixture(scope="session")
def bench() -> Bench:
    """2000 training, 1000 validation, 500 generated showers of 25 x 25 x 25 cells."""
    return Bench.of(toy.geometry(), 2000, 1000, 500)


@pytest.fixture(scope="session")
def small() -> Bench:
    """The quick study: 1200, 250 and 250 showers of 12 x 12 x 12 cells without an angle."""
    return Bench.of(toy.geometry(12, 12, angle=False), 1200, 250, 250)


@pytest.fixture(scope="session")
def rings(small: Bench) -> Bench:
    """The showers of the small grid in the cells of a cylinder."""
    cylinder = toy.rings()
    parts = (small.training, small.validation, small.perfect)
    training, validation, perfect = (toy.rebinned(p, small.geometry, cylinder) for p in parts)
    reference = Reference.build(training, validation, cylinder)
    return Bench(cylinder, training, validation, reference, perfect)
