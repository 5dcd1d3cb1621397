"""Versions, and what is installed beside the essentials."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import cache_from_source, find_spec
from pathlib import Path

from metaopt.doctor.finding import Finding

#: What a study cannot do without, by distribution.
REQUIRED = (
    *("metaopt", "tensorflow", "keras", "ray", "optuna", "optuna-dashboard", "sqlalchemy"),
    *("numpy", "scipy", "scikit-learn", "scikit-optimize", "deap", "h5py", "plotly"),
)
#: Extras: the modules that each brings, and what it is for.
EXTRAS = {
    "postgres": (("psycopg",), "a study store shared between machines"),
    "geant4": (("geant4_pybind",), "metaopt simulate with Geant4"),
    "onnx": (("onnx", "onnxruntime"), "metaopt convert --format onnx"),
    "mlflow": (("mlflow",), "metaopt run --log mlflow"),
    "compare": (("cmaes", "torch"), "the strategies cmaes and optuna-gp"),
}
#: The extra of GPU nodes brings CUDA's libraries, which are no modules.
CUDA = "nvidia-cudnn"


def software() -> Iterator[Finding]:
    """Versions; a missing library is a problem."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    yield Finding("python", "ok", f"{platform.python_version()} on {system}")
    found = {name: _version(name) for name in REQUIRED}
    versions = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    yield Finding("versions", "ok", versions)
    missing = ", ".join(name for name, version in found.items() if not version)
    if missing:
        remedy = "install metaopt with pip, which brings them along"
        yield Finding("versions", "problem", f"not installed: {missing}", remedy)
    yield from _bytecode("tensorflow")


def extras() -> Iterator[Finding]:
    """What may be installed beside, and what for."""
    there = {name: all(map(find_spec, modules)) for name, (modules, _) in EXTRAS.items()}
    there["gpu"] = any(d.name.startswith(CUDA) for d in metadata.distributions() if d.name)
    purposes = {name: purpose for name, (_, purpose) in EXTRAS.items()} | {"gpu": "NVIDIA GPUs"}
    for name, installed in there.items():
        text = f"{name} ({purposes[name]}): {'' if installed else 'not '}installed"
        hint = "" if installed else f"where it is wanted: pip install 'metaopt[{name}]'"
        yield Finding("extra", "ok", text, hint)


def _bytecode(module: str) -> Iterator[Finding]:
    """Whether each process compiles the module again, which takes longer than its start."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return
    kept = Path(cache_from_source(spec.origin))
    place = next(folder for folder in kept.parents if folder.exists())
    if kept.exists() or (os.access(place, os.W_OK) and not sys.dont_write_bytecode):
        return
    switch = "PYTHONDONTWRITEBYTECODE is set"
    why = switch if sys.dont_write_bytecode else f"{place} cannot be written to"
    text = f"no bytecode of {module}, and {why}: each process compiles it again, for seconds"
    remedy = f"run once: python -m compileall -q -j 0 {Path(spec.origin).parents[1]}"
    yield Finding("bytecode", "warning", text, remedy)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
