"""The Keras networks: parameter counts, shapes, and the cheaper forms of a convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workers.models.gan3d.params import Axes, Layer, configure
from workers.models.gan3d.presets import PRESETS
from workers.models.gan3d.shapes import Step, before_after, plan
from workers.models.gan3d.static import discriminator_costs, generator_costs

from .conftest import SMALL


def build(name: str, point: dict[str, Any], shape: Axes) -> tuple[Any, Any, Any, Any]:
    from workers.models.gan3d import networks

    params = configure(PRESETS[name], point)
    sizes = plan(params, shape)
    generator = networks.build_generator(params, sizes, 1, networks.Form())
    return params, sizes, generator, networks.build_discriminator(params, sizes, 1, networks.Form())


@pytest.mark.parametrize("name", PRESETS)
def test_published_parameter_counts(name: str) -> None:
    params, sizes, generator, discriminator = build(name, {}, PRESETS[name].shape)
    assert generator.count_params() == generator_costs(params, sizes).parameters
    assert discriminator.count_params() == discriminator_costs(params, sizes).parameters
    trainable = {"fixed-angle": (872_808, 73_402), "variable-angle-a": (1_607_208, 87_354)}
    if name in trainable:
        count = [
            sum(int(np.prod(v.shape)) for v in n.trainable_variables)
            for n in (generator, discriminator)
        ]
        assert tuple(count) == trainable[name]


def test_the_trained_2017_layout_fits_layer_by_layer() -> None:
    _, _, generator, discriminator = build("fixed-angle", {}, (25, 25, 25))
    kernels = [tuple(w.shape) for w in generator.weights if len(w.shape) == 5]
    assert kernels == [(6, 6, 8, 8, 64), (6, 5, 8, 64, 6), (3, 3, 8, 6, 6), (2, 2, 2, 6, 1)]
    kernels = [tuple(w.shape) for w in discriminator.weights if len(w.shape) == 5]
    assert kernels == [(5, 5, 5, 1, 32), (5, 5, 5, 32, 8), (5, 5, 5, 8, 8), (5, 5, 5, 8, 8)]
    assert tuple(discriminator.weights[-2].shape) == (10_648, 1)


@pytest.mark.parametrize("name", ["fixed-angle", "variable-angle-b"])
@pytest.mark.parametrize("shape", [(8, 9, 12), (12, 12, 12), (15, 8, 31)])
def test_output_has_the_shape_of_the_geometry(name: str, shape: Axes) -> None:
    params, sizes, generator, discriminator = build(name, SMALL, shape)
    latent = np.ones((2, params.generator.latent_size), np.float32)
    image = generator(latent, training=False)
    assert tuple(image.shape) == (2, *shape, 1)
    assert float(np.min(image)) >= 0
    logit, primary = discriminator(image, training=False)
    assert tuple(logit.shape) == tuple(primary.shape) == (2, 1)
    assert generator.count_params() == generator_costs(params, sizes).parameters
    assert discriminator.count_params() == discriminator_costs(params, sizes).parameters


STEPS = {
    "plain same": (Layer(16, (3, 4, 5)), (2, 3, 4), 3, (6, 7, 8)),
    "plain valid": (Layer(16, (3, 4, 5)), (0, 2, 1), 3, (6, 7, 8)),
    "one channel": (Layer(16, (5, 6, 6)), (4, 5, 2), 1, (6, 7, 8)),
    "pairs same": (Layer(8, (5, 5, 5)), (4, 4, 4), 3, (6, 7, 9)),
    "pairs valid": (Layer(6, (4, 3, 5)), (1, 0, 0), 3, (6, 7, 8)),
    "pairs, odd zeros": (Layer(6, (4, 3, 6)), (1, 2, 3), 3, (6, 7, 9)),
    "pairs, many zeros": (Layer(6, (4, 3, 7)), (6, 4, 12), 3, (6, 7, 9)),
    "up-sampled": (Layer(6, (6, 5, 8), (2, 2, 3)), (4, 4, 0), 3, (4, 3, 5)),
    "up-sampled, zeros": (Layer(6, (6, 4, 3), (6, 4, 1)), (7, 2, 4), 3, (3, 3, 4)),
    "up-sampled along z": (Layer(6, (3, 3, 8), (1, 1, 3)), (2, 0, 5), 3, (4, 5, 5)),
}


@pytest.mark.parametrize("case", STEPS)
def test_cheaper_forms_equal_up_sampling_padding_and_convolution(case: str) -> None:
    import keras
    from keras import ops

    from workers.models.gan3d.convolution import Convolution

    layer, pads, channels, inputs = STEPS[case]
    grid = [
        s * u + p - k + 1
        for s, u, p, k in zip(inputs, layer.upsample, pads, layer.kernel, strict=True)
    ]
    step = Step(layer, channels, pads, (grid[0], grid[1], grid[2]))
    convolution = Convolution(
        step, "glorot_uniform", bias=False, pairs=True, dtype="float32", name="c"
    )
    x = np.random.default_rng(0).normal(size=(2, *inputs, channels)).astype(np.float32)
    y = convolution(x)
    large = keras.layers.UpSampling3D(layer.upsample)(x)
    padded = ops.pad(large, [(0, 0), *before_after(pads), (0, 0)])
    np.testing.assert_allclose(
        y, ops.conv(padded, convolution.kernel, padding="valid"), rtol=1e-4, atol=2e-5
    )


def test_conditions_enter_the_latent_vector_as_published() -> None:
    from workers.models.gan3d.networks import Inputs, latent_vectors

    noise = np.arange(6, dtype=np.float32).reshape(2, 3)
    conditions = Inputs(np.float32([1.0, 2.0]), np.float32([1.1, 1.9]), np.int32([0, 1]))
    hadamard = latent_vectors(PRESETS["fixed-angle"], noise, conditions)
    np.testing.assert_array_equal(hadamard, noise * conditions.energy[:, None])
    concat = latent_vectors(PRESETS["variable-angle-b"], noise, conditions)
    energy, theta, particle = conditions
    np.testing.assert_array_equal(concat, np.column_stack([energy, theta, noise]))
    no_angle = PRESETS["variable-angle-b"].for_data(angle=False, particles=1)
    concat = latent_vectors(no_angle, noise, conditions)
    np.testing.assert_array_equal(concat, np.column_stack([energy, noise]))
    types = PRESETS["variable-angle-b"].for_data(angle=True, particles=2)
    concat = latent_vectors(types, noise, conditions)
    one_hot = np.column_stack([particle == 0, particle == 1])
    np.testing.assert_array_equal(concat, np.column_stack([energy, theta, one_hot, noise]))
