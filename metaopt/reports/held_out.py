"""A trained model against the test split, which has decided nothing about it.

Notation, as for two files:

    fitted    training events, to which pulls and floors are fitted
    judged    test events, at whose conditions showers are generated
    null      validation events, in the place of generated showers: Geant4 against Geant4
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metaopt.generation import block_size
from metaopt.reports.validation import FullSimulation, Validation, compare
from objectives.observables import Features, features, filled_cells
from objectives.reference import Reference
from objectives.showers import Showers
from objectives.views import Observed, View, observe
from search_spaces.geometry import Geometry
from workers.data import Events
from workers.models.base import GenerativeModel
from workers.runner import FINAL_DRAW
from workers.simulation.label import parametrised
from workers.trial import DataSpec


def validate(model: GenerativeModel, name: str, data: DataSpec, geometry: Geometry) -> Validation:
    """Compare a model's showers with the test events, one for each of them.

    Memory: a block of showers, and some hundred bytes of each.

    Args:
        model: generates the showers.
        name: of the model, for people.
        data: with the test events; none of them may have trained or chosen the model.
        geometry: of both.

    Raises:
        DataError: a file cannot be read, or a part has too few events.
    """
    full = full_simulation(data, geometry)
    generated = observe(_generated(model, full.reference), geometry, full.reference.features)
    made = compare((name, "the test split"), *generated, full)
    return replace(made, notes=(*made.notes, *parametrised(data.files)))


def full_simulation(data: DataSpec, geometry: Geometry) -> FullSimulation:
    """The full simulation's side: the files are read twice, in blocks."""
    training, null, test = (
        Events.of(data, geometry, part) for part in ("training", "validation", "test")
    )
    counts = _filled(training) + _filled(test)
    fitted = Features.joined([features(s, geometry, counts <= 1) for s in _showers(training)])
    judged, view = _observed(test, counts <= 1)
    reference = Reference.of_features(fitted, judged.features, geometry, counts == 0, "test")
    sample = fitted.sample(reference.names)
    return FullSimulation(reference, judged, _observed(null, counts == 0)[0], sample, view)


def _generated(model: GenerativeModel, reference: Reference) -> Iterator[Showers]:
    """Showers at the conditions of all judged events, each block with noise of its own."""
    conditions, size = reference.conditions(len(reference)), block_size(reference.geometry)
    for block, first in enumerate(range(0, len(conditions), size)):
        some = conditions[first : first + size]
        draw = int(np.random.SeedSequence([FINAL_DRAW, block]).generate_state(1)[0])
        yield Showers(model.generate(some, draw), some)


def _observed(events: Events, unseen: NDArray[np.bool_]) -> tuple[Observed, View]:
    geometry = events.geometry
    return observe(_showers(events), geometry, lambda s: features(s, geometry, unseen))


def _filled(events: Events) -> NDArray[np.int64]:
    """How many of the showers fill each cell (x, y, z)."""
    counts = np.zeros(events.geometry.shape, dtype=np.int64)
    for showers in _showers(events):
        counts += filled_cells(showers.cells, events.geometry).sum(axis=0)
    return counts


def _showers(events: Events) -> Iterator[Showers]:
    return (showers for _, showers in events.blocks())
