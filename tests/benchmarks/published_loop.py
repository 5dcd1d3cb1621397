"""The published 3DGAN training loop on plain Keras layers: what throughput is compared with.

A physicist who runs the published scripts on today's Keras gets this: three compiled
models, fakes from ``predict``, and four ``train_on_batch`` per batch, whose arrays are
put together in numpy. Layers and loop are those of svalleco/3Dgan, branch Anglegan
(the fixed-angle form with cells x 100, and the variable angle with upsampling first),
as its documents describe them; losses, weights and flips included.

Everything is left at Keras' defaults. One thing is not as in the scripts: the
discriminator is unfrozen before its own steps, because today's Keras looks at
``trainable`` when it compiles the step, and would never train it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
from keras import layers, ops

from objectives.showers import Showers
from workers.models.gan3d.losses import measured_angle

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
Axes: TypeAlias = tuple[int, int, int]
#: Up-sampling, zeros on both sides (None: "same"), filters, kernel.
Row: TypeAlias = tuple[Axes | None, Axes | None, int, Axes]

SLOPE, DROPOUT, EPSILON, FLIP, G_STEPS = 0.3, 0.2, 1e-6, 0.05, 2
NONE = (0, 0, 0)


@dataclass(frozen=True)
class Published:
    """One published network pair with its losses and its data transform."""

    latent_size: int
    seed_grid: Axes
    generator: tuple[Row, ...]
    last_bias: bool
    discriminator: tuple[Row, ...]
    shape: Axes
    weights: tuple[float, ...]
    scale: float
    power: float
    parameters: tuple[int, int]

    @property
    def angle(self) -> bool:
        """Whether theta is a condition and the measured angle an output."""
        return len(self.weights) == 4


PUBLISHED = {
    "fixed-angle": Published(
        latent_size=200,
        seed_grid=(7, 7, 8),
        generator=(
            (None, None, 64, (6, 6, 8)),
            ((2, 2, 2), (2, 2, 0), 6, (6, 5, 8)),
            ((2, 2, 3), (1, 0, 3), 6, (3, 3, 8)),
        ),
        last_bias=False,
        discriminator=(
            (None, None, 32, (5, 5, 5)),
            (None, (2, 2, 2), 8, (5, 5, 5)),
            (None, (2, 2, 2), 8, (5, 5, 5)),
            (None, (1, 1, 1), 8, (5, 5, 5)),
        ),
        shape=(25, 25, 25),
        weights=(2.0, 0.1, 0.1),
        scale=100.0,
        power=1.0,
        parameters=(872_948, 73_450),
    ),
    "variable-angle-b": Published(
        latent_size=256,
        seed_grid=(9, 9, 8),
        generator=(
            ((6, 6, 6), NONE, 8, (6, 6, 8)),
            (None, (2, 2, 1), 6, (4, 4, 6)),
            (None, (2, 2, 1), 6, (4, 4, 6)),
            (None, (2, 2, 1), 6, (4, 4, 6)),
            (None, (1, 1, 0), 6, (3, 3, 5)),
            (None, (1, 1, 0), 6, (3, 3, 3)),
        ),
        last_bias=True,
        discriminator=(
            (None, None, 16, (5, 6, 6)),
            (None, (0, 0, 1), 8, (5, 6, 6)),
            (None, (0, 0, 1), 8, (5, 6, 6)),
            (None, NONE, 8, (5, 6, 6)),
        ),
        shape=(51, 51, 25),
        weights=(3.0, 0.1, 25.0, 0.1),
        scale=50.0,
        power=0.85,
        parameters=(1_365_047, 87_402),
    ),
}


def build_generator(published: Published) -> Any:
    """Latent vectors to images."""
    latent = keras.Input((published.latent_size,))
    x = layers.Dense(int(np.prod(published.seed_grid)) * 8)(latent)
    x = layers.Reshape((*published.seed_grid, 8))(x)
    for i, row in enumerate(published.generator, start=1):
        x = _convolution(row, x, "he_uniform")
        x = layers.ReLU()(x) if published.angle else layers.LeakyReLU(SLOPE)(x)
        if i < len(published.generator):
            x = layers.BatchNormalization(epsilon=EPSILON)(x)
    x = layers.Conv3D(
        1, (2, 2, 2), kernel_initializer="glorot_normal", use_bias=published.last_bias
    )(x)
    return keras.Model(latent, layers.ReLU()(x), name="generator")


def build_discriminator(published: Published) -> Any:
    """Images to real/fake, primary energy, (measured angle,) deposited energy."""
    image = keras.Input((*published.shape, 1))
    x = image
    for i, row in enumerate(published.discriminator):
        x = layers.LeakyReLU(SLOPE)(_convolution(row, x, "glorot_uniform"))
        if i:
            x = layers.BatchNormalization(epsilon=EPSILON)(x)
        x = layers.Dropout(DROPOUT)(x)
    x = layers.Flatten()(layers.AveragePooling3D(2)(x))
    cells = image if published.power == 1 else _lambda(lambda i: i ** (1 / published.power))(image)
    heads = [layers.Dense(1, activation="sigmoid")(x), layers.Dense(1)(x)]
    if published.angle:
        heads.append(_lambda(lambda c: measured_angle(c[..., 0], (1.0, 1.0, 1.0))[:, None])(cells))
    heads.append(_lambda(lambda c: ops.sum(c, axis=(1, 2, 3)))(cells))
    return keras.Model(image, heads, name="discriminator")


def _convolution(row: Row, x: Any, initializer: str) -> Any:
    upsample, pad, filters, kernel = row
    x = layers.UpSampling3D(upsample)(x) if upsample else x
    x = layers.ZeroPadding3D(pad)(x) if pad and any(pad) else x
    padding = "same" if pad is None else "valid"
    return layers.Conv3D(filters, kernel, padding=padding, kernel_initializer=initializer)(x)


def _lambda(function: Any) -> Any:
    return layers.Lambda(function)


class PublishedLoop:
    """The three compiled models and one pass over showers.

    Args:
        preset: a key of :data:`PUBLISHED`.
    """

    def __init__(self, preset: str) -> None:
        self.published = published = PUBLISHED[preset]
        self.rng = np.random.default_rng(1)
        self.generator = build_generator(published)
        self.discriminator = build_discriminator(published)
        counts = (self.generator.count_params(), self.discriminator.count_params())
        assert counts == published.parameters, f"published parameters, got {counts}"
        latent = keras.Input((published.latent_size,))
        self.combined = keras.Model(latent, self.discriminator(self.generator(latent)))
        losses = ["binary_crossentropy", *["mean_absolute_percentage_error"] * 2]
        if published.angle:
            losses.insert(2, "mean_absolute_error")
        self.generator.compile("rmsprop", "binary_crossentropy")
        for model in (self.discriminator, self.combined):
            model.compile("rmsprop", losses, loss_weights=list(published.weights))

    def train_epoch(self, showers: Showers, batch: int) -> list[Sequence[float]]:
        """One pass in the order of the file; (discriminator, generator) losses of every batch."""
        published = self.published
        images = (showers.cells[..., None] * published.scale) ** published.power
        truth: dict[str, Array] = {
            "energy": showers.energy / np.float32(100),
            "theta": showers.theta,
            "sum": published.scale * showers.cells.sum((1, 2, 3)),
        }
        return [
            self._batch(
                images[start : start + batch],
                {name: values[start : start + batch] for name, values in truth.items()},
            )
            for start in range(0, len(showers) - batch + 1, batch)
        ]

    def _batch(self, images: Array, real: dict[str, Array]) -> Sequence[float]:
        latent, fake = self._draw(real)
        fakes = self.generator.predict(latent, batch_size=len(images), verbose=0)
        self.discriminator.trainable = True
        ones = np.ones(len(images), np.float32)
        d_real = self.discriminator.train_on_batch(images, self._targets(self._flipped(ones), real))
        d_fake = self.discriminator.train_on_batch(
            fakes, self._targets(self._flipped(0 * ones), fake)
        )
        self.discriminator.trainable = False
        g: list[Any] = []
        for _ in range(G_STEPS):
            latent, fake = self._draw(real)
            g.append(self.combined.train_on_batch(latent, self._targets(ones, fake)))
        return [0.5 * (d_real[0] + d_fake[0]), float(np.mean([losses[0] for losses in g]))]

    def _draw(self, real: dict[str, Array]) -> tuple[Array, dict[str, Array]]:
        """Latent vectors and the targets of their showers."""
        n = len(real["energy"])
        if self.published.angle:
            noise = self.rng.standard_normal((n, self.published.latent_size - 2), np.float32)
            conditions = np.stack([real["energy"], real["theta"]], axis=1)
            return np.concatenate([conditions, noise], axis=1), real
        energy = self.rng.uniform(0.1, 5.0, n).astype(np.float32)
        noise = self.rng.standard_normal((n, self.published.latent_size), np.float32)
        fit = np.polyval([0.0018, -0.023, 0.11, -0.28, 2.21], energy)
        return noise * energy[:, None], {
            "energy": energy,
            "sum": self.published.scale * energy * fit.astype(np.float32),
        }

    def _targets(self, label: Array, truth: dict[str, Array]) -> list[Array]:
        names = ["energy", "theta", "sum"] if self.published.angle else ["energy", "sum"]
        return [label, *(truth[name] for name in names)]

    def _flipped(self, label: Array) -> Array:
        flip = self.rng.uniform(size=len(label)) < FLIP
        return np.where(flip, 1 - label, label).astype(np.float32)
