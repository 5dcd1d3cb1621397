"""Runs Keras files and SavedModels of :class:`~workers.models.base.Deployable` models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from workers.models.base import Array
from workers.models.gan3d import backend
from workers.trial import Resources

#: Cells (n, x, y, z) [GeV] of named inputs.
Run = Callable[[Mapping[str, NDArray[Any]]], Array]


def run_keras(file: Path, resources: Resources) -> Run:
    """What a Keras file computes, compiled; nothing in the file is executed as Python."""
    backend.start(resources)
    import keras
    import tensorflow as tf

    model = keras.models.load_model(file, compile=False, safe_mode=True)
    call = tf.function(lambda inputs: model(inputs, training=False)["cells"])

    def run(inputs: Mapping[str, NDArray[Any]]) -> Array:
        cells: Array = call(dict(inputs)).numpy()
        return cells

    return run


def run_tensorflow(folder: Path, resources: Resources) -> Run:
    """What a SavedModel computes."""
    backend.start(resources)
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    signature = loaded.signatures["serving_default"]

    def run(inputs: Mapping[str, NDArray[Any]]) -> Array:
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        cells: Array = signature(**tensors)["cells"].numpy()
        return cells

    # The signature lives as long as what was loaded.
    run.loaded = loaded  # type: ignore[attr-defined]
    return run
