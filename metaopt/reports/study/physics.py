"""The best trial's showers against Geant4, as ``metaopt validate`` compares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaopt.reports.held_out import validate
from metaopt.reports.validation import Validation
from metaopt.store.folders import kept_in, weights_gone
from metaopt.store.views import TrialView
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from search_spaces.records import decode
from workers.data import survey
from workers.models.registry import make_family
from workers.trial import DataSpec, Resources


def physics(document: Mapping[str, Any], trial: TrialView) -> Validation:
    """The test split against showers of a trial's network; it has chosen nothing.

    Args:
        document: what was recorded when the study began.
        trial: a complete one.

    Raises:
        DataError: the trial's weights or the showers are gone, damaged or others.
    """
    folder = kept_in(document, trial.number)
    if not folder.is_dir():
        raise weights_gone(trial.number, folder)
    geometry = decode(Geometry, document["geometry"], "study store: geometry")
    data = decode(DataSpec, document["data"], "study store: data")
    if survey(data.files, geometry)[1] != data.digest:
        raise DataError("the showers are not those of the study any more; restore them")
    space = document["space"]
    family = make_family(space["family"])
    model = family.load(folder, space["preset"], trial.point, geometry, Resources())
    return validate(model, f"trial {trial.number}", data, geometry)
