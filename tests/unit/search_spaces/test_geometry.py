"""Geometries: checked at birth, read from TOML."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search_spaces.errors import GeometryError
from search_spaces.geometry import Cells, Geometry
from search_spaces.loader import load_geometry


def geometry(**changes: object) -> Geometry:
    made = {
        "name": "g",
        "cells": Cells((8, 9, 10), (5.0, 5.0, 2.0)),
        "energy": (10.0, 200.0),
    }
    return Geometry(**(made | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"cells": Cells((7, 9, 10), (5.0, 5.0, 2.0))}, "8 to 128 cells"),
        ({"cells": Cells((8, 9, 10), (5.0, 0.0, 2.0))}, "pitch must be positive"),
        ({"energy": (200.0, 10.0)}, "0 < low < high"),
        ({"energy": (0.0, 10.0)}, "0 < low < high"),
        ({"theta": (0.0, 90.0)}, "0 < low <= high < 180"),
        ({"threshold": -1.0}, "threshold >= 0"),
    ],
)
def test_a_bad_geometry_is_refused_with_its_rule(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(GeometryError, match=rule):
        geometry(**changes)


def test_edges_are_about_the_centre_and_from_the_front_face() -> None:
    g = geometry()
    assert g.edges(0)[[0, -1]] == pytest.approx([-20, 20])
    assert g.edges(2)[[0, -1]] == pytest.approx([0, 20])


def test_angle() -> None:
    assert not geometry().has_angle
    tilted = geometry(theta=(60.0, 120.0))
    assert tilted.has_angle and tilted.theta_rad == pytest.approx((np.pi / 3, 2 * np.pi / 3))


def test_the_digest_knows_cells_but_not_names() -> None:
    assert geometry().digest == geometry(name="h", title="t").digest
    assert geometry().digest != geometry(threshold=1e-4).digest


def test_an_unknown_key_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text("energy = [1, 2]\nenergie = 3\n[cells]\nshape=[8,8,8]\npitch=[1,1,1]\n")
    with pytest.raises(GeometryError, match=r"d\.toml: unknown key 'energie'; did"):
        load_geometry(str(path))
