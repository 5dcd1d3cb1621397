"""The two networks as Keras models, from a configuration and its plan.

Channels last, nearest-neighbour up-sampling, no cropping. The discriminator
answers with a *logit* for real/fake: the sigmoid of the published head is part of
the loss, where it is stable, and adds no parameters. Cells that the calorimeter does not have
are zero behind the generator and before the discriminator, and carry no gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
from keras import layers, ops

from workers.models.gan3d.convolution import Convolution, Tensor
from workers.models.gan3d.cylinder import masked
from workers.models.gan3d.params import SLOPE, Discriminator, Generator, Params
from workers.models.gan3d.shapes import POOL, Plan
from workers.trial import Precision

#: Keras ships no types.
Model: TypeAlias = Any


def seeds(*entropy: int) -> Iterator[int]:
    """An endless stream of 32-bit seeds, different for different ``entropy``."""
    sequence = np.random.SeedSequence(entropy)
    while True:
        yield from map(int, sequence.spawn(1)[0].generate_state(16))


class Inputs(NamedTuple):
    """Conditions as the networks see them: Ep / 100 GeV, theta [rad], type of particle, each (n,).

    A tuple, so that compiled functions take it apart.
    """

    energy: Tensor
    theta: Tensor
    particle: Tensor


@dataclass(frozen=True)
class Form:
    """How the same functions are computed.

    Attributes:
        pairs: narrow convolutions take cells in pairs (for CPUs).
        precision: of the convolutions; heads, images and variables are float32 in any case.
    """

    pairs: bool = True
    precision: Precision = "float32"

    @property
    def hidden(self) -> str:
        """The Keras policy of hidden layers."""
        return "mixed_bfloat16" if self.precision == "bfloat16" else "float32"


def build_generator(
    params: Params,
    plan: Plan,
    seed: int,
    form: Form,
    convolution: Callable[..., Any] = Convolution,
) -> Model:
    """Latent vectors (n, latent_size) to images (n, x, y, z, 1), in transformed units.

    Args:
        params: the configuration.
        plan: its grids.
        seed: of the initial weights.
        form: how it is computed.
        convolution: makes the convolutions, from the arguments of :class:`Convolution`.
    """
    g, seed_of, dtype = params.generator, seeds(seed, 0), form.hidden
    latent = keras.Input((g.latent_size,), name="latent")
    size = int(np.prod(plan.seed_grid)) * g.seed_filters
    glorot = _glorot(next(seed_of))
    x = layers.Dense(size, kernel_initializer=glorot, dtype=dtype, name="seed")(latent)
    x = layers.Reshape((*plan.seed_grid, g.seed_filters), dtype=dtype, name="seed_grid")(x)
    for i, step in enumerate(plan.generator[:-1], start=1):
        he = keras.initializers.HeUniform(seed=next(seed_of))
        x = convolution(step, he, bias=True, pairs=form.pairs, dtype=dtype, name=f"g{i}")(x)
        x = _activation(g, dtype, f"g{i}_activation")(x)
        if i < len(g.layers):
            x = _normalisation(g, dtype, f"g{i}_norm")(x)
    normal = keras.initializers.GlorotNormal(seed=next(seed_of))
    x = convolution(
        plan.generator[-1], normal, bias=g.last_bias, pairs=False, dtype=dtype, name="last"
    )(x)
    image = masked(plan.mesh, layers.ReLU(name="cells")(x))
    return keras.Model(latent, image, name="generator")


def build_discriminator(params: Params, plan: Plan, seed: int, form: Form) -> Model:
    """Images (n, x, y, z, 1) to the heads: a list of real/fake logit and Ep / 100 GeV (n, 1).

    With several particle types there is a third, the types' logits (n, types).
    """
    d, seed_of, dtype = params.discriminator, seeds(seed, 1), form.hidden
    image = keras.Input((*plan.mesh.shape, 1), name="image")
    x = masked(plan.mesh, image)
    for i, step in enumerate(plan.discriminator, start=1):
        glorot = _glorot(next(seed_of))
        x = Convolution(step, glorot, bias=True, pairs=form.pairs, dtype=dtype, name=f"d{i}")(x)
        x = layers.LeakyReLU(SLOPE, dtype=dtype, name=f"d{i}_activation")(x)
        if i > 1:
            x = _normalisation(d, dtype, f"d{i}_norm")(x)
        if d.dropout > 0:
            x = layers.Dropout(d.dropout, seed=next(seed_of), dtype=dtype, name=f"d{i}_dropout")(x)
    x = layers.AveragePooling3D(POOL, dtype=dtype, name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    sizes = {"real_fake": 1, "primary_energy": 1}
    if params.particles > 1:
        sizes["particle"] = params.particles
    heads = [
        layers.Dense(size, kernel_initializer=_glorot(next(seed_of)), name=name)(x)
        for name, size in sizes.items()
    ]
    return keras.Model(image, heads, name="discriminator")


def latent_vectors(params: Params, noise: Tensor, conditions: Inputs) -> Tensor:
    """Inputs of the generator (n, latent_size).

    Args:
        params: the configuration.
        noise: (n, noise_size) standard normal numbers.
        conditions: of the n showers; angle and type are used where they are conditions.
    """
    energy = ops.expand_dims(conditions.energy, -1)
    if params.generator.conditioning == "hadamard":
        return noise * energy
    columns = [energy]
    if params.angle:
        columns.append(ops.expand_dims(conditions.theta, -1))
    if params.particles > 1:
        columns.append(ops.one_hot(conditions.particle, params.particles, dtype=noise.dtype))
    return ops.concatenate([*columns, noise], axis=-1)


def _activation(g: Generator, dtype: str, name: str) -> Any:
    if g.activation == "relu":
        return layers.ReLU(dtype=dtype, name=name)
    return layers.LeakyReLU(SLOPE, dtype=dtype, name=name)


def _normalisation(network: Generator | Discriminator, dtype: str, name: str) -> Any:
    return layers.BatchNormalization(
        epsilon=network.norm_epsilon, momentum=network.norm_momentum, dtype=dtype, name=name
    )


def _glorot(seed: int) -> Any:
    return keras.initializers.GlorotUniform(seed=seed)
