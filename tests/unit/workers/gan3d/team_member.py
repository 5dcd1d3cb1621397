"""The second of two workers, in a process of its own: TensorFlow would make threads wait."""

from __future__ import annotations

import json
import sys
from typing import Any

import keras
import numpy as np

from workers.models.gan3d.family import Gan3DModel
from workers.production.ring import Address, Door

from .conftest import model, showers

KEY = b"key"
#: A third of 33 is no whole number of showers for two workers.
DATA = showers(33)
Weights = np.ndarray[Any, Any]


def frozen() -> Gan3DModel:
    """A model whose update is a mean over showers.

    Batch normalisation has its moving statistics. Plain descent: RMSprop divides by the size of
    a gradient, so that one of nothing but rounding moves a weight as much as any other.
    """
    made = model(dropout=0.0, batch_size=33, W_B=1.0, average=0.9, g_steps=1)
    step = made.trainer.step
    for network in (step.generator, step.discriminator):
        for layer in network.layers:
            layer.trainable = "norm" not in layer.name
    step.g_optimizer = keras.optimizers.SGD(1e-3)
    step.d_optimizer = keras.optimizers.SGD(1e-3)
    step.g_optimizer.build(step.generator.trainable_variables)
    step.d_optimizer.build(step.discriminator.trainable_variables)
    return made


def weights(made: Gan3DModel) -> Weights:
    """All variables of both networks."""
    t = made.trainer
    variables = [*t.generator.variables, *t.discriminator.variables]
    real = [v.numpy() for v in variables if "float" in str(v.dtype)]
    return np.concatenate([array.ravel() for array in real])


def train(door: Door, rank: int, addresses: list[Address]) -> list[tuple[float, Weights]]:
    """Loss and weights of the frozen model after one step, and of a usual one after two epochs."""
    ring = door.ring(rank, addresses)
    done = []
    for made, epochs in ((frozen(), 1), (model(average=0.9), 2)):
        if rank:  # other bits than the first worker's, as of another processor
            kernel = made.trainer.generator.trainable_variables[0]
            kernel.assign(kernel.numpy() * (1 + 1e-6))
        made.join(ring)
        for epoch in range(epochs):
            losses = made.train_epoch(DATA, epoch + 1)
        done.append((losses["g_deposited_energy"], weights(made)))
    ring.close()
    return done


def main() -> None:
    """Arguments: the first worker's host and port, and a file for the weights."""
    from workers.models.gan3d import backend
    from workers.trial import Resources

    backend.start(Resources())
    door = Door("127.0.0.1", KEY)
    print(json.dumps(door.address), flush=True)
    done = train(door, 1, [(sys.argv[1], int(sys.argv[2])), door.address])
    np.savez(sys.argv[3], *(w for _, w in done))
