"""Total effects against a function whose indices are known."""

from __future__ import annotations

import numpy as np
import pytest

from metaopt.reports.study.importance import importances
from metaopt.strategies.base import Observation, State
from metaopt.strategies.surrogate import Surrogate
from search_spaces.parameters import Float
from search_spaces.space import SearchSpace

SPACE = SearchSpace("s", "toy", "default", tuple(Float(n, 0, 1) for n in "abc"))


def _surrogate(n: int) -> Surrogate:
    """Of S = 2 a + b: four fifths of the variance are a's, the others b's, none c's."""
    rng = np.random.default_rng(3)
    points = [SPACE.sample(rng) for _ in range(n)]
    scores = [2 * float(p["a"]) + float(p["b"]) for p in points]
    history = [
        Observation(i, p, State.COMPLETE, s, 1)
        for i, (p, s) in enumerate(zip(points, scores, strict=True))
    ]
    return Surrogate.of(SPACE, history)


def test_the_shares_of_a_sum_are_those_of_its_variance() -> None:
    found = importances(_surrogate(40), seed=1)
    assert [i.name for i in found] == ["a", "b", "c"]
    assert [i.value for i in found] == pytest.approx([0.8, 0.2, 0.0], abs=0.03)
    assert found == importances(_surrogate(40), seed=1)


def test_fewer_trials_know_it_less_well() -> None:
    few, many = (sum(i.error for i in importances(_surrogate(n), 1)) for n in (8, 40))
    assert few > 1.5 * many
