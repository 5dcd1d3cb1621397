"""A trained generator as files of Keras and TensorFlow, which need nothing of this project."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping
from functools import partial, reduce
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from workers.models.base import Array
from workers.models.gan3d import losses
from workers.models.gan3d.convolution import Convolution, Tensor, wrapped
from workers.models.gan3d.networks import Form, Inputs, Model, build_generator, latent_vectors
from workers.models.gan3d.params import ENERGY_UNIT, Params
from workers.models.gan3d.shapes import Plan, Step, before_after
from workers.models.gan3d.step import Step as TrainingStep

Weights = Mapping[str, Array]


def generator_weights(step: TrainingStep) -> Weights:
    """The arrays with which showers are generated, by ``layer/variable``."""
    followed = [*step.generator.trainable_variables, *step.generator.non_trainable_variables]
    used = step.average.variables if step.average else followed
    return {
        name.path: np.asarray(value.numpy()) for name, value in zip(followed, used, strict=True)
    }


def write_keras(file: Path, params: Params, plan: Plan, weights: Weights) -> None:
    """Write a Keras file (.keras) of Keras' own layers: any Keras 3 loads it."""
    model = _deployed(params, plan, weights, _standard)
    with warnings.catch_warnings():
        # Keras reads its variables by a NumPy 1 protocol.
        warnings.simplefilter("ignore", DeprecationWarning)
        model.save(file)


def write_tensorflow(folder: Path, params: Params, plan: Plan, weights: Weights) -> None:
    """Write a SavedModel, with convolutions in their cheapest form for a CPU."""
    model = _deployed(params, plan, weights, Convolution)
    with contextlib.redirect_stdout(io.StringIO()):  # TensorFlow prints where it writes
        model.export(folder, format="tf_saved_model", verbose=False)


def _deployed(
    params: Params, plan: Plan, weights: Weights, convolution: Callable[..., Any]
) -> Model:
    """Named inputs to cells in GeV: see :class:`~workers.models.base.Deployable`."""
    inputs = {"energy": keras.Input((), name="energy")}
    if params.angle:
        inputs["theta"] = keras.Input((), name="theta")
    if params.particles > 1:
        inputs["particle"] = keras.Input((), name="particle", dtype="int32")
    inputs["noise"] = keras.Input((params.noise_size,), name="noise")
    conditions = Inputs(inputs["energy"] / ENERGY_UNIT, inputs.get("theta"), inputs.get("particle"))
    generator = build_generator(params, plan, 0, Form(), convolution)
    for variable in generator.variables:
        variable.assign(weights[variable.path])
    image = generator(latent_vectors(params, inputs["noise"], conditions))
    cells = losses.to_cells(params.transform, image, plan.mesh)
    return keras.Model(inputs, {"cells": cells}, name="showers")


def _standard(
    step: Step, initializer: Any, *, bias: bool, pairs: bool, dtype: str, name: str
) -> Callable[[Tensor], Tensor]:
    """The layers that a :class:`Convolution` takes the place of."""
    del pairs
    layer = step.layer
    along_x, along_y, along_z = before_after(step.pads)
    around = [partial(wrapped, front=along_y[0], back=along_y[1])] if step.periodic else []
    zeros = (along_x, (0, 0) if step.periodic else along_y, along_z)
    made = [
        layers.UpSampling3D(layer.upsample, dtype=dtype, name=f"{name}_upsampling"),
        *around,
        layers.ZeroPadding3D(zeros, dtype=dtype, name=f"{name}_zeros"),
        layers.Conv3D(
            layer.filters,
            layer.kernel,
            use_bias=bias,
            kernel_initializer=initializer,
            dtype=dtype,
            name=name,
        ),
    ]

    def apply(x: Tensor) -> Tensor:
        return reduce(lambda y, layer: layer(y), made, x)

    return apply
