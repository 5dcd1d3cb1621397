"""What the trials of a study are given, whoever trains them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.trial import TrialSpec

if TYPE_CHECKING:
    from metaopt.preflight import Plan


def common_specification(plan: Plan) -> TrialSpec:
    """What all trials of a study have in common; number, point and folders are still empty."""
    config, space = plan.config, plan.space
    return TrialSpec(
        study=config.name,
        number=0,
        family=space.family,
        preset=space.preset,
        point={},
        geometry=plan.geometry,
        data=plan.data,
        budget=config.budget,
        seed=config.study.seed,
        folder="",
        reference=str(plan.reference),
        showers=str(config.showers_folder),
        resources=config.resources,
    )


def training_seed(study: int, proposal: int, repetition: int = 0) -> int:
    """The seed of a training.

    Args:
        study: the study's seed.
        proposal: which proposal is trained.
        repetition: 0 of the search's own training, k of its k-th fresh seed.
    """
    words = np.random.SeedSequence([study, proposal, 1 + repetition])
    return int(words.generate_state(1)[0])
