"""Cylinders: the mesh gives every cell back, and networks are alike all around."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.showers import Conditions, Showers
from search_spaces import Geometry
from search_spaces.errors import InfeasibleError
from search_spaces.geometry import Cylinder
from search_spaces.loader import builtin_names, load_geometry
from search_spaces.parameters import Point
from workers.models.gan3d.family import Gan3D, Gan3DModel, configuration
from workers.models.gan3d.mesh import Mesh
from workers.models.gan3d.params import Axes, Layer
from workers.models.gan3d.presets import PRESETS
from workers.models.gan3d.shapes import Plan, Step, plan_on
from workers.models.gan3d.static import (
    discriminator_costs,
    generator_costs,
    metrics,
    summary,
    training_bytes,
)
from workers.trial import Resources

from .conftest import SMALL

FINE, COARSE = (0.0, 6.0, 12.0, 18.0, 24.0, 44.0), (0.0, 12.0, 44.0)
#: Full rings in front and behind, sectors between; fewer of all than networks need.
RINGS = Cylinder((COARSE, *[FINE] * 4, COARSE), (1, *[4] * 4, 1), 8.0)
REGULAR = Cylinder((0.0, *range(1, 9)), 12, 8.0, 9)


def cylinder(cells: Cylinder) -> Geometry:
    return Geometry("rings", cells, (10.0, 200.0))


def model(cells: Cylinder, preset: str = "fixed-angle", **point: float) -> Gan3DModel:
    """Its statistics and weights are those of no fresh model."""
    made = Gan3D().build(preset, SMALL | point, cylinder(cells), 1, Resources())
    rng = np.random.default_rng(4)
    for network in (made.trainer.generator, made.trainer.discriminator):
        for variable in network.variables:
            if "float" in variable.dtype:
                spread = 0.3 * rng.standard_normal(variable.shape)
                variable.assign(variable.numpy() * np.exp(spread) + 0.03 * spread**2)
    return made


def showers(cells: Cylinder, n: int = 24) -> Showers:
    rng = np.random.default_rng(5)
    energy = rng.uniform(10, 200, n)
    full = rng.gamma(0.2, 1e-3, (n, *cells.shape)).astype(np.float32) * energy[:, None, None, None]
    present = np.ones(cells.shape) if cells.present is None else cells.present
    return Showers(np.float32(full * present), Conditions.of(energy))


# -- the mesh -----------------------------------------------------------------------------

LAYERS = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from([1, 2, 3, 4, 6, 12])), min_size=1, max_size=12
)


@settings(max_examples=100, deadline=None)
@given(LAYERS, st.integers(0, 2**32 - 1))
def test_every_cell_comes_back_and_no_energy_is_lost(
    layers: list[tuple[int, int]], seed: int
) -> None:
    from workers.models.gan3d.cylinder import from_mesh, masked, to_mesh

    radii = tuple(tuple(map(float, range(n + 1))) for n, _ in layers)
    cells = Cylinder(radii, tuple(a for _, a in layers), 1.0)
    mesh = Mesh.of(cylinder(cells))
    assert np.all(np.array(mesh.shape) >= np.maximum(cells.shape, 8))
    present = np.ones(cells.shape, bool) if cells.present is None else cells.present
    given_cells = np.random.default_rng(seed).random((2, *cells.shape), np.float32) * present
    energies = np.asarray(to_mesh(mesh, given_cells))
    assert energies.shape == (2, *mesh.shape)
    np.testing.assert_array_equal(energies > 0, np.asarray(masked(mesh, np.ones_like(energies))))
    np.testing.assert_allclose(energies.sum((1, 2)), _summed(given_cells, mesh), rtol=1e-5)
    np.testing.assert_allclose(from_mesh(mesh, energies), given_cells, rtol=1e-6)


def _summed(cells: np.ndarray, mesh: Mesh) -> np.ndarray:
    """Energies of the layers, and of those that there are not."""
    per_layer = cells.sum((1, 2))
    return np.pad(per_layer, ((0, 0), (0, mesh.shape[2] - per_layer.shape[1])))


def test_a_full_ring_is_spread_over_its_sectors() -> None:
    from workers.models.gan3d.cylinder import to_mesh

    mesh = Mesh.of(cylinder(RINGS))
    assert (mesh.cells, mesh.shape) == ((5, 4, 6), (8, 8, 8))
    cells = np.zeros((1, 5, 4, 6), np.float32)
    cells[0, 1, 0, 0], cells[0, 4, 3, 2] = 8.0, 1.0
    (energies,) = np.asarray(to_mesh(mesh, cells))
    np.testing.assert_array_equal(energies[1, :, 0], np.ones(8))
    np.testing.assert_array_equal(energies[4, :, 2], [0, 0, 0, 0, 0, 0, 0.5, 0.5])
    assert energies.sum() == 9


def test_regular_layers_are_their_own_mesh() -> None:
    mesh = Mesh.of(load_geometry("calochallenge-2"))
    assert mesh.shape == mesh.cells == (9, 16, 45) and mesh.periodic
    assert mesh.present is mesh.joined is None
    plain = Mesh.of(load_geometry("clic-25x25x25"))
    assert plain.shape == plain.cells == (25, 25, 25) and not plain.periodic


def test_sectors_without_a_common_multiple_are_refused() -> None:
    cells = Cylinder(tuple([FINE] * 3), (11, 12, 13), 8.0)
    with pytest.raises(InfeasibleError, match=r"divide, got \[11, 12, 13\]; merge cells"):
        Mesh.of(cylinder(cells))
    problem = Gan3D().problem("fixed-angle", {}, cylinder(cells))
    assert problem is not None and "angular bins" in problem


# -- sizes --------------------------------------------------------------------------------


def planned(preset: str, geometry: Geometry, point: Point | None = None) -> Plan:
    return plan_on(configuration(preset, point or {}, geometry), Mesh.of(geometry))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "name", [n for n in builtin_names("geometries") if n.startswith(("calo", "par04"))]
)
def test_every_preset_fits_every_cylinder(preset: str, name: str) -> None:
    sizes = planned(preset, load_geometry(name))
    around = sizes.mesh.shape[1]
    assert sizes.generator[-1].grid == sizes.mesh.shape
    assert all(s.periodic and s.grid[1] == around for s in sizes.discriminator)
    grid = sizes.seed_grid[1]
    for step in sizes.generator:
        grid *= step.layer.upsample[1]
        assert step.grid[1] == grid and step.pads[1] == step.layer.kernel[1] - 1
    assert grid == around and sizes.seed_grid[1] >= 2


@pytest.mark.parametrize(
    ("preset", "alpha", "seed", "factors"),
    [
        ("fixed-angle", 16, 4, [1, 2, 2, 1]),
        ("fixed-angle", 50, 25, [1, 1, 2, 1]),
        ("variable-angle-a", 50, 5, [1, 5, 2, 1]),
        ("variable-angle-b", 50, 10, [5, 1, 1, 1, 1, 1, 1]),
        ("variable-angle-b", 13, 13, [1] * 7),
    ],
)
def test_up_sampling_around_the_axis_divides_its_cells(
    preset: str, alpha: int, seed: int, factors: list[int]
) -> None:
    sizes = planned(preset, cylinder(dataclasses.replace(REGULAR, alpha=alpha)))
    assert sizes.seed_grid[1] == seed
    assert [step.layer.upsample[1] for step in sizes.generator] == factors


def test_the_static_numbers_know_mesh_and_mask() -> None:
    made = model(RINGS)
    costs = generator_costs(made.params, made.sizes), discriminator_costs(made.params, made.sizes)
    networks = made.trainer.generator, made.trainer.discriminator
    assert [c.parameters for c in costs] == [n.count_params() for n in networks]
    full = dataclasses.replace(made.sizes, mesh=dataclasses.replace(made.sizes.mesh, present=None))
    unmasked = generator_costs(made.params, full), discriminator_costs(made.params, full)
    assert [c.macs - u.macs for c, u in zip(costs, unmasked, strict=True)] == [8**3] * 2
    more = training_bytes(made.params, *costs) - training_bytes(made.params, *unmasked)
    assert more == 4 * made.params.training.batch_size * 2 * 8**3
    assert metrics(made.params, made.sizes) == made.metrics()
    text = summary(made.params, made.sizes).splitlines()
    # Two rings of 2 and four layers of 5 bins, 8 cells of the mesh around each.
    assert text[0] == "mesh: 8x8x8, 192 cells of it in the calorimeter"
    assert "2 cells around, " in text[3]


# -- networks -----------------------------------------------------------------------------

STEPS: dict[str, tuple[Layer, Axes, int, Axes]] = {
    "plain": (Layer(16, (3, 4, 5)), (2, 3, 4), 3, (6, 7, 8)),
    "one channel": (Layer(16, (5, 6, 6)), (4, 5, 2), 1, (6, 7, 8)),
    "pairs": (Layer(6, (4, 3, 6)), (1, 2, 3), 3, (6, 7, 9)),
    "up-sampled": (Layer(6, (6, 5, 8), (2, 2, 3)), (4, 4, 0), 3, (4, 3, 5)),
    "wider than the seed": (Layer(6, (3, 8, 3), (1, 2, 3)), (2, 7, 2), 3, (4, 2, 5)),
    "wider than all": (Layer(16, (3, 8, 3)), (2, 7, 2), 3, (4, 2, 5)),
}


@pytest.mark.parametrize("case", STEPS)
def test_every_form_of_a_convolution_goes_around(case: str) -> None:
    import keras
    from keras import ops

    from workers.models.gan3d.convolution import Convolution

    layer, pads, channels, inputs = STEPS[case]
    x, y, z = (
        s * u + p - k + 1
        for s, u, p, k in zip(inputs, layer.upsample, pads, layer.kernel, strict=True)
    )
    assert y == inputs[1] * layer.upsample[1]
    step = Step(layer, channels, pads, (x, y, z), periodic=True)
    convolution = Convolution(
        step, "glorot_uniform", bias=False, pairs=True, dtype="float32", name="c"
    )
    values = np.random.default_rng(0).normal(size=(2, *inputs, channels)).astype(np.float32)
    got = convolution(values)
    large = np.asarray(keras.layers.UpSampling3D(layer.upsample)(values))
    around = [(0, 0)] * 5
    around[2] = (pads[1] // 2, pads[1] - pads[1] // 2)
    zeros = [(0, 0), *((p // 2, p - p // 2) for p in pads), (0, 0)]
    zeros[2] = (0, 0)
    padded = np.pad(np.pad(large, around, mode="wrap"), zeros)
    expected = ops.conv(padded, convolution.kernel, padding="valid")
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("cells", [REGULAR, RINGS], ids=["regular", "rings"])
def test_a_turned_seed_gives_a_turned_shower(cells: Cylinder) -> None:
    import keras

    made = model(cells)
    generator = made.trainer.generator
    stack = keras.Model(generator.get_layer("seed_grid").output, generator.output)
    grid, filters = made.sizes.seed_grid, made.params.generator.seed_filters
    turn = made.sizes.mesh.shape[1] // grid[1]
    seed = np.random.default_rng(1).normal(size=(2, *grid, filters)).astype(np.float32)
    shower = np.asarray(stack(seed, training=False))
    for k in range(1, grid[1]):
        turned = np.asarray(stack(np.roll(seed, k, axis=2), training=False))
        expected = np.roll(shower, k * turn, axis=2)
        np.testing.assert_allclose(turned, expected, rtol=1e-4, atol=1e-6 * shower.max())
    assert np.ptp(shower, axis=2).max() > 0.1 * shower.max()


@pytest.mark.parametrize("cells", [REGULAR, RINGS], ids=["regular", "rings"])
def test_the_discriminator_sees_a_turned_shower_turned(cells: Cylinder) -> None:
    import keras

    made = model(cells)
    critic = made.trainer.discriminator
    stack = keras.Model(critic.input, critic.get_layer("d2_norm").output)
    image = np.random.default_rng(1).random((2, *made.sizes.mesh.shape, 1), np.float32)
    seen = np.asarray(stack(image, training=False))
    for k in (1, 3, made.sizes.mesh.shape[1] - 1):
        turned = np.asarray(stack(np.roll(image, k, axis=2), training=False))
        expected = np.roll(seen, k, axis=2)
        np.testing.assert_allclose(turned, expected, rtol=1e-4, atol=1e-6 * np.abs(seen).max())


def test_absent_cells_are_zero_and_carry_no_gradient() -> None:
    import tensorflow as tf

    made = model(RINGS)
    absent = made.sizes.mesh.present == 0
    latent = np.random.default_rng(2).normal(size=(3, 8)).astype(np.float32)
    image = np.asarray(made.trainer.generator(latent, training=False))[..., 0]
    assert not image[:, absent].any() and image[:, ~absent].any()
    everywhere = tf.Variable(np.random.default_rng(2).random((3, 8, 8, 8, 1), np.float32))
    with tf.GradientTape() as tape:
        logit, _ = made.trainer.discriminator(everywhere, training=False)
    gradient = tape.gradient(logit, everywhere).numpy()[..., 0]
    assert not gradient[:, absent].any() and gradient[:, ~absent].any()


def test_a_cylinder_is_trained_and_generated() -> None:
    made = model(RINGS, g_learning_rate=1e-4)
    data = showers(RINGS)
    losses = made.train_epoch(data, 1)
    assert "g_deposited_energy" in losses and all(math.isfinite(v) for v in losses.values())
    cells = made.generate(data.conditions, 1)
    assert cells.shape == (24, 5, 4, 6) and not cells[:, ~cylinder(RINGS).present].any()
    assert (cells >= 0).all() and cells.any()
    assert made.generate(data[:0].conditions, 1).shape == (0, 5, 4, 6)
