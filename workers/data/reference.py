"""The reference artefact of a data set that may be larger than memory."""

from __future__ import annotations

import numpy as np

from objectives.observables import Features, features, filled_cells
from objectives.reference import Mask, Reference, check_usable
from search_spaces.geometry import Geometry
from workers.data.events import Events
from workers.data.splits import Part
from workers.trial import DataSpec


def build_reference(data: DataSpec, geometry: Geometry, judged: Part = "validation") -> Reference:
    """:meth:`Reference.build` of the training and the ``judged`` events of a data set.

    They are read twice, as which cells no other shower fills is an observable of each.
    Memory: one block of showers, and the features of all.

    Raises:
        DataError: a file cannot be read or used, or has too few events.
    """
    training = Events.of(data, geometry, "training")
    parts = (training, Events.of(data, geometry, judged))
    counts = np.zeros(geometry.shape, dtype=np.int64)
    for part in parts:
        for _, showers in part.blocks():
            counts += filled_cells(showers.cells, geometry).sum(axis=0)
    fitted, scored = (_features(part, counts <= 1) for part in parts)
    return Reference.of_features(fitted, scored, geometry, counts == 0, judged)


def check_part(data: DataSpec, geometry: Geometry, part: Part) -> None:
    """Raise :class:`DataError` unless every event of a part can be judged: one pass over them."""
    blocks = Events.of(data, geometry, part).blocks()
    filled = [filled_cells(some.cells, geometry).any(axis=(1, 2, 3)) for _, some in blocks]
    check_usable(~np.concatenate(filled), geometry, part)


def _features(part: Events, unseen: Mask) -> Features:
    """Features of all showers of a part, in the order of the split."""
    places, found = [], []
    for rows, showers in part.blocks():
        places.append(rows)
        found.append(features(showers, part.geometry, unseen))
    joined, back = Features.joined(found), np.argsort(np.concatenate(places))
    return Features(joined.names, joined.values[back], joined.bad[back], joined.conditions[back])
