"""The published 3DGAN networks as named configurations.

Sources: the fixed-angle form with cells x 100 (2018) and the two variable-angle
generators of svalleco/3Dgan, branch Anglegan; the text with four layers of 16
filters is EPJC 82, 386 (2022). Numbers of parameters:

=====================  =========  =============
preset                 generator  discriminator
=====================  =========  =============
fixed-angle              872,948         73,450
variable-angle-a       1,607,348         87,402
variable-angle-a-16    1,607,348        217,986
variable-angle-b       1,365,047         87,402
=====================  =========  =============
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from search_spaces.errors import SpaceError
from search_spaces.records import suggestion
from workers.models.gan3d.params import (
    Axes,
    Discriminator,
    Generator,
    Layer,
    Params,
    Training,
    Transform,
    Weights,
)

SAME = None


def _layer(
    filters: int, kernel: Axes, pad: Axes | None = (0, 0, 0), upsample: Axes = (1, 1, 1)
) -> Layer:
    """A layer as published: ``pad`` zeros on both sides of each axis, or "same"."""
    if pad is SAME:
        return Layer(filters, kernel, upsample)
    x, y, z = (2 * p - (k - 1) for p, k in zip(pad, kernel, strict=True))
    return Layer(filters, kernel, upsample, (x, y, z))


FIXED_ANGLE = Params(
    shape=(25, 25, 25),
    angle=False,
    generator=Generator(
        latent_size=200,
        conditioning="hadamard",
        seed_grid=(7, 7, 8),
        seed_filters=8,
        layers=(
            _layer(64, (6, 6, 8), SAME),
            _layer(6, (6, 5, 8), (2, 2, 0), (2, 2, 2)),
            _layer(6, (3, 3, 8), (1, 0, 3), (2, 2, 3)),
        ),
        last=_layer(1, (2, 2, 2)),
        last_bias=False,
        activation="leaky_relu",
        norm_epsilon=1e-6,
        norm_momentum=0.99,
    ),
    discriminator=Discriminator(
        layers=(
            _layer(32, (5, 5, 5), SAME),
            _layer(8, (5, 5, 5), (2, 2, 2)),
            _layer(8, (5, 5, 5), (2, 2, 2)),
            _layer(8, (5, 5, 5), (1, 1, 1)),
        ),
        dropout=0.2,
        norm_epsilon=1e-6,
        norm_momentum=0.99,
    ),
    weights=Weights(real_fake=2.0, primary_energy=0.1, angle=25.0, deposited_energy=0.1),
    transform=Transform(scale=100.0, power=1.0),
    training=Training(batch_size=128),
)


def _variable_discriminator(filters: tuple[int, int, int, int], epsilon: float) -> Discriminator:
    first, *others = filters
    pads: tuple[Axes, Axes, Axes] = ((0, 0, 1), (0, 0, 1), (0, 0, 0))
    later = (_layer(f, (5, 6, 6), pad) for f, pad in zip(others, pads, strict=True))
    return Discriminator(
        layers=(_layer(first, (5, 6, 6), SAME), *later),
        dropout=0.2,
        norm_epsilon=epsilon,
        norm_momentum=0.99,
    )


VARIABLE_ANGLE_A = Params(
    shape=(51, 51, 25),
    angle=True,
    generator=Generator(
        latent_size=256,
        conditioning="concat",
        seed_grid=(9, 9, 8),
        seed_filters=8,
        layers=(
            _layer(64, (6, 6, 8), SAME),
            _layer(6, (5, 8, 8), (2, 3, 1), (3, 3, 2)),
            _layer(6, (3, 5, 8), (0, 2, 0), (2, 2, 3)),
        ),
        last=_layer(1, (2, 2, 2)),
        last_bias=False,
        activation="leaky_relu",
        norm_epsilon=1e-3,
        norm_momentum=0.99,
    ),
    discriminator=_variable_discriminator((16, 8, 8, 8), 1e-3),
    # The five-loss form; its bin counts have no gradient, so that the term is off here.
    weights=Weights(real_fake=3.0, primary_energy=0.1, angle=25.0, deposited_energy=0.1),
    transform=Transform(scale=50.0, power=0.85),
    training=Training(batch_size=64),
)

VARIABLE_ANGLE_B = dataclasses.replace(
    VARIABLE_ANGLE_A,
    generator=Generator(
        latent_size=256,
        conditioning="concat",
        seed_grid=(9, 9, 8),
        seed_filters=8,
        layers=(
            _layer(8, (6, 6, 8), (0, 0, 0), (6, 6, 6)),
            _layer(6, (4, 4, 6), (2, 2, 1)),
            _layer(6, (4, 4, 6), (2, 2, 1)),
            _layer(6, (4, 4, 6), (2, 2, 1)),
            _layer(6, (3, 3, 5), (1, 1, 0)),
            _layer(6, (3, 3, 3), (1, 1, 0)),
        ),
        last=_layer(1, (2, 2, 2)),
        last_bias=True,
        activation="relu",
        norm_epsilon=1e-6,
        norm_momentum=0.99,
    ),
    discriminator=_variable_discriminator((16, 8, 8, 8), 1e-6),
)

PRESETS: Mapping[str, Params] = {
    "fixed-angle": FIXED_ANGLE,
    "variable-angle-a": VARIABLE_ANGLE_A,
    "variable-angle-a-16": dataclasses.replace(
        VARIABLE_ANGLE_A, discriminator=_variable_discriminator((16, 16, 16, 16), 1e-3)
    ),
    "variable-angle-b": VARIABLE_ANGLE_B,
}


def preset(name: str) -> Params:
    """The configuration called ``name``.

    Raises:
        SpaceError: no such preset.
    """
    if name not in PRESETS:
        raise SpaceError(f"unknown gan3d preset {name!r}; {suggestion(name, PRESETS)}")
    return PRESETS[name]
