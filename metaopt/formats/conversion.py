"""A model's folder to files that other programs load, each checked against the model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaopt.export import TOLERANCE, Ranges, load_model, load_production
from metaopt.formats import FILES
from metaopt.formats.quantisation import quantise
from metaopt.formats.runtimes import inputs_of, open_file
from objectives.showers import Conditions
from search_spaces.errors import ConfigError, DataError
from search_spaces.geometry import Geometry
from search_spaces.whole import beside
from workers.models.base import Deployable

#: Formats whose showers are the model's but for the order of sums.
EXACT = ("keras", "tensorflow", "onnx")
#: Showers that are compared, all over the ranges and as many at the lowest energy; batches of
#: showers all over the ranges from which int8 takes its own.
COMPARED, SAMPLES = 16, 16
DRAW = 4


@dataclass(frozen=True)
class Converted:
    """A file, and how far its showers are from the model's.

    Attributes:
        form: its format.
        path: of a file, or of a folder.
        size: in bytes.
        difference: largest difference of a cell, relative to the largest cell.
        energy: its deposited energy over the model's, of showers all over the trained ranges.
        lowest: the same of showers of the lowest primary energy, which the others outweigh.
    """

    form: str
    path: Path
    size: int
    difference: float
    energy: float
    lowest: float


def convert(
    folder: Path, out: Path, forms: Sequence[str], tell: Callable[[Converted], None]
) -> list[Converted]:
    """Write a model's files of some formats into a folder; older ones are replaced.

    Args:
        folder: of the model: an export, or the result of a training.
        out: where the files go.
        forms: names of formats.
        tell: told each file when it is there.

    Raises:
        ConfigError: the model cannot be deployed, or the folder cannot be written.
        DataError: a file's showers are not the model's.
        MissingExtraError: a package is not installed.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: cannot be written, as it is a file; give a folder")
    # The files compute in single precision, whatever the model was trained in.
    production, model = load_production(folder), load_model(folder, precision="float32")
    geometry, trained = production.geometry, production.trained
    if not isinstance(model, Deployable):
        raise ConfigError(f"{folder}: models of this family cannot be converted; use another")
    conditions = _compared_at(geometry, trained)
    expected = model.generate(conditions, DRAW)
    made = []
    try:
        for form in forms:
            with beside(out) as place:
                part = place / FILES[form]
                _write(form, part, model, geometry, trained)
                cells = open_file(form, part, model, geometry)(conditions, DRAW)
                converted = _compared(form, part, cells, expected)
                made.append(_placed(converted, out))
            tell(made[-1])
    except OSError as failure:
        raise ConfigError(f"{out}: cannot be written ({failure}); choose another") from failure
    return made


def _write(form: str, path: Path, model: Deployable, geometry: Geometry, trained: Ranges) -> None:
    if form == "keras":
        model.write_keras(path)
    elif form == "tensorflow":
        model.write_tensorflow(path)
    elif form == "onnx-float16":
        model.write_onnx(path, "float16")
    else:
        model.write_onnx(path)
    if form == "onnx-int8":
        exact = path.rename(path.with_name("exact.onnx"))
        quantise(exact, path, _samples(model, geometry, trained))


def _samples(
    model: Deployable, geometry: Geometry, trained: Ranges
) -> Iterator[dict[str, NDArray[Any]]]:
    conditions = _spread(geometry, trained, COMPARED)
    return (inputs_of(model, geometry, conditions, seed) for seed in range(SAMPLES))


def _spread(geometry: Geometry, trained: Ranges, n: int) -> Conditions:
    """Conditions all over the trained ranges."""
    energy = np.linspace(*trained.energy, n)
    theta = np.radians(np.linspace(*trained.theta, n))[5 * np.arange(n) % n]
    return Conditions.of(energy, theta, np.arange(n) % len(geometry.particles))


def _compared_at(geometry: Geometry, trained: Ranges) -> Conditions:
    """Conditions all over the trained ranges, then as many of the lowest energy."""
    spread = _spread(geometry, trained, COMPARED)
    lowest = np.full(COMPARED, trained.energy[0])
    return Conditions.joined([spread, Conditions.of(lowest, spread.theta, spread.particle)])


def _compared(
    form: str, part: Path, cells: NDArray[np.float32], expected: NDArray[np.float32]
) -> Converted:
    """Raise :class:`DataError` unless an exact format gives the model's showers."""
    largest = max(float(expected.max()), 1e-30)
    difference = float(np.abs(cells - expected).max()) / largest
    if not np.isfinite(difference) or (form in EXACT and difference > TOLERANCE):
        raise DataError(
            f"{form}: showers must be the model's within {TOLERANCE:.0e} of the largest cell, got "
            f"{difference:.1e}; report this"
        )
    energy, lowest = (
        float(cells[some].sum(dtype=float) / max(expected[some].sum(dtype=float), 1e-30))
        for some in (slice(COMPARED), slice(COMPARED, None))
    )
    files = [part] if part.is_file() else [f for f in part.rglob("*") if f.is_file()]
    size = sum(f.stat().st_size for f in files)
    return Converted(form, part, size, difference, energy, lowest)


def _placed(made: Converted, out: Path) -> Converted:
    """Move a checked file to its place."""
    target = out / made.path.name
    if target.is_dir():
        shutil.rmtree(target)
    made.path.replace(target)
    return replace(made, path=target)
