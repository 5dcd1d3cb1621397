"""Which calorimeter a shower file is of."""

from __future__ import annotations

import json
import math
from pathlib import Path

import h5py
import numpy as np

from metaopt.reports.shower_files import conditions_of
from objectives.showers import Conditions
from search_spaces.cells import Cells
from search_spaces.documents import DAMAGE
from search_spaces.errors import DataError, GeometryError, MetaoptError
from search_spaces.geometry import Geometry, Storage
from search_spaces.loader import builtin_names, load_geometry
from search_spaces.records import decode
from workers.data.remote import local_path

#: Share of a built-in geometry's range that a file must span to be taken for one of its files.
LEAST_SPAN = 0.5
#: Spread of theta [degrees] below which it is no condition.
LEAST_ANGLE = 1.0


def find_geometry(path: str, name: str | None, generated: str = "") -> tuple[Geometry, str]:
    """The geometry of two files, and what the user should be told about the choice.

    Without a name it is the one that is written in the file of generated showers, where the
    reference is laid out like it; else the one built-in geometry whose layout, shape and ranges
    fit the reference. Where no shape fits, a regular grid is made up from the file: observables
    are then in cells, which is what every distance between two files of one shape needs.

    Args:
        path: the reference's file.
        name: built-in name or TOML file; None to find it.
        generated: file of the generated showers, if there is one.

    Raises:
        GeometryError: if several geometries could be meant, or none and the layout is unknown.
        DataError: if the file cannot be read.
    """
    own = written_geometry(generated) if generated else None
    if name is not None:
        geometry = load_geometry(name)
        return geometry, _other_than(geometry, own, generated)
    if own is not None and _conditions(path, own) is not None:
        return own, f"geometry {own.name}, as {Path(generated).name} says"
    known = [load_geometry(n) for n in builtin_names("geometries")]
    of_shape = [(g, c) for g in known if (c := _conditions(path, g)) is not None]
    fitting = [g for g, c in of_shape if _spans(g, c)]
    if len(fitting) == 1:
        return fitting[0], f"geometry {fitting[0].name}, found by shape and ranges"
    if of_shape:
        names = ", ".join(g.name for g, _ in of_shape)
        raise GeometryError(
            f"{path}: without --geometry exactly one built-in geometry must fit shape and ranges, "
            f"got {len(fitting)}; give one of these, or a TOML file: {names}"
        )
    return _made_up(path)


def written_geometry(path: str) -> Geometry | None:
    """The geometry that `metaopt generate` wrote into a file, if it made it."""
    try:
        with h5py.File(local_path(path), "r") as file:
            return decode(Geometry, json.loads(file.attrs["geometry"]), path)
    except (*DAMAGE, RuntimeError, MetaoptError):
        return None  # damage is told by those who read the showers


def _other_than(geometry: Geometry, own: Geometry | None, generated: str) -> str:
    """What is told of showers that were generated for another geometry than that given."""
    if own is None:
        return ""
    pairs = {
        "cells": (own.cells.identity, geometry.cells.identity),
        "threshold": (own.threshold, geometry.threshold),
        "particles": (own.particles, geometry.particles),
        "storage.gev_per_unit": (own.storage.gev_per_unit, geometry.storage.gev_per_unit),
    }
    other = [key for key, (there, given) in pairs.items() if there != given]
    if not other:
        return ""
    return (
        f"note: {Path(generated).name} was generated with other {', '.join(other)} than geometry "
        f"{geometry.name} has; leave --geometry out to compare as it was generated"
    )


def _conditions(path: str, geometry: Geometry) -> Conditions | None:
    """The conditions in the file if layout and shape are those of the geometry."""
    if not local_path(path).is_file():
        raise DataError(f"{path}: no such file; check the path")
    try:
        return conditions_of(path, geometry)
    except DataError:
        return None


def _spans(geometry: Geometry, conditions: Conditions) -> bool:
    """Whether the conditions lie in the geometry's ranges and fill much of them."""
    ranges = [(conditions.energy, geometry.energy)]
    ranges += [(np.degrees(conditions.theta), geometry.theta)] * geometry.has_angle
    for values, (low, high) in ranges:
        margin = 1e-3 * (high - low)
        if values.min() < low - margin or values.max() > high + margin:
            return False
        if np.ptp(values) < LEAST_SPAN * (high - low):
            return False
    return True


def _made_up(path: str) -> tuple[Geometry, str]:
    """A regular grid of unit cells for a file in the layout of 3DGAN."""
    try:
        with h5py.File(local_path(path), "r") as file:
            shapes = {k: file[k].shape for k in file if isinstance(file[k], h5py.Dataset)}
            theta = np.degrees(file["theta"][:]) if "theta" in shapes else np.full(1, 90.0)
            energy = np.asarray(file["energy"][:]) if "energy" in shapes else np.zeros(0)
    except DAMAGE as failure:
        raise DataError(f"{path}: not a readable HDF5 file ({failure})") from failure
    cells = shapes.get("ECAL", ())
    if len(cells) != 4 or energy.shape != cells[:1] or not energy.size:
        found = ", ".join(f"{k} {list(s)}" for k, s in shapes.items()) or "none"
        raise GeometryError(
            f"{path}: without --geometry the data sets must be ECAL (n, x, y, z) and energy (n,), "
            f"got {found}; give --geometry with the [storage] of the file"
        )
    nx, ny, nz = (int(n) for n in cells[1:])
    geometry = Geometry(
        name=f"grid-{nx}x{ny}x{nz}",
        cells=Cells((nx, ny, nz), (1.0, 1.0, 1.0)),
        energy=(float(energy.min()), math.nextafter(float(energy.max()), math.inf)),
        theta=_angles(theta),
        storage=Storage(theta="theta" if "theta" in shapes else ""),
    )
    return geometry, (
        f"no built-in geometry has {nx} x {ny} x {nz} cells: taken for a regular grid of unit "
        "cells, energies in GeV, threshold 1 keV; give --geometry if that is wrong"
    )


def _angles(theta: np.ndarray) -> tuple[float, float]:
    """The range of theta [degrees], or normal incidence where it does not vary."""
    low, high = float(theta.min()), float(theta.max())
    return (low, high) if high - low > LEAST_ANGLE else (90.0, 90.0)
