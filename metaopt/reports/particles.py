"""Showers of some of a calorimeter's particle types, in files that may hold others.

A place is a type's number in the geometry's ``particles``. Showers of some types only are
those of the same calorimeter with these types alone, in the same order.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry

Index = NDArray[np.int64]
#: Showers of a type that a reference of several has at least.
FEWEST = 40
#: Of types, rising.
Places = tuple[int, ...]


def places_of(geometry: Geometry) -> Places:
    """Of all types."""
    return tuple(range(len(geometry.particles)))


def shared_places(given: Conditions, known: Conditions, geometry: Geometry, where: str) -> Places:
    """The types of generated showers that the reference has showers of too.

    Of several, those of which it has enough.

    Raises:
        DataError: there are none.
    """
    here, there = (np.unique(c.particle).tolist() for c in (given, known))
    both = tuple(p for p in places_of(geometry) if p in here and p in there)
    both = tuple(p for p in both if (known.particle == p).sum() >= FEWEST) or both
    if not both:
        raise DataError(
            f"{where}: the reference must have showers of the generated ones' particles, got "
            f"places {there} in {list(geometry.particles)} for {here}; choose another reference"
        )
    return both


def rows_of(conditions: Conditions, places: Places, geometry: Geometry) -> Index:
    """The numbers of the showers of some types, rising; a shower of no type is bad in any."""
    others = [place for place in places_of(geometry) if place not in places]
    return np.flatnonzero(~np.isin(conditions.particle, others))


def other_types(
    given: Conditions, known: Conditions, places: Places, geometry: Geometry
) -> tuple[str, ...]:
    """What is told of showers whose type only one of the files has."""
    told = []
    for name, conditions in (("generated", given), ("reference", known)):
        left_out = len(conditions) - len(rows_of(conditions, places, geometry))
        if left_out:
            told.append(
                f"{left_out:,} showers of the {name} file are left out: the other file has none "
                f"of their particles, or the reference fewer than {FEWEST}"
            )
    return tuple(told)


def narrowed(geometry: Geometry, places: Places) -> Geometry:
    """The calorimeter with some of its types."""
    return replace(geometry, particles=tuple(geometry.particles[place] for place in places))


def renumbered(showers: Showers, places: Places) -> Showers:
    """The same showers with their types' numbers among ``places``; -1 for none of them."""
    c = showers.conditions
    place = np.searchsorted(places, c.particle)
    known = np.isin(c.particle, places)
    return Showers(showers.cells, Conditions.of(c.energy, c.theta, np.where(known, place, -1)))
