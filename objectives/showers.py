"""Showers as arrays: cells, primary energy and angle, checked against a geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import DataError
from search_spaces.geometry import Geometry

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Showers:
    """n showers in one calorimeter.

    Attributes:
        cells: deposited energy (n, x, y, z) [GeV], float32.
        energy: primary energy (n,) [GeV], float32.
        theta: angle of incidence (n,) [rad], float32.
    """

    cells: Array
    energy: Array
    theta: Array

    def __post_init__(self) -> None:
        n = len(self.cells)
        if self.cells.ndim != 4 or self.energy.shape != (n,) or self.theta.shape != (n,):
            raise DataError(
                "showers must be cells (n, x, y, z), energy (n,) and theta (n,), got "
                f"{self.cells.shape}, {self.energy.shape} and {self.theta.shape}"
            )

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, index: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Showers:
        return Showers(self.cells[index], self.energy[index], self.theta[index])

    def check(self, geometry: Geometry, where: str = "showers") -> None:
        """Raise :class:`DataError` unless these can be full-simulation showers of ``geometry``.

        Generated showers are not checked: the objective judges them, bad events included.
        """
        if self.cells.shape[1:] != geometry.shape:
            raise DataError(
                f"{where}: cells must be {list(geometry.shape)} for geometry "
                f"{geometry.name!r}, got {list(self.cells.shape[1:])}; check the geometry"
            )
        # One pass without a copy: the minimum is NaN if any cell is.
        lowest = float(self.cells.min()) if self.cells.size else 0.0
        if not np.isfinite(lowest) or not np.isfinite(float(self.cells.max(initial=0.0))):
            raise DataError(f"{where}: every cell must be finite, got NaN or infinity; clean it")
        if lowest < 0:
            raise DataError(f"{where}: every cell must be >= 0 GeV, got {lowest:g}; clean it")
        _check_range(self.energy, geometry.energy, "energy", "GeV", where)
        _check_range(self.theta, geometry.theta_rad, "theta", "rad", where)


def _check_range(
    values: Array, limits: tuple[float, float], name: str, unit: str, where: str
) -> None:
    low, high = limits
    margin = 1e-3 * (high - low) + 1e-5 * high  # float32 storage of the limits
    with np.errstate(invalid="ignore"):
        outside = ~((values >= low - margin) & (values <= high + margin))
    if outside.any():
        raise DataError(
            f"{where}: {name} must lie in [{low:g}, {high:g}] {unit}, got "
            f"{float(values[outside][0]):g} ({int(outside.sum())} events); "
            f"widen the geometry's range or select events"
        )
