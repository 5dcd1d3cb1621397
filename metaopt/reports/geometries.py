"""A geometry as tables: its axes, its layers, what it does to showers, what fits it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaopt.geometries import Fit, simulators, why_no_detector
from metaopt.reports.tables import Table
from search_spaces.cells import Cells
from search_spaces.errors import InfeasibleError
from search_spaces.geometry import Geometry
from workers.models.gan3d.mesh import Mesh
from workers.simulation.detector import Detector
from workers.simulation.medium import Medium, medium


def list_table(geometries: Sequence[Geometry]) -> Table:
    """One row per geometry."""
    rows = tuple(
        (
            g.name,
            _grid(g.shape),
            _range(g.energy),
            _range(g.theta),
            "yes" if simulators(g)[0] else "no",
            g.title,
        )
        for g in geometries
    )
    headers = ("geometry", "cells", "energy [GeV]", "theta [°]", "simulated", "title")
    return Table("", headers, rows, left=(0, 1, 2, 3, 4, 5))


def axes_table(geometry: Geometry) -> Table:
    """One row per axis: cells, their size, the whole extent."""
    grid = isinstance(geometry.cells, Cells)
    seen = None if why_no_detector(geometry) else medium(geometry)
    names = ("x", "y (tilt)", "z (depth)") if grid else ("r", "alpha", "layer")
    rows = []
    for axis, name in enumerate(names):
        edges = geometry.edges(axis)
        extent = float(edges[-1] - edges[0])
        unit = "rad" if not grid and axis == 1 else "mm"
        rows.append(
            (
                name,
                str(geometry.shape[axis]),
                f"{extent / (len(edges) - 1):.4g} {unit}",
                f"{extent:.4g} {unit}",
                _lengths(extent, axis, seen),
            )
        )
    headers = ("axis", "cells", "size", "extent", "extent in shower lengths")
    return Table(f"{geometry.name}: {geometry.title}", headers, tuple(rows))


def _lengths(extent: float, axis: int, seen: Medium | None) -> str:
    if seen is None:
        return "–"
    if axis == 2:
        return f"{extent / seen.radiation_mm:.1f} radiation lengths"
    return f"± {0.5 * extent / seen.moliere_mm:.1f} Molière radii"


def layers_table(geometry: Geometry) -> Table:
    """One row per plate of a layer, from the front; none where nothing can be simulated."""
    headers = ("layer, from the front", "material", "mm", "radiation lengths")
    if why_no_detector(geometry):
        return Table("", headers, ())
    slabs = Detector.of(geometry).slabs
    rows: list[tuple[str, ...]] = [
        (s.role, s.material.name, f"{s.mm:g}", f"{s.mm / s.material.radiation_mm:.3f}")
        for s in slabs
    ]
    total = sum(s.mm / s.material.radiation_mm for s in slabs)
    rows.append(("all", "", f"{sum(s.mm for s in slabs):g}", f"{total:.3f}"))
    return Table("", headers, tuple(rows), left=(0, 1))


def facts_table(geometry: Geometry) -> Table:
    """Ranges, storage, the effective medium: rows of (what, value)."""
    storage = geometry.storage
    keys = [f"{k} in {v!r}" for k in ("showers", "energy", "theta") if (v := getattr(storage, k))]
    rows = [
        ("primary energy", f"{_range(geometry.energy)} GeV"),
        ("angle", f"{_range(geometry.theta)}°" + ("" if geometry.has_angle else ", no condition")),
        ("particles", ", ".join(geometry.particles)),
        ("threshold", f"{1e6 * geometry.threshold:g} keV"),
        ("files", f"{storage.format}: {', '.join(keys)}; {storage.gev_per_unit:g} GeV per unit"),
        ("network grid", _network_grid(geometry)),
    ]
    able, reason = simulators(geometry)
    rows += [] if why_no_detector(geometry) else _medium_rows(geometry)
    rows += [] if able else [("simulation", f"no: {reason}")]
    return Table("", ("", ""), tuple(rows), left=(0, 1))


def _network_grid(geometry: Geometry) -> str:
    """What the 3DGAN sees of the cells."""
    try:
        mesh = Mesh.of(geometry)
    except InfeasibleError as reason:
        return f"none: {reason}"
    absent = "" if mesh.present is None else f", {int(np.sum(mesh.present == 0)):,} cells absent"
    return f"{_grid(mesh.shape)} x 1{absent}" + (", periodic" if mesh.periodic else "")


def _medium_rows(geometry: Geometry) -> list[tuple[str, str]]:
    seen, tuned = medium(geometry), geometry.gflash
    rows = [
        ("simulation", "geant4, gflash"),
        ("radiation length", f"{seen.radiation_mm:.2f} mm"),
        ("Molière radius", f"{seen.moliere_mm:.1f} mm"),
        ("critical energy", f"{seen.critical_mev:.2f} MeV"),
    ]
    if seen.homogeneous:
        return [*rows, ("sampling fraction", "100 %, all of it is read out")]
    fraction, term = (
        "measured" if value else "estimated"
        for value in (tuned.sampling_fraction, tuned.sampling_term)
    )
    return [
        *rows,
        ("sampling fraction", f"{seen.sampling_fraction:.2%}, {fraction}"),
        ("sampling resolution", f"{seen.sampling_term:.1%} / sqrt(E/GeV), {term}"),
    ]


def fits_table(found: Sequence[Fit]) -> Table:
    """One row per search space: whether its published network fits, and its size."""
    rows = tuple(
        (
            fit.space,
            f"no: {fit.reason}" if fit.reason else "yes",
            " + ".join(f"{n:,}" for n in fit.parameters) if fit.parameters else "",
        )
        for fit in found
    )
    headers = ("search space", "published network fits", "parameters")
    return Table("", headers, rows, left=(0, 1))


def _grid(shape: tuple[int, int, int]) -> str:
    return " x ".join(str(n) for n in shape)


def _range(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
