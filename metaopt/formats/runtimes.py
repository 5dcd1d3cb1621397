"""Runs a generator's file of any format, as :meth:`GenerativeModel.generate` runs the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Array, Conditions
from search_spaces.errors import MissingExtraError
from search_spaces.geometry import Geometry
from workers.models.base import Deployable
from workers.timing import Generate
from workers.trial import Resources

#: Cells (n, x, y, z) [GeV] of named inputs.
Run = Callable[[Mapping[str, NDArray[Any]]], Array]

#: Showers that are computed at once: at most so many, and so many cells.
MOST_SHOWERS, MOST_CELLS = 64, 2**20


def open_file(
    form: str, path: Path, model: Deployable, geometry: Geometry, threads: int = 1
) -> Generate:
    """What generates showers with a file of a format.

    Args:
        form: one of :data:`metaopt.formats.FILES`.
        path: the file.
        model: that it was written from; it draws the noise.
        geometry: of the model.
        threads: of the processor.

    Raises:
        MissingExtraError: the package that runs the format is not installed.
    """
    run = _opened(form, path, threads)
    chunk = int(np.clip(MOST_CELLS // np.prod(geometry.shape), 1, MOST_SHOWERS))

    def generate(conditions: Conditions, seed: int) -> Array:
        given = inputs_of(model, geometry, conditions, seed)
        starts = range(0, len(conditions), chunk)
        parts = [run({k: v[i : i + chunk] for k, v in given.items()}) for i in starts]
        return np.concatenate(parts)

    return generate


def inputs_of(
    model: Deployable, geometry: Geometry, conditions: Conditions, seed: int
) -> dict[str, NDArray[Any]]:
    """The named inputs of a file, for the conditions and the noise of a seed."""
    given: dict[str, NDArray[Any]] = {"energy": conditions.energy}
    if geometry.has_angle:
        given["theta"] = conditions.theta
    if len(geometry.particles) > 1:
        given["particle"] = conditions.particle
    return given | {"noise": model.noise(len(conditions), seed)}


def _opened(form: str, path: Path, threads: int) -> Run:
    if form == "keras":
        from workers.models.tensorflow_files import run_keras

        return run_keras(path, Resources(cpus=threads))
    if form == "tensorflow":
        from workers.models.tensorflow_files import run_tensorflow

        return run_tensorflow(path, Resources(cpus=threads))
    return _run_onnx(path, threads)


def _run_onnx(path: Path, threads: int) -> Run:
    try:
        import onnxruntime
    except ImportError as failure:
        raise MissingExtraError(
            "ONNX files are run by onnxruntime; pip install 'metaopt[onnx]'"
        ) from failure
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda inputs: np.asarray(session.run(["cells"], dict(inputs))[0])
