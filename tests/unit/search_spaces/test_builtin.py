"""Built-in spaces and geometries load, and their baselines are the published networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import search_spaces
from search_spaces import load_geometry, load_space
from search_spaces.loader import builtin_names
from workers.models.gan3d.family import Gan3D, configuration
from workers.models.gan3d.shapes import plan
from workers.models.gan3d.static import metrics

#: Space -> (geometry for which it was published, parameters of both networks).
PUBLISHED = {
    "fixed-angle": ("clic-25x25x25", 872_948, 73_450),
    "quick": ("clic-25x25x25", 872_948, 73_450),
    "quick-angle": ("clic-51x51x25", 1_607_348, 87_402),
    "variable-angle": ("clic-51x51x25", 1_365_047, 87_402),
}


#: Public data sets -> (cells that exist, shape of a shower's array).
CYLINDERS = {
    "calochallenge-1-photons": (368, (19, 10, 5)),
    "calochallenge-1-pions": (533, (16, 10, 7)),
    "calochallenge-2": (6480, (9, 16, 45)),
    "calochallenge-3": (40500, (18, 50, 45)),
    "par04": (6480, (9, 16, 45)),
}


@pytest.mark.parametrize("name", builtin_names("geometries"))
def test_geometries_load(name: str) -> None:
    geometry = load_geometry(name)
    assert geometry.name == name
    assert geometry.title
    if name.startswith("clic-"):
        assert geometry.energy == (10.0, 200.0)
        assert geometry.threshold == 1e-6


@pytest.mark.parametrize("name", CYLINDERS)
def test_public_cylinders_have_as_many_cells_as_their_files(name: str) -> None:
    geometry = load_geometry(name)
    present = np.ones(geometry.shape) if geometry.present is None else geometry.present
    assert (present.sum(), geometry.shape) == CYLINDERS[name]


def test_a_file_is_named_by_text_or_path() -> None:
    folder = Path(search_spaces.__file__).parent
    toml = folder / "geometries" / "par04.toml"
    assert load_geometry(toml) == load_geometry(str(toml)) == load_geometry("par04")
    assert load_space(folder / "spaces" / "toy.toml") == load_space("toy")


def test_merged_cells_are_as_large_as_eight() -> None:
    fine, merged = load_geometry("clic-25x25x25"), load_geometry("clic-12x12x12")
    np.testing.assert_allclose(merged.cells.pitch, 2 * np.array(fine.cells.pitch))


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_first_baseline_is_the_published_network(name: str) -> None:
    geometry_name, generator, discriminator = PUBLISHED[name]
    space, geometry = load_space(name), load_geometry(geometry_name)
    baseline = space.baselines[0]
    assert baseline.name == "published"
    params = configuration(space.preset, baseline.point, geometry)
    assert params == configuration(space.preset, {}, geometry)
    got = metrics(params, plan(params, geometry.shape))
    assert got["generator_parameters"] == generator
    assert got["discriminator_parameters"] == discriminator


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("geometry", builtin_names("geometries"))
def test_most_points_can_be_built_for_every_geometry(name: str, geometry: str) -> None:
    space, detector = load_space(name), load_geometry(geometry)
    rng = np.random.default_rng(1)
    points = [space.from_unit(rng.random(len(space.parameters))) for _ in range(50)]
    problems = [Gan3D().problem(space.preset, p, detector) for p in points]
    assert sum(p is not None for p in problems) <= 5
