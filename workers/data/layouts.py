"""The layouts of shower files: how each data set's authors order and measure the cells.

==============  ==================================  ==================  ==================
format          cells of one shower in the file     primary energy      angle
==============  ==================================  ==================  ==================
3dgan           (x, y, z), or (x, y, z, 1)          GeV, in any column  rad
calochallenge   flat: layer by layer, in a layer    MeV                 none
                angle by angle, in an angle by r
par04           (r, alpha, layer)                   MeV                 rad
==============  ==================================  ==================  ==================

Sources: 3DGAN, zenodo 3603086; CaloChallenge, arXiv:2410.21611; Par04 and LEMURS,
arXiv:2509.05108. LEMURS also stores ``incident_phi``: its mesh turns with the
particle, and the detectors are alike all around, so that phi is not a condition.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import GeometryError
from search_spaces.geometry import Geometry

Array = NDArray[np.float32]
Shape = tuple[int, ...]

GEV_PER_MEV = 1e-3


def check_keys(geometry: Geometry, *others: str) -> None:
    """Raise :class:`GeometryError` unless a file can hold each data set of a geometry by its name.

    Files that are only read may have several quantities in one data set.

    Args:
        geometry: says the names.
        others: further data sets of the file.
    """
    storage = geometry.storage
    keys = [k for k in (storage.showers, storage.energy, storage.theta, storage.particle) if k]
    places = [tuple(part for part in k.split("/") if part) for k in (*keys, *others)]
    for i, place in enumerate(places):
        for other in places[:i]:
            # A data set can neither be another one nor hold it.
            if place[: len(other)] == other or other[: len(place)] == place:
                own = f" and {', '.join(others)} of metaopt's own" if others else ""
                raise GeometryError(
                    f"geometry {geometry.name!r}: each quantity must have a data set of its own to "
                    f"be written, got {', '.join(keys)}{own}; rename one in [storage]"
                )


class Layout(Protocol):
    """What differs between the formats of shower files."""

    #: GeV per unit of the primary energy.
    energy_unit: float

    def shapes(self, geometry: Geometry) -> tuple[Shape, ...]:
        """Shapes that one shower's cells may have in the file; the first is the usual one."""

    def cells(self, stored: Array, geometry: Geometry) -> Array:
        """Cells (n, *shape of the geometry) of n showers as stored, in the same unit."""


class ArrayLayout:
    """Arrays as the geometry has them: the layouts of 3DGAN and of Geant4's example Par04.

    Args:
        energy_unit: GeV per unit of the primary energy.
        channel: whether arrays may have a channel axis of length 1.
    """

    def __init__(self, energy_unit: float, *, channel: bool) -> None:
        self.energy_unit = energy_unit
        self._channel = channel

    def shapes(self, geometry: Geometry) -> tuple[Shape, ...]:
        """The geometry's."""
        return (geometry.shape, (*geometry.shape, 1)) if self._channel else (geometry.shape,)

    def cells(self, stored: Array, geometry: Geometry) -> Array:
        """The same cells without a channel axis."""
        return stored.reshape(len(stored), *geometry.shape)


class CaloChallengeLayout:
    """The layout of CaloChallenge: the cells that exist, in one row."""

    energy_unit = GEV_PER_MEV

    def shapes(self, geometry: Geometry) -> tuple[Shape, ...]:
        """As long as the number of cells that exist."""
        return ((len(_places(geometry)),),)

    def cells(self, stored: Array, geometry: Geometry) -> Array:
        """Cells (n, r, alpha, layer); those that a layer does not have are zero."""
        cells = np.zeros((len(stored), *geometry.shape), dtype=np.float32)
        cells.reshape(len(stored), -1)[:, _places(geometry)] = stored
        return cells


def flatten(cells: Array, geometry: Geometry) -> Array:
    """The inverse of :meth:`CaloChallengeLayout.cells`: what a file of CaloChallenge holds.

    Args:
        cells: (n, r, alpha, layer) in any unit.
        geometry: of the cells.

    Returns:
        (n, number of cells that exist), in the same unit.
    """
    flat: Array = cells.reshape(len(cells), -1)[:, _places(geometry)]
    return flat


def layout_of(geometry: Geometry) -> Layout:
    """The layout that a geometry's files have."""
    return _LAYOUTS[geometry.storage.format]


def _places(geometry: Geometry) -> NDArray[np.intp]:
    """Where each cell of a file of CaloChallenge stands among all cells of an array."""
    places = np.arange(np.prod(geometry.shape), dtype=np.intp).reshape(geometry.shape).T
    return places.ravel() if geometry.present is None else places[geometry.present.T]


_LAYOUTS: dict[str, Layout] = {
    "3dgan": ArrayLayout(1.0, channel=True),
    "calochallenge": CaloChallengeLayout(),
    "par04": ArrayLayout(GEV_PER_MEV, channel=False),
}
