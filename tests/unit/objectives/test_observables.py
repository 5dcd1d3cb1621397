"""Observables of showers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from objectives import observables
from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Cells, Cylinder, Geometry

GRID = Geometry("g", Cells((9, 9, 10), (5.0, 5.0, 10.0)), (10.0, 100.0), (60.0, 120.0), 1e-5)


#: Sectors of 90 degrees in the first layer, one ring of 10 mm in the second; the unit is 10 mm.
RADII = (0.0, 10.0, 20.0)
RINGS = Geometry("r", Cylinder((RADII, (0.0, 20.0), RADII), (4, 1, 4), 10.0), (10.0, 100.0))


def one(cells, energy=50.0, theta=0.5 * np.pi) -> Showers:
    array = np.asarray(cells, dtype=np.float32)[None]
    return Showers(array, Conditions.of([energy], [theta]))


def empty() -> np.ndarray:
    return np.zeros(GRID.shape, dtype=np.float32)


def value(showers: Showers, name: str, geometry: Geometry = GRID) -> float:
    return float(observables.features(showers, geometry).column(name)[0])


def test_names_and_width_agree() -> None:
    cells = empty()
    cells[4, 4, 3] = 1.0
    seen = observables.features(one(cells), GRID)
    assert seen.values.shape == (1, len(seen.names))
    assert seen.values.dtype == np.float32
    assert len(observables.CORE) == 18
    assert len(set(seen.names)) == len(seen.names)


def test_an_unknown_observable_is_named() -> None:
    with pytest.raises(DataError, match="no observable 'rms'; did you mean 'r_rms'"):
        value(one(empty()), "rms")


def test_two_cells_give_moments_in_cells() -> None:
    cells = empty()
    cells[4, 4, 2], cells[6, 4, 6] = 0.75, 0.25
    shower = one(cells)
    assert value(shower, "sampling_fraction") == pytest.approx(1.0 / 50.0)
    assert value(shower, "mx") == pytest.approx(0.5)  # from the centre of the grid
    assert value(shower, "mz") == pytest.approx(3.0)
    assert value(shower, "sx") == pytest.approx(np.sqrt(0.75))
    assert value(shower, "sz") == pytest.approx(np.sqrt(3.0))
    assert value(shower, "r_mean") == pytest.approx(0.75)
    assert value(shower, "core") == pytest.approx(0.75)  # 0.5 cells away; the other is 1.5
    assert value(shower, "hottest") == pytest.approx(0.75)
    assert value(shower, "hits") == 2
    assert [value(shower, f"third_{i}") for i in (1, 2, 3)] == pytest.approx([0.75, 0.0, 0.25])


def test_halo_is_beyond_four_cells() -> None:
    cells = empty()
    cells[4, 4, 2], cells[4, 8, 2] = 0.99, 0.01
    assert value(one(cells), "halo") == 0.0  # 3.96 cells from the barycentre
    cells[0, 0, 2] = 0.01
    assert value(one(cells), "halo") > 0.009


def test_energy_in_one_layer_is_not_bad() -> None:
    cells = empty()
    cells[4, 4, 3] = 1.0
    seen = observables.features(one(cells), GRID)
    assert not seen.bad.any()
    assert seen.column("angle")[0] == pytest.approx(0.0, abs=1e-6)


def test_measured_angle_is_the_tilt_along_y() -> None:
    cells = empty()
    for layer in range(9):
        cells[4, layer, layer] = 0.1  # 5 mm per 10 mm
    theta = 0.5 * np.pi - np.arctan(0.5)
    assert value(one(cells, theta=theta), "angle") == pytest.approx(0.0, abs=1e-5)
    assert value(one(cells), "angle") == pytest.approx(-np.arctan(0.5), abs=1e-5)
    assert value(one(cells.transpose(1, 0, 2)), "angle") == pytest.approx(0.0, abs=1e-5)


def test_layer_shares_and_spectrum() -> None:
    cells = empty()
    cells[4, 4, 1], cells[4, 4, 2], cells[4, 5, 2] = 0.3, 0.3, 2.0**-10
    shower = one(cells)
    assert value(shower, "layer_1") == pytest.approx(np.log10(0.3 / 50 + 1e-6), rel=1e-5)
    assert value(shower, "layer_0") == pytest.approx(-6.0)
    assert value(shower, "spectrum_-2") == 2
    assert value(shower, "spectrum_-10") == 1
    assert value(shower, "spectrum_-11") == 0


def test_spectrum_ends_in_an_overflow_bin() -> None:
    cells = empty()
    cells[4, 4, 1] = 1e5
    assert value(one(cells), f"spectrum_{observables.SPECTRUM[-1]}") == 1


def test_threshold_and_small_negative_cells_do_not_count() -> None:
    cells = empty()
    cells[4, 4, 3] = 0.5
    plain = observables.features(one(cells), GRID)
    cells[0, 0, :] = 0.9e-5
    cells[1, 0, :] = -0.9e-5
    assert np.array_equal(observables.features(one(cells), GRID).values, plain.values)
    cells[0, 0, 0] = 1.1e-5
    assert value(one(cells), "hits") == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0])
def test_one_bad_cell_makes_a_bad_event(bad: float) -> None:
    cells = np.ones((3, 8, 8, 8), dtype=np.float32)
    cells[1, 2, 3, 4] = bad
    assert observables.bad_events(cells).tolist() == [False, True, False]


def test_no_energy_is_bad_also_after_the_threshold() -> None:
    assert observables.bad_events(np.zeros((2, 8, 8, 8), np.float32)).all()
    cells = empty()
    cells[4, 4, 3] = 0.9e-5
    assert observables.features(one(cells), GRID).bad.all()


def test_sums_that_overflow_are_bad() -> None:
    assert observables.features(one(np.full(GRID.shape, 3e38)), GRID).bad.all()


def test_chunks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    cells = rng.exponential(1e-3, (7, *GRID.shape)).astype(np.float32)
    showers = Showers(cells, Conditions.of(np.full(7, 50), np.full(7, 1.5)))
    whole = observables.features(showers, GRID)
    monkeypatch.setattr(observables, "CHUNK_CELLS", 2 * 810)
    assert observables.features(showers, GRID).values == pytest.approx(whole.values, rel=1e-5)


def test_another_grid_is_an_error() -> None:
    with pytest.raises(DataError, match="must be"):
        observables.features(one(np.ones((9, 9, 9))), GRID)


def test_a_ring_has_its_barycentre_on_the_axis_and_adds_its_radius() -> None:
    cells = np.zeros(RINGS.shape)
    cells[0, 0, 1] = 1.0
    seen = {name: value(one(cells), name, RINGS) for name in observables.CORE}
    assert [seen[n] for n in ("mx", "my", "mz")] == pytest.approx([0, 0, 1], abs=1e-6)
    assert [seen[n] for n in ("r_mean", "r_rms")] == pytest.approx([1, 1])
    assert [seen[n] for n in ("sx", "sy")] == pytest.approx([np.sqrt(0.5)] * 2)


def test_sectors_are_where_their_angles_say() -> None:
    cells = np.zeros(RINGS.shape)
    cells[1, 2, 0] = 1.0  # 10 to 20 mm, 0 to 90 degrees
    inward = np.sinc(1 / 4)
    at = one(cells)
    assert value(at, "mx", RINGS) == pytest.approx(1.5 * inward * np.sqrt(0.5))
    assert value(at, "my", RINGS) == pytest.approx(1.5 * inward * np.sqrt(0.5))
    cells[1, :, 0] = 1.0  # all around: as a ring of 15 mm
    assert value(one(cells), "my", RINGS) == pytest.approx(0, abs=1e-6)
    assert value(one(cells), "r_rms", RINGS) == pytest.approx(1.5)


def test_layers_that_are_alike_are_only_a_shortcut() -> None:
    alike = Cylinder(RADII, 4, 10.0, count=3)
    nearly = Cylinder((RADII, RADII, (0.0, 10.0, 20.0 + 1e-9)), 4, 10.0)
    cells = np.random.default_rng(1).exponential(1e-2, alike.shape)
    short, full = (
        observables.features(one(cells), Geometry("a", c, (10.0, 100.0))).values
        for c in (alike, nearly)
    )
    assert short == pytest.approx(full, rel=1e-5, abs=1e-6)
    assert nearly.centres.x.shape == (8, 3)


def test_absent_cells_do_not_count() -> None:
    cells = np.zeros(RINGS.shape)
    cells[0, :, 0] = 0.1
    plain = observables.features(one(cells), RINGS).values
    cells[1, 2, 1] = 7.0
    assert np.array_equal(observables.features(one(cells), RINGS).values, plain)
    with pytest.raises(DataError, match="a layer does not have"):
        one(cells).check(RINGS)


def test_one_layer_has_neither_slope_nor_depth() -> None:
    flat = Geometry("flat", Cells((8, 8, 1), (5.0, 5.0, 5.0)), (10.0, 100.0), (60.0, 120.0))
    cells = np.random.default_rng(1).exponential(1e-2, flat.shape)
    for theta in (1.2, 1.9):
        seen = observables.features(one(cells, theta=theta), flat)
        assert [seen.column(n)[0] for n in ("angle", "mz", "sz", "third_1")] == [0, 0, 0, 0]


def test_share_of_energy_in_unseen_cells() -> None:
    cells = empty()
    cells[4, 4, 3], cells[0, 0, 0] = 0.75, 0.25
    unseen = empty().astype(bool)
    unseen[0] = True
    seen = observables.features(one(cells), GRID, unseen)
    assert seen.column(observables.UNSEEN)[0] == 0.25
    assert value(one(cells), observables.UNSEEN) == 0
