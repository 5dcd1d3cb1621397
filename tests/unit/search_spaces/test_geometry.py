"""Geometries: checked at birth, read from TOML."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_spaces.errors import GeometryError
from search_spaces.geometry import Cells, Cylinder, Geometry, GFlash, Storage
from search_spaces.loader import load_geometry
from search_spaces.records import decode, encode

#: Two layers: 2 radial bins in 4 sectors, and a full ring beyond 10 mm.
RINGS = Cylinder(((0.0, 2.0, 6.0), (10.0, 20.0)), (4, 1), (3.0, 5.0))


def geometry(**changes: object) -> Geometry:
    made = {
        "name": "g",
        "cells": Cells((8, 9, 10), (5.0, 5.0, 2.0)),
        "energy": (10.0, 200.0),
    }
    return Geometry(**(made | changes))  # type: ignore[arg-type]


def test_one_energy_is_a_range() -> None:
    """As of a test beam."""
    assert geometry(energy=(8.2, 8.2)).energy == (8.2, 8.2)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"cells": Cells((8, 0, 10), (5.0, 5.0, 2.0))}, "1 to 1024 cells"),
        ({"cells": Cells((8, 9, 1025), (5.0, 5.0, 2.0))}, "1 to 1024 cells"),
        ({"cells": Cells((8, 9, 10), (5.0, 0.0, 2.0))}, "pitch must be positive"),
        ({"cells": replace(RINGS, radii=((0.0, 2.0, 2.0), (10.0, 20.0)))}, "layer 0: .* rising"),
        ({"cells": replace(RINGS, radii=((0.0, 2.0), (10.0,)))}, "layer 1: .* two or more"),
        ({"cells": replace(RINGS, alpha=(4, 0))}, "layer 1: cells.alpha >= 1"),
        ({"cells": replace(RINGS, depth=0.0)}, "layer 0: .*depth > 0"),
        ({"cells": replace(RINGS, count=3)}, "one number of layers, got 3, 2, 2, 2"),
        ({"cells": replace(RINGS, radii=())}, "layer 0: .* two or more"),
        ({"cells": replace(RINGS, radii=(-1.0, 2.0))}, "layer 0: .* edges >= 0"),
        ({"cells": replace(RINGS, alpha=1025)}, "1 to 1024 cells"),
        ({"theta": (90.0, 180.0)}, "0 < low <= high < 180"),
        ({"storage": Storage(gev_per_unit=0.0)}, "storage.gev_per_unit > 0"),
        ({"storage": Storage(showers="EC\0AL")}, "must name data sets"),
        ({"energy": (200.0, 10.0)}, "0 < low <= high"),
        ({"energy": (0.0, 10.0)}, "0 < low <= high"),
        ({"theta": (0.0, 90.0)}, "0 < low <= high < 180"),
        ({"cells": replace(RINGS, depth=1.0, alpha=1, radii=(0.0, 1.0), count=10**9)}, "<= 1024"),
        ({"threshold": -1.0}, "threshold >= 0"),
        ({"threshold": math.nan}, "threshold >= 0"),
        ({"storage": Storage(energy_column=-1)}, "storage.energy_column >= 0 must hold"),
        ({"gflash": GFlash(sampling_fraction=-0.5)}, "0 <= gflash.sampling_fraction <= 1 .*-0.5"),
        ({"gflash": GFlash(sampling_fraction=1.5)}, "0 <= gflash.sampling_fraction <= 1 .*1.5"),
        ({"gflash": GFlash(sampling_term=-0.1)}, "gflash.sampling_term >= 0 must hold, got -0.1"),
        ({"gflash": GFlash(maximum_shift=math.nan)}, "a finite gflash.maximum_shift"),
        ({"gflash": GFlash(radial_scale=-1.0)}, "gflash.radial_scale > 0 must hold, got -1"),
        ({"gflash": GFlash(spot_scale=0.0)}, "gflash.spot_scale > 0 must hold, got 0"),
        ({"storage": Storage(showers="")}, "must name data sets, got '' and 'energy'"),
        ({"storage": Storage(energy="/")}, "must name data sets, got 'ECAL' and '/'"),
        ({"particles": ()}, "particles must name at least one"),
        ({"particles": ("e-", "pi-", "e-")}, r"name each one once, got \['e-', 'pi-', 'e-'\]"),
    ],
)
def test_a_bad_geometry_is_refused_with_its_rule(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(GeometryError, match=rule):
        geometry(**changes)


def test_the_largest_calorimeters_are_good() -> None:
    assert geometry(cells=Cells((1, 1, 1024), (5.0, 5.0, 2.0))).shape == (1, 1, 1024)
    assert geometry(cells=Cylinder((0.0, 1.0), 1024, 1.0, count=1024)).shape == (1, 1024, 1024)


def test_edges_are_about_the_centre_and_from_the_front_face() -> None:
    g = geometry()
    assert g.edges(0)[[0, -1]] == pytest.approx([-20, 20])
    assert g.edges(2)[[0, -1]] == pytest.approx([0, 20])


def test_angle() -> None:
    assert not geometry().has_angle
    tilted = geometry(theta=(60.0, 120.0))
    assert tilted.has_angle and tilted.theta_rad == pytest.approx((np.pi / 3, 2 * np.pi / 3))


def test_a_cylinder_is_as_large_as_its_largest_layer() -> None:
    rings = geometry(cells=RINGS)
    assert rings.shape == (2, 4, 2)
    assert rings.present is not None
    assert rings.present[:, :, 0].all()
    assert rings.present[:, :, 1].sum() == rings.present[0, 0, 1] == 1
    assert rings.edges(0, 1) == pytest.approx([10, 20])
    assert rings.edges(1, 0) == pytest.approx(np.pi * np.array([-1, -0.5, 0, 0.5, 1]))
    assert rings.edges(2) == pytest.approx([0, 3, 8])
    assert rings.cells.transverse == 4.0
    assert geometry().present is None


def test_layers_that_are_alike_are_given_once() -> None:
    one = Cylinder((0.0, 2.0, 6.0), 4, 3.0, count=3)
    each = Cylinder(((0.0, 2.0, 6.0),) * 3, (4,) * 3, (3.0,) * 3)
    assert one.layers == each.layers
    assert geometry(cells=one).digest == geometry(cells=each).digest
    assert geometry(cells=one).digest != geometry(cells=replace(one, depth=4.0)).digest
    assert one.present is None and one.centres.x.shape == (8, 1)


def test_a_cell_and_its_spread_keep_their_distance_from_the_axis() -> None:
    where = RINGS.centres
    squares = where.x**2 + where.y**2 + 2 * where.spread**2
    radii = [[1.0] * 4 + [4.0] * 4, [15.0] + [0.0] * 7]
    assert np.sqrt(squares.T) == pytest.approx(np.array(radii))
    ring = where.x[0, 1], where.y[0, 1]
    assert ring == pytest.approx((0, 0), abs=1e-12)
    assert np.arctan2(where.y, where.x)[:4, 0] == pytest.approx(np.radians([-135, -45, 45, 135]))


@pytest.mark.parametrize("cells", [Cells((8, 9, 10), (5.0, 5.0, 2.0)), RINGS])
def test_geometries_survive_json(cells: Cells | Cylinder) -> None:
    made = geometry(cells=cells)
    again = decode(Geometry, json.loads(json.dumps(encode(made))))
    assert again == made and again.digest == made.digest


def test_a_grid_without_a_kind_is_a_grid_and_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    start = "energy = [1, 2]\n[cells]\nshape=[8,8,8]\npitch=[1,1,1]\n"
    path.write_text(start)
    assert load_geometry(str(path)).cells == Cells((8, 8, 8), (1.0, 1.0, 1.0))
    path.write_text(start + "kind = 'sphere'\n")
    with pytest.raises(GeometryError, match=r"d\.toml\.cells\.kind must be one of grid, cylinder"):
        load_geometry(str(path))


def test_the_digest_knows_cells_but_not_names() -> None:
    assert geometry().digest == geometry(name="h", title="t").digest
    assert geometry().digest != geometry(threshold=1e-4).digest


def test_an_unknown_key_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text("energy = [1, 2]\nenergie = 3\n[cells]\nshape=[8,8,8]\npitch=[1,1,1]\n")
    with pytest.raises(GeometryError, match=r"d\.toml: unknown key 'energie'; did"):
        load_geometry(str(path))
