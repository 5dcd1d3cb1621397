"""What every model family does; a third party's passes the same class."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from objectives.showers import Conditions, Showers
from search_spaces.errors import SpaceError
from search_spaces.geometry import Cells, Geometry
from search_spaces.parameters import Point
from workers.models.base import GenerativeModel, ModelFamily
from workers.models.registry import make_family
from workers.trial import Resources

GEOMETRY = Geometry("g", Cells((9, 8, 10), (5.0, 5.0, 5.0)), (10.0, 200.0), theta=(60.0, 120.0))


@pytest.fixture(scope="module")
def showers() -> Showers:
    """Showers of a sort: the laws do not depend on physics."""
    rng = np.random.default_rng(0)
    cells = rng.gamma(0.2, 0.01, (48, 9, 8, 10)).astype(np.float32)
    energy = rng.uniform(10, 200, 48).astype(np.float32)
    return Showers(cells, Conditions.of(energy, rng.uniform(1.1, 2.0, 48)))


class FamilyContract:
    """The laws; a subclass says which family, preset and points."""

    family: str
    preset: str
    point: ClassVar[Point]

    @pytest.fixture
    def made(self) -> ModelFamily:
        return make_family(self.family)

    def build(self, made: ModelFamily, seed: int = 5) -> GenerativeModel:
        return made.build(self.preset, self.point, GEOMETRY, seed, Resources())

    def test_a_good_point_has_no_problem_and_that_is_known_in_milliseconds(
        self, made: ModelFamily
    ) -> None:
        made.problem(self.preset, self.point, GEOMETRY)
        start = time.process_time()
        for _ in range(10):
            assert made.problem(self.preset, self.point, GEOMETRY) is None
        # A bound, not a timing: building a network takes a hundred times as long.
        assert time.process_time() - start < 1

    def test_unknown_names_are_refused(self, made: ModelFamily) -> None:
        with pytest.raises(SpaceError):
            made.problem("no-such-preset", self.point, GEOMETRY)
        with pytest.raises(SpaceError):
            made.problem(self.preset, {**self.point, "no_such_parameter": 1}, GEOMETRY)

    def test_showers_have_the_shape_and_are_finite_and_not_negative(
        self, made: ModelFamily, showers: Showers
    ) -> None:
        model = self.build(made)
        losses = model.train_epoch(showers, 1)
        assert losses and all(math.isfinite(v) for v in losses.values())
        cells = model.generate(showers[:7].conditions, 1)
        assert cells.shape == (7, *GEOMETRY.shape) and cells.dtype == np.float32
        assert np.isfinite(cells).all() and (cells >= 0).all()
        assert model.summary() and all(math.isfinite(v) for v in model.metrics().values())

    def test_equal_seeds_give_equal_models_and_others_do_not(
        self, made: ModelFamily, showers: Showers
    ) -> None:
        def trained(seed: int) -> np.ndarray:
            model = self.build(made, seed)
            for epoch in (1, 2):
                model.train_epoch(showers, epoch)
            return model.generate(showers.conditions, 3)

        first = trained(5)
        np.testing.assert_array_equal(first, trained(5))
        assert (first != trained(6)).any()

    def test_generation_depends_on_its_seed_alone(
        self, made: ModelFamily, showers: Showers
    ) -> None:
        model = self.build(made)
        model.train_epoch(showers, 1)
        first = model.generate(showers.conditions, 3)
        other = model.generate(showers.conditions, 4)
        np.testing.assert_array_equal(first, model.generate(showers.conditions, 3))
        assert (first != other).any()

    def test_a_loaded_model_gives_the_same_showers(
        self, made: ModelFamily, showers: Showers, tmp_path: Path
    ) -> None:
        model = self.build(made)
        model.train_epoch(showers, 1)
        model.save(tmp_path)
        again = made.load(tmp_path, self.preset, self.point, GEOMETRY, Resources())
        np.testing.assert_array_equal(
            model.generate(showers.conditions, 3),
            again.generate(showers.conditions, 3),
        )
        assert not [f for f in tmp_path.rglob("*") if f.suffix in (".pkl", ".pickle")]


class TestToy(FamilyContract):
    family, preset = "toy", "default"
    point: ClassVar[Point] = {"rate": 0.7, "fluctuation": 1.0}


class TestGan3D(FamilyContract):
    family, preset = "gan3d", "fixed-angle"
    point: ClassVar[Point] = {
        "g_layers": 2, "g1_filters": 4, "g1_kernel": 3, "g2_filters": 2, "d_layers": 2,
        "d1_filters": 2, "d1_kernel": 3, "batch_size": 16,
    }  # fmt: skip


def test_a_family_is_named_by_its_class_too() -> None:
    assert make_family("workers.models.toy:Toy").problem("default", {}, GEOMETRY) is None
