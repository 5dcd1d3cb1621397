"""Every parameter of a 3DGAN configuration, and its flat names in a search space.

A *layer* here is a hidden convolution. The last convolution of the generator,
with one filter, is not counted. Batch normalisation stands where the published
networks have it: in the generator after every layer but the last, in the
discriminator after every layer but the first.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from search_spaces.errors import SpaceError
from search_spaces.parameters import Point, Value
from search_spaces.records import suggestion

Axes: TypeAlias = tuple[int, int, int]

#: The published energy divisor [GeV]: networks see Ep/100.
ENERGY_UNIT = 100.0
#: Slope of the leaky ReLU (the Keras layer's default when the networks were published).
SLOPE = 0.3
#: Most layers that the flat names reach.
MAX_LAYERS = 8


@dataclass(frozen=True)
class Layer:
    """Nearest-neighbour up-sampling, zero padding, then a "valid" convolution.

    Attributes:
        filters: output channels.
        kernel: cells per axis.
        upsample: factor per axis, before the convolution.
        change: cells per axis that the published padding adds or takes (0 = "same"). It is a
            preference: :mod:`shapes` departs from it as little as the geometry demands.
    """

    filters: int
    kernel: Axes
    upsample: Axes = (1, 1, 1)
    change: Axes = (0, 0, 0)


@dataclass(frozen=True)
class Generator:
    """From latent vector to shower.

    Attributes:
        latent_size: length of the input vector, conditions included for "concat".
        conditioning: "hadamard" multiplies noise by Ep/100; "concat" is [Ep/100, theta, particle
            type (one-hot), noise], each condition only where the data vary in it.
        seed_grid: cells per axis of the reshaped dense layer, for the published geometry.
        seed_filters: its channels.
        layers: hidden convolutions.
        last: the convolution with one filter, followed by ReLU.
        last_bias: whether it has a bias.
        activation: of the hidden layers; the leaky slope is 0.3.
        norm_epsilon, norm_momentum: of batch normalisation, Keras meaning.
    """

    latent_size: int
    conditioning: Literal["hadamard", "concat"]
    seed_grid: Axes
    seed_filters: int
    layers: tuple[Layer, ...]
    last: Layer
    last_bias: bool
    activation: Literal["leaky_relu", "relu"]
    norm_epsilon: float
    norm_momentum: float


@dataclass(frozen=True)
class Discriminator:
    """From shower to real/fake and primary energy."""

    layers: tuple[Layer, ...]
    dropout: float
    norm_epsilon: float
    norm_momentum: float


@dataclass(frozen=True)
class Weights:
    """Weights of the loss terms; zero leaves a term out."""

    real_fake: float
    primary_energy: float
    angle: float
    particle: float = dataclasses.field(default=1.0, kw_only=True)
    deposited_energy: float
    bins: float = 0.0


@dataclass(frozen=True)
class Transform:
    """What networks see of a cell: (scale * energy [GeV]) ** power."""

    scale: float
    power: float


@dataclass(frozen=True)
class Training:
    """RMSprop and the order of steps.

    Attributes:
        g_learning_rate, d_learning_rate: of RMSprop.
        rho: its decay of the squared gradient.
        batch_size: showers per step.
        g_steps: generator steps per pair (real, fake) of discriminator steps.
        label_flip: probability that a discriminator label is flipped.
        average: decay per batch of the moving average of the generator's weights, with which
            showers are generated; 0 generates with the weights themselves.
    """

    g_learning_rate: float = 1e-3
    d_learning_rate: float = 1e-3
    rho: float = 0.9
    batch_size: int = 128
    g_steps: int = 2
    label_flip: float = 0.05
    average: float = 0.0


@dataclass(frozen=True)
class Params:
    """One configuration.

    Attributes:
        shape: the geometry for which kernels, paddings and seed grid were published.
        angle: whether theta is a condition and the angle a loss term.
        particles: number of particle types; with several, the type is a condition, and the
            discriminator has a head that tells it.
    """

    shape: Axes
    angle: bool
    generator: Generator
    discriminator: Discriminator
    weights: Weights
    transform: Transform
    training: Training
    particles: int = 1

    def for_data(self, *, angle: bool, particles: int) -> Params:
        """The same configuration for data with or without varying angle and particle type.

        A product of noise and energy has no place for other conditions, so that a fixed-angle
        configuration is concatenated on such data.
        """
        generator = self.generator
        if (angle or particles > 1) and generator.conditioning == "hadamard":
            generator = dataclasses.replace(generator, conditioning="concat")
        return dataclasses.replace(self, angle=angle, particles=particles, generator=generator)

    @property
    def noise_size(self) -> int:
        """Random numbers per shower."""
        if self.generator.conditioning == "hadamard":
            return self.generator.latent_size
        types = self.particles if self.particles > 1 else 0
        return self.generator.latent_size - 1 - int(self.angle) - types


#: Flat name -> (section, field, kind, lowest, highest).
_SCALARS: Mapping[str, tuple[str, str, type, float, float]] = {
    "latent_size": ("generator", "latent_size", int, 4, 4096),
    "seed_filters": ("generator", "seed_filters", int, 1, 512),
    "norm_momentum": ("generator", "norm_momentum", float, 0.0, 0.9999),
    "dropout": ("discriminator", "dropout", float, 0.0, 0.95),
    "W_G": ("weights", "real_fake", float, 0.0, math.inf),
    "W_P": ("weights", "primary_energy", float, 0.0, math.inf),
    "W_T": ("weights", "particle", float, 0.0, math.inf),
    "W_A": ("weights", "angle", float, 0.0, math.inf),
    "W_E": ("weights", "deposited_energy", float, 0.0, math.inf),
    "W_B": ("weights", "bins", float, 0.0, math.inf),
    "power": ("transform", "power", float, 0.05, 1.0),
    "g_learning_rate": ("training", "g_learning_rate", float, 0.0, 1.0),
    "d_learning_rate": ("training", "d_learning_rate", float, 0.0, 1.0),
    "rho": ("training", "rho", float, 0.0, 0.9999),
    "batch_size": ("training", "batch_size", int, 1, 65536),
    "g_steps": ("training", "g_steps", int, 1, 16),
    "label_flip": ("training", "label_flip", float, 0.0, 0.5),
    "average": ("training", "average", float, 0.0, 0.99999),
}
#: What may change while a model trains: weights of losses, learning rates, and the order of
#: steps. The power is not among them, since it changes the data; nor is a network's shape.
MUTABLE = (
    *("W_G", "W_P", "W_T", "W_A", "W_E", "W_B"),
    *("g_learning_rate", "d_learning_rate", "g_steps", "label_flip"),
)
#: Flat name -> (section, field, choices).
_CHOICES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "conditioning": ("generator", "conditioning", ("hadamard", "concat")),
}
_LAYER = re.compile(r"([gd])([1-9])_(filters|kernel(?:_([xyz]))?)")
_MAX_SIZE = {"filters": 1024, "kernel": 32}


def known_names() -> list[str]:
    """Every flat name that a point may use."""
    names = [*_SCALARS, *_CHOICES]
    for net in "gd":
        names.append(f"{net}_layers")
        for i in range(1, MAX_LAYERS + 1):
            names += [f"{net}{i}_{what}" for what in ("filters", "kernel")]
            names += [f"{net}{i}_kernel_{axis}" for axis in "xyz"]
    return names


def configure(preset: Params, point: Point) -> Params:
    """The preset with the values of ``point`` in the place of its own.

    Raises:
        SpaceError: an unknown name, a value of the wrong kind or out of range, or a
            layer that does not exist.
    """
    names = known_names()
    for name in point:
        if name not in names:
            raise SpaceError(
                f"unknown parameter {name!r} of the gan3d family; {suggestion(name, names)}"
            )
    params = preset
    for name, (section, field, kind, low, high) in _SCALARS.items():
        if name in point:
            params = _replaced(params, section, field, _checked(name, point[name], kind, low, high))
    for name, (section, field, choices) in _CHOICES.items():
        if name in point:
            if point[name] not in choices:
                raise SpaceError(f"{name} must be one of {list(choices)}, got {point[name]!r}")
            params = _replaced(params, section, field, point[name])
    generator = dataclasses.replace(
        params.generator, layers=_layers("g", params.generator.layers, point)
    )
    discriminator = dataclasses.replace(
        params.discriminator, layers=_layers("d", params.discriminator.layers, point)
    )
    return dataclasses.replace(params, generator=generator, discriminator=discriminator)


def _replaced(params: Params, section: str, field: str, value: Value) -> Params:
    record = dataclasses.replace(getattr(params, section), **{field: value})
    return dataclasses.replace(params, **{section: record})


def _layers(net: str, layers: tuple[Layer, ...], point: Point) -> tuple[Layer, ...]:
    count = int(
        _checked(f"{net}_layers", point.get(f"{net}_layers", len(layers)), int, 1, MAX_LAYERS)
    )
    result = list(resize(layers, count))
    # The size for all axes first, so that one for a single axis has the last word.
    for name in sorted(point, key=len):
        match = _LAYER.fullmatch(name)
        if match is None or match[1] != net:
            continue
        index = int(match[2])
        if index > count:
            raise SpaceError(
                f"{name!r} exists only when {net}_layers >= {index}, got {net}_layers={count}; "
                f"give it that condition"
            )
        result[index - 1] = _changed(result[index - 1], name, match, point[name])
    return tuple(result)


def _changed(layer: Layer, name: str, match: re.Match[str], value: Value) -> Layer:
    what = "filters" if match[3] == "filters" else "kernel"
    size = int(_checked(name, value, int, 1, _MAX_SIZE[what]))
    if what == "filters":
        return dataclasses.replace(layer, filters=size)
    changed: Callable[[int], bool] = lambda axis: match[4] in (None, "xyz"[axis])  # noqa: E731
    x, y, z = (size if changed(axis) else layer.kernel[axis] for axis in range(3))
    return dataclasses.replace(layer, kernel=(x, y, z))


def resize(layers: tuple[Layer, ...], count: int) -> tuple[Layer, ...]:
    """``count`` layers: extra ones copy the last, and keep the size of the grid.

    Up-sampling of the layers left out moves to the last one kept, so that the grid still
    grows to the size of the calorimeter.
    """
    extra = dataclasses.replace(layers[-1], upsample=(1, 1, 1), change=(0, 0, 0))
    kept = (layers + (extra,) * count)[:count]
    x, y, z = kept[-1].upsample
    for left_out in layers[count:]:
        u = left_out.upsample
        x, y, z = x * u[0], y * u[1], z * u[2]
    return (*kept[:-1], dataclasses.replace(kept[-1], upsample=(x, y, z)))


def _checked(name: str, value: Value, kind: type, low: float, high: float) -> Value:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or (kind is int and not isinstance(value, int)):
        word = "a whole number" if kind is int else "a number"
        raise SpaceError(f"{name} must be {word}, got {value!r}")
    if not low <= value <= high:  # type: ignore[operator]
        raise SpaceError(f"{name} must lie in [{low}, {high}], got {value!r}")
    return value
