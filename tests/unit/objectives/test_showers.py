"""Showers are refused that cannot be of a geometry, with what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Cells, Geometry

GRID = Geometry("grid", Cells((2, 3, 4), (5.0, 5.0, 5.0)), (10.0, 100.0), (60.0, 120.0))
TWO = replace(GRID, particles=("e-", "gamma"))


def showers(n: int = 3, **changes: Any) -> Showers:
    """Showers of 50 GeV at right angles whose cells hold a tenth of it."""
    cells = np.full((n, *GRID.shape), 5.0 / 24, dtype=np.float32)
    arrays = {"energy": np.full(n, 50.0), "theta": np.full(n, np.pi / 2), "particle": np.zeros(n)}
    return Showers(changes.pop("cells", cells), Conditions.of(**(arrays | changes)))


def last(value: float, first: float = 50.0) -> np.ndarray:
    return np.array([first, first, value])


@pytest.mark.parametrize(
    "arrays", [(50.0,), ([50.0], [1.5, 1.5]), ([50.0], [1.5], [0, 0]), ([[50.0]], [[1.5]], [[0]])]
)
def test_conditions_are_as_many_of_each_kind(arrays: tuple[Any, ...]) -> None:
    with pytest.raises(DataError, match=r"energy \(n,\), theta \(n,\) and particle \(n,\), got"):
        Conditions.of(*arrays)


@pytest.mark.parametrize("shape", [(3, 24), (2, 2, 3, 4)])
def test_showers_are_cells_with_their_conditions(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"cells \(n, x, y, z\) with n conditions"):
        showers(cells=np.zeros(shape, dtype=np.float32))


def test_good_showers_pass() -> None:
    assert Conditions.of([50.0]).theta == pytest.approx(np.pi / 2)
    for geometry in (GRID, TWO):
        showers().check_grid(geometry)
        showers().check(geometry)
        showers(0).check(geometry)
    showers(particle=last(1, 0)).check(TWO)
    for edge in (10.0, 100.0):
        showers(energy=last(edge)).check(GRID)
    showers(energy=last(500.0), theta=last(0.1, 1.5)).check(GRID, anywhere=True)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (
            {"energy": last(101.0)},
            r"file: energy .* \[10, 100\] GeV, got 101 \(1 events\)",
        ),
        ({"energy": last(9.0)}, r"got 9 \(1 events\); widen the geometry's range"),
        ({"energy": last(np.nan)}, "got nan"),
        ({"energy": last(50_000.0)}, r"got 50000 \(1 events\); is it in MeV"),
        ({"theta": last(1.0, 1.5)}, r"theta must lie in \[1.0472, 2.0944\] rad, got 1 "),
        ({"theta": last(1500.0, 1.5)}, "widen the geometry's range or select"),
        ({"particle": last(2, 0)}, r"a place in \['e-', 'gamma'\], 0 to 1, got 2 \(1 events\)"),
        ({"particle": last(-1, 0)}, "got -1"),
    ],
)
def test_conditions_outside_of_the_geometry_are_refused(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        showers(**changes).check(TWO, "file")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"energy": last(0.0)}, r"energy must be above 0 GeV .* got 0 GeV .*\(1 events\)"),
        ({"theta": last(np.nan, 1.5)}, "theta finite, got 50 GeV and nan rad"),
        ({"particle": last(2, 0)}, "particle must be a place"),
    ],
)
def test_anywhere_there_are_conditions_at_least(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        showers(**changes).check(TWO, anywhere=True)


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        *((value, "must be finite") for value in (np.nan, np.inf, -np.inf)),
        (-0.5, "must be >= 0 GeV, got -0.5"),
    ],
)
def test_one_bad_cell_is_refused(value: float, rule: str) -> None:
    bad = showers()
    bad.cells[2, 1, 2, 3] = value
    with pytest.raises(DataError, match=rule):
        bad.check(GRID)


def test_cells_of_another_grid_are_refused() -> None:
    other = replace(GRID, cells=Cells((2, 3, 5), (5.0, 5.0, 5.0)))
    with pytest.raises(DataError, match=r"must be \[2, 3, 5\] .*check the geometry"):
        showers().check(other)
    with pytest.raises(DataError, match=r"must be \[2, 3, 5\] .*; convert them"):
        showers().check_grid(other, "convert them")


@pytest.mark.parametrize(
    ("n", "share", "good"),
    [(63, 99.0, True), (64, 1.9, True), (64, 2.1, False), (1, 101.0, False)],
)
def test_cells_do_not_hold_many_times_the_primary_energy(n: int, share: float, good: bool) -> None:
    many = showers(n)
    many.cells[:] = 50.0 * share / 24
    if good:
        many.check(GRID)
    else:
        with pytest.raises(DataError, match=f"hold {share:g} times the primary energy"):
            many.check(GRID)


def test_one_damaged_shower_among_many_is_refused() -> None:
    many = showers(99)
    many.cells[98] *= 1001
    with pytest.raises(DataError, match="hold 100 times the primary energy"):
        many.check(GRID)
