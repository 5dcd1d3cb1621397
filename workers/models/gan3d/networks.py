"""The two networks as Keras models, from a configuration and its plan.

Channels last, nearest-neighbour up-sampling, no cropping. The discriminator
answers with a *logit* for real/fake: the sigmoid of the published head is part of
the loss, where it is stable, and adds no parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import layers, ops

from workers.models.gan3d.convolution import Convolution, Tensor
from workers.models.gan3d.params import Axes, Generator, Params
from workers.models.gan3d.shapes import POOL, Plan

#: Keras ships no types.
Model: TypeAlias = Any

#: Slope of the leaky ReLU (the Keras layer's default when the networks were published).
SLOPE = 0.3


def seeds(*entropy: int) -> Iterator[int]:
    """An endless stream of 32-bit seeds, different for different ``entropy``."""
    sequence = np.random.SeedSequence(entropy)
    while True:
        yield from map(int, sequence.spawn(1)[0].generate_state(16))


def build_generator(params: Params, plan: Plan, seed: int, *, pairs: bool) -> Model:
    """Latent vectors (n, latent_size) to images (n, x, y, z, 1), in transformed units."""
    g, seed_of = params.generator, seeds(seed, 0)
    latent = keras.Input((g.latent_size,), name="latent")
    size = int(np.prod(plan.seed_grid)) * g.seed_filters
    x = layers.Dense(size, kernel_initializer=_glorot(next(seed_of)), name="seed")(latent)
    x = layers.Reshape((*plan.seed_grid, g.seed_filters), name="seed_grid")(x)
    for i, step in enumerate(plan.generator[:-1], start=1):
        he = keras.initializers.HeUniform(seed=next(seed_of))
        x = Convolution(step, he, bias=True, pairs=pairs, name=f"g{i}")(x)
        x = _activation(g, f"g{i}_activation")(x)
        if i < len(g.layers):
            x = layers.BatchNormalization(
                epsilon=g.norm_epsilon, momentum=g.norm_momentum, name=f"g{i}_norm"
            )(x)
    normal = keras.initializers.GlorotNormal(seed=next(seed_of))
    x = Convolution(plan.generator[-1], normal, bias=g.last_bias, pairs=False, name="last")(x)
    return keras.Model(latent, layers.ReLU(name="cells")(x), name="generator")


def build_discriminator(
    params: Params, plan: Plan, shape: Axes, seed: int, *, pairs: bool
) -> Model:
    """Images (n, x, y, z, 1) to [real/fake logit (n, 1), primary energy / 100 GeV (n, 1)]."""
    d, seed_of = params.discriminator, seeds(seed, 1)
    image = keras.Input((*shape, 1), name="image")
    x = image
    for i, step in enumerate(plan.discriminator, start=1):
        x = Convolution(step, _glorot(next(seed_of)), bias=True, pairs=pairs, name=f"d{i}")(x)
        x = layers.LeakyReLU(SLOPE, name=f"d{i}_activation")(x)
        if i > 1:
            x = layers.BatchNormalization(
                epsilon=d.norm_epsilon, momentum=d.norm_momentum, name=f"d{i}_norm"
            )(x)
        if d.dropout > 0:
            x = layers.Dropout(d.dropout, seed=next(seed_of), name=f"d{i}_dropout")(x)
    x = layers.AveragePooling3D(POOL, name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    heads = [
        layers.Dense(1, kernel_initializer=_glorot(next(seed_of)), name=name)(x)
        for name in ("real_fake", "primary_energy")
    ]
    return keras.Model(image, heads, name="discriminator")


def latent_vectors(params: Params, noise: Tensor, energy: Tensor, theta: Tensor) -> Tensor:
    """Inputs of the generator (n, latent_size).

    Args:
        params: the configuration.
        noise: (n, noise_size) standard normal numbers.
        energy: Ep / 100 GeV (n,).
        theta: angle of incidence (n,) [rad]; used where theta is a condition.
    """
    energy = ops.expand_dims(energy, -1)
    if params.generator.conditioning == "hadamard":
        return noise * energy
    conditions = [energy, ops.expand_dims(theta, -1)] if params.angle else [energy]
    return ops.concatenate([*conditions, noise], axis=-1)


def _activation(g: Generator, name: str) -> Any:
    if g.activation == "relu":
        return layers.ReLU(name=name)
    return layers.LeakyReLU(SLOPE, name=name)


def _glorot(seed: int) -> Any:
    return keras.initializers.GlorotUniform(seed=seed)
