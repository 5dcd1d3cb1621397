"""The moving average of a generator's weights, with which showers are generated.

Adversarial weights circle around a solution; their average lies nearer to it (Yazici et
al., arXiv:1806.04498). After step t of T the average moves by (1 - decay_t) of its distance,
decay_t = min(decay, (1 + t)/(10 + t)), so that the first weights are soon forgotten. Moving
statistics of batch normalisation are averaged alike.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from workers.models.gan3d.convolution import Tensor
from workers.models.gan3d.networks import Model


class MovingAverage:
    """A copy of the generator's variables that follows them."""

    def __init__(self, generator: Model, decay: float) -> None:
        self._generator = generator
        self._decay = decay
        self._followed = [*generator.trainable_variables, *generator.non_trainable_variables]
        # Of arrays: a variable made from another one's value shares its memory.
        self.variables = [
            keras.Variable(v.numpy(), trainable=False, dtype=v.dtype) for v in self._followed
        ]

    def update(self, step: Tensor) -> None:
        """Follow the generator after step number ``step``."""
        t = ops.cast(step, "float32")
        share = 1.0 - ops.minimum(self._decay, (1.0 + t) / (10.0 + t))
        for mean, value in zip(self.variables, self._followed, strict=True):
            mean.assign(mean.value + share * (value.value - mean.value))

    def generate(self, latent: Tensor) -> Any:
        """Images of latent vectors, by the averaged weights."""
        trainable = len(self._generator.trainable_variables)
        image, _ = self._generator.stateless_call(
            self.variables[:trainable], self.variables[trainable:], latent, training=False
        )
        return image
