"""Plain records of trials."""

from __future__ import annotations

import pytest

from metaopt.store.views import TrialView


@pytest.mark.parametrize(
    ("state", "outcome", "metrics"),
    [
        ("complete", "", {"ms_per_shower": 3.0}),
        ("pruned", "", {"ms_per_shower": 3.0}),
        ("fail", "failed", {}),
    ],
)
def test_strategies_see_the_metrics_of_trials_that_did_not_fail(
    state: str, outcome: str, metrics: dict[str, float]
) -> None:
    view = TrialView(0, state, outcome, {}, 0, score=1.0, metrics={"ms_per_shower": 3.0})
    assert view.observation is not None and view.observation.metrics == metrics
