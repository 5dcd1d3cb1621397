from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from metaopt.strategies.base import Observation, State
from metaopt.strategies.bayesian import Bayesian
from metaopt.strategies.estimates import estimated_best, exhausted
from search_spaces.errors import NoCompleteTrialError
from search_spaces.parameters import Categorical, Float
from search_spaces.space import SearchSpace

SPACE = SearchSpace("unit", "toy", "default", (Float("x", 0.0, 1.0), Float("z", 0.0, 1.0)))


def searched(n: int, noise: float, near: float = 0.0) -> list[Observation]:
    """Trials of a noisy bowl about x = z = 0.3, a share ``near`` of them close to it."""
    rng = np.random.default_rng(3)
    history = []
    for i in range(n):
        x, z = rng.uniform(0.2, 0.4, 2) if rng.random() < near else rng.random(2)
        s = 5.0 + 4 * (x - 0.3) ** 2 + 4 * (z - 0.3) ** 2 + noise * rng.normal()
        history.append(Observation(i, {"x": float(x), "z": float(z)}, State.COMPLETE, float(s), 9))
    return history


def test_a_lucky_score_is_not_the_best_trial() -> None:
    history = searched(40, noise=0.05)
    lucky = Observation(40, {"x": 0.7, "z": 0.6}, State.COMPLETE, 4.85, 9)
    assert min(o.score for o in history) > lucky.score
    number, mean, deviation = estimated_best(SPACE, [*history, lucky])
    point = history[number].point
    assert np.hypot(float(point["x"]) - 0.3, float(point["z"]) - 0.3) < 0.2
    assert mean == pytest.approx(5.0, abs=0.15)
    assert 0.0 < deviation < 0.2


def test_failed_trials_are_never_the_best() -> None:
    history = [Observation(i, {"x": 0.1 * i, "z": 0.5}, State.FAILED, 2.8, 9) for i in range(9)]
    living = [Observation(9 + i, {"x": 0.3 * i, "z": 0.1}, State.COMPLETE, 9.0, 9) for i in (1, 2)]
    pruned = Observation(12, {"x": 0.1, "z": 0.1}, State.PRUNED, 8.0, 3)
    assert estimated_best(SPACE, [*history, *living, pruned]).number == 12
    with pytest.raises(NoCompleteTrialError, match="at least 3 trials"):
        estimated_best(SPACE, [*history, *living])


def test_a_search_that_found_the_bottom_is_exhausted_in_the_noise() -> None:
    rng = np.random.default_rng(1)
    assert exhausted(SPACE, searched(90, noise=0.3, near=0.7), rng)
    assert not exhausted(SPACE, searched(19, noise=0.3, near=0.7), rng)


def test_a_search_far_from_the_bottom_is_not_exhausted() -> None:
    # All trials lie on one slope, along which the score falls.
    far = [o for o in searched(240, noise=0.01) if min(float(v) for v in o.point.values()) > 0.6]
    assert len(far) >= 30
    assert not exhausted(SPACE, far, np.random.default_rng(1))


def test_every_one_of_the_last_trials_must_be_without_promise() -> None:
    history = searched(22, noise=0.3, near=0.5)
    assert exhausted(SPACE, history, np.random.default_rng(1), 1)
    # Three trials earlier there were too few of them to say so.
    assert not exhausted(SPACE, history, np.random.default_rng(1), 4)


def test_a_used_up_space_is_exhausted() -> None:
    space = SearchSpace("tiny", "toy", "default", (Categorical("c", ("a", "b")),))
    history = [
        Observation(i, {"c": "ab"[i % 2]}, State.COMPLETE, 1.0 + i % 2, 9) for i in range(24)
    ]
    assert exhausted(space, history, np.random.default_rng(1))
    # Five proposals earlier there were too few trials to say so.
    assert not exhausted(space, history[:23], np.random.default_rng(1))
    for low, done in ((1.0, True), (0.0, False)):  # five parameters more, which count if they vary
        more = tuple(Float(f"more{i}", low, 1.0) for i in range(5))
        wide = SearchSpace("wide", "toy", "default", (*space.parameters, *more))
        at_one = {p.name: 1.0 for p in more}
        told = [dataclasses.replace(o, point={**o.point, **at_one}) for o in history]
        assert exhausted(wide, told, np.random.default_rng(1)) is done


def test_a_space_in_which_nothing_varies_is_exhausted() -> None:
    space = SearchSpace("fixed", "toy", "default", (Float("x", 1.0, 1.0),))
    rng = np.random.default_rng(0)
    history = [
        Observation(i, {"x": 1.0}, State.COMPLETE, float(rng.random()), 3) for i in range(30)
    ]
    assert exhausted(space, history, rng)
    (proposal,) = Bayesian().propose(space, history, [], 1, rng)
    assert proposal.point == {"x": 1.0}
