"""From what a trial left of its showers: findings in words, and one picture against Geant4.

The worker writes features and sums of its last generated showers, the controller compares
them with the reference artefact. Of the full simulation only the profiles are not in there:
they are read from the showers once for each run, when the first trial is complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from metaopt.reports.findings import MIN_EVENTS, findings
from metaopt.reports.plots import overview
from metaopt.reports.sides import Side, Sides
from metaopt.reports.svg import picture
from metaopt.reports.tables import number
from metaopt.reports.validation import Validation, unusable
from metaopt.reports.words import by_group, is_far
from objectives.objective import Score
from objectives.reference import Reference
from objectives.views import View, view
from search_spaces.geometry import Geometry
from workers import data
from workers.plotted import MOST, Plotted
from workers.trial import DataSpec, TrialResult


@dataclass(frozen=True)
class Exhibit:
    """What is shown of a trial.

    Attributes:
        findings: sentences on what is wrong, by group of the objective.
        picture: SVG of the plots; empty where too few showers could be used.
    """

    findings: Mapping[str, tuple[str, ...]]
    picture: str


class Gallery:
    """Compares the trials of a study with its full simulation.

    Args:
        data_spec: the showers.
        geometry: of them.
        reference: file of the reference artefact.
    """

    def __init__(self, data_spec: DataSpec, geometry: Geometry, reference: Path) -> None:
        self._data, self._geometry = data_spec, geometry
        self._reference = Reference.load(reference)

    def exhibit(self, title: str, result: TrialResult, plotted: Plotted) -> Exhibit:
        """What is shown of a complete trial.

        Raises:
            DataError: the showers of the full simulation can no longer be read.
        """
        validation = self._validation(title, result, plotted)
        score = validation.score
        far = is_far(score.value, score.floor, score.floor_sd)
        told = by_group(validation.findings, score.groups, {}, far)
        if len(plotted.sample) < MIN_EVENTS:
            return Exhibit(told, "")
        head = f"{title}: S = {number(score.value, score.error)}"
        return Exhibit(told, picture(head, overview(validation)))

    def _validation(self, title: str, result: TrialResult, plotted: Plotted) -> Validation:
        groups, metrics = dict(result.groups), dict(result.metrics)
        floor, floor_sd = (metrics.get(name, 0.0) for name in ("floor", "floor_sd"))
        score = Score(result.score or 0.0, result.error or 0.0, floor, floor_sd, groups, metrics)
        generated = Side.of(plotted.sample, self._reference)
        sides = Sides(generated, self._full, self._none, self._geometry)
        return Validation(
            generated_name=title,
            full_name="Geant4",
            reference=self._reference,
            score=score,
            null=None,
            sides=sides,
            generated=plotted.view,
            full=self._view,
            findings=(*unusable(plotted.view), *findings(sides, groups)),
            crosschecks={},
        )

    @cached_property
    def _full(self) -> Side:
        return Side.of(self._reference.sample, self._reference)

    @cached_property
    def _none(self) -> Side:
        """The events of the fit, which are not looked at."""
        return self._full[np.zeros(len(self._full), dtype=np.bool_)]

    @cached_property
    def _view(self) -> View:
        """Sums over as many validation events as there are generated showers at most."""
        events = data.Events.of(self._data, self._geometry, "validation", MOST)
        first, *others = (view(showers, self._geometry) for _, showers in events.blocks())
        return sum(others, start=first)
