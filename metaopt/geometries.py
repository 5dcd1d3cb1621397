"""Geometry files for people: all their errors at once, what fits them, and a template."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from search_spaces.cells import Cells
from search_spaces.documents import read_toml
from search_spaces.errors import GeometryError, InputError
from search_spaces.geometry import Geometry, Layers
from search_spaces.loader import builtin_names, is_path, load_geometry, load_space
from search_spaces.records import decode
from workers.models.base import PredictsCost
from workers.models.registry import make_family
from workers.simulation.detector import Detector
from workers.simulation.job import ENGINES, Engine, check_simulable

#: The least that a geometry needs: one key of a file at a time is tried with it.
_LEAST: dict[str, Any] = {
    "energy": [1.0, 2.0],
    "cells": {"shape": [8, 8, 8], "pitch": [1.0, 1.0, 1.0]},
}


@dataclass(frozen=True)
class Fit:
    """Whether the published network of a search space can be built for a geometry.

    Attributes:
        space: name of the built-in space.
        reason: why it cannot; empty if it can.
        parameters: of generator and discriminator, where the family knows.
    """

    space: str
    reason: str
    parameters: tuple[int, int] | None


def errors_of(path: str) -> list[str]:
    """Everything that is wrong with a geometry file, one line each.

    Args:
        path: of the TOML file, or the name of a built-in geometry.

    Raises:
        GeometryError: it cannot be read, or is no TOML.
    """
    found: list[str] = []
    if is_path(path):
        file = Path(path)
        for tables in _one_by_one(read_toml(file, GeometryError), file.stem):
            found += _errors(partial(_described, tables, path))
    # What is missing, and what fits no other key.
    found += _errors(lambda: _check_described(load_geometry(path)))
    return list(dict.fromkeys(found))


def _one_by_one(tables: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Tables that are right but for one key of the file."""
    least = {"name": name, **_LEAST}
    for key, value in tables.items():
        whole = key == "cells" and isinstance(value, dict) and value.get("kind") == "cylinder"
        if isinstance(value, dict) and not whole:
            for inner, entry in value.items():
                yield least | {key: {**_LEAST.get(key, {}), inner: entry}}
        else:
            yield least | {key: value}


def _described(tables: dict[str, Any], path: str) -> None:
    decode(Geometry, tables, path, GeometryError)


def _check_described(geometry: Geometry) -> None:
    """Layers that are described must be right; a geometry without any is only not simulated."""
    if isinstance(geometry.cells, Cells) and geometry.layers != Layers():
        Detector.of(geometry)


def _errors(attempt: Callable[[], None]) -> list[str]:
    try:
        attempt()
    except GeometryError as failure:
        return [str(failure)]
    return []


def fits(geometry: Geometry) -> list[Fit]:
    """The published networks of all built-in spaces, in milliseconds each."""
    made = []
    for name in builtin_names("spaces"):
        space = load_space(name)
        family, point = make_family(space.family), space.baselines[0].point
        reason = family.problem(space.preset, point, geometry) or ""
        sizes = None
        if not reason and isinstance(family, PredictsCost):
            m = family.static_metrics(space.preset, point, geometry)
            sizes = int(m["generator_parameters"]), int(m["discriminator_parameters"])
        made.append(Fit(name, reason, sizes))
    return made


def why_no_detector(geometry: Geometry) -> str:
    """Why the layers of a geometry are no detector; empty if they are."""
    try:
        Detector.of(geometry)
    except GeometryError as failure:
        return str(failure)
    return ""


def simulators(geometry: Geometry) -> tuple[tuple[Engine, ...], str]:
    """The engines that `metaopt simulate` can take as it is; why not, where there are none."""
    reasons = {engine: _why_not(geometry, engine) for engine in ENGINES}
    able = tuple(engine for engine, reason in reasons.items() if not reason)
    return able, "" if able else reasons[ENGINES[0]]


def _why_not(geometry: Geometry, engine: Engine) -> str:
    try:
        check_simulable(geometry, engine, geometry.particles)
    except InputError as failure:
        return str(failure)
    return ""


def template(name: str) -> str:
    """A geometry file with comments, to be adapted; it can be simulated as it is."""
    # TOML has no surrogates, and no bare DEL.
    title = json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
    return TEMPLATE.replace("NAME", title, 1)


TEMPLATE = """\
# A calorimeter. After every change: metaopt geometry check FILE
title = NAME
energy = [10.0, 100.0]      # GeV, lowest and highest primary energy
theta = [90.0, 90.0]        # degrees; 90 is normal incidence, equal ends mean no angle
threshold = 1e-6            # GeV; cells below it read zero
particles = ["e-"]          # simulated are e-, e+, gamma and mu-

[cells]                     # the readout; z is the depth, and a tilted axis tilts along y
shape = [25, 25, 30]        # cells along x, y, z; networks need 8 to 128 of each
pitch = [5.0, 5.0, 6.0]     # mm; along z: a layer below, or a whole number of them

[layers]                    # from the front: absorber, gap, sensor, gap
absorber = "W"              # Al Fe Cu W Pb U; leave out absorber and gap if all of it is read out
absorber_mm = 3.5
sensor = "Si"               # Si lAr lKr polystyrene PVT PbWO4 CsI BGO NaI lead-glass
sensor_mm = 0.5
gap = "polystyrene"         # any of these, or air, in which showers become wide
gap_mm = 2.0
gap_front = 0.5             # share of the gap before the sensor
plate_mm = 200              # width of absorber and gap

[storage]                   # of the HDF5 files
format = "3dgan"
showers = "ECAL"            # (n, x, y, z)
energy = "energy"           # (n,) GeV
theta = "theta"             # (n,) rad; "" where all have one angle
gev_per_unit = 1.0          # GeV per unit of the cells

[gflash]                    # tunes the parametrised simulation; 0 is estimated
sampling_fraction = 0.0     # visible over deposited energy
sampling_term = 0.0         # sigma(E)/E sqrt(E), sqrt(GeV)
maximum_shift = 0.0         # of the shower maximum, radiation lengths
radial_scale = 1.0          # of distances from the axis
spot_scale = 1.0            # of the number of energy spots
"""
