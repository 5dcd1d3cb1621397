"""What is shown of a trial: findings in words, and one picture against Geant4."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metaopt.config import StudyConfig
from metaopt.gallery import Gallery
from metaopt.preflight import prepare
from objectives.objective import judge
from objectives.reference import Reference
from objectives.showers import Showers
from workers import data
from workers.plotted import Plotted
from workers.trial import TrialResult


def test_empty_showers_are_told_as_validate_tells_them(
    toy_config: Callable[..., StudyConfig],
) -> None:
    plan = prepare(toy_config())
    reference = Reference.load(plan.reference)
    showers = data.load(plan.data, plan.geometry, "test")
    cells = np.array(showers.cells)
    cells[::5] = 0
    showers = Showers(cells, showers.conditions)
    seen = reference.features(showers)
    score = judge(seen, reference)
    metrics = score.metrics | {"floor": score.floor, "floor_sd": score.floor_sd}
    result = TrialResult("complete", score.value, score.error, score.groups, metrics)
    gallery = Gallery(plan.data, plan.geometry, plan.reference)
    shown = gallery.exhibit("trial 0", result, Plotted.of(showers, seen, reference))
    assert shown.findings["showers"] == ("20 % of the showers are empty",)
    assert shown.findings["energy"] == ("the unusable showers count here too",)
    assert "<svg" in shown.picture
