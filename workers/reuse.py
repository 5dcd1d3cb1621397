"""The model of the last training of a process, for the next one of the same networks.

To build and compile a network takes seconds. Trainings that differ only in what may change
while a model trains take it over as it is, with the weights and the seed of their own state.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search_spaces.errors import DataError
from search_spaces.parameters import Point
from search_spaces.records import encode
from workers.models.adjusting import mutable_names
from workers.models.base import Adjustable, GenerativeModel
from workers.models.registry import make_family
from workers.trial import TrialSpec


class Models:
    """Makes the models of trials: built and loaded anew each time."""

    def built(self, spec: TrialSpec, point: Point) -> GenerativeModel:
        """A fresh model of these parameters."""
        family = make_family(spec.family)
        return family.build(spec.preset, point, spec.geometry, spec.seed, spec.resources)

    def loaded(self, spec: TrialSpec, point: Point, folder: Path) -> GenerativeModel:
        """The model that was saved with these parameters.

        Raises:
            DataError: a file is missing or damaged, or of another configuration.
        """
        family = make_family(spec.family)
        return family.load(folder, spec.preset, point, spec.geometry, spec.resources)


class LastModel(Models):
    """Likewise, but the last model is used again where another state of its networks is asked for.

    One trial at a time: a model that is asked for ends the use of the one before.
    """

    def __init__(self) -> None:
        self._model: GenerativeModel | None = None
        self._of: dict[str, Any] = {}

    def built(self, spec: TrialSpec, point: Point) -> GenerativeModel:
        """A fresh model, kept for the next trial."""
        return self._kept(super().built(spec, point), spec, point)

    def loaded(self, spec: TrialSpec, point: Point, folder: Path) -> GenerativeModel:
        """The last model with the state of the folder, or one that is loaded."""
        model = self._model
        if isinstance(model, Adjustable) and self._of == _networks(spec, point):
            try:
                model.take_over(folder)
            except DataError:
                self._model = None  # half of it may be another's
                raise
            model.adjust(_mutable(spec, point))
            return model
        return self._kept(super().loaded(spec, point, folder), spec, point)

    def _kept(self, model: GenerativeModel, spec: TrialSpec, point: Point) -> GenerativeModel:
        self._model, self._of = model, _networks(spec, point)
        return model


def _networks(spec: TrialSpec, point: Point) -> dict[str, Any]:
    """What a model cannot change."""
    changing = _mutable(spec, point)
    return {
        "family": spec.family,
        "preset": spec.preset,
        "point": {name: value for name, value in point.items() if name not in changing},
        "geometry": spec.geometry.digest,
        "resources": encode(spec.resources),
    }


def _mutable(spec: TrialSpec, point: Point) -> Point:
    names = mutable_names(spec.family)
    return {name: value for name, value in point.items() if name in names}
