from __future__ import annotations

import numpy as np

from metaopt.strategies.base import Observation, State
from metaopt.strategies.genetic import Genetic
from metaopt.strategies.screening import MAX_TRIALS, most_promising
from search_spaces.parameters import Categorical, Float, Point
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    "unit", "toy", "default", (Float("x", 0.0, 1.0), Categorical("kind", ("a", "b", "c")))
)


def seen(number: int, x: float, score: float, state: State = State.COMPLETE) -> Observation:
    return Observation(number, {"x": x, "kind": "a"}, state, score, 9)


def child(x: float) -> Point:
    return {"x": x, "kind": "a"}


def test_the_child_among_the_better_trials_is_chosen() -> None:
    history = [seen(i, i / 19, (i / 19 - 0.7) ** 2) for i in range(20)]
    children = [child(x) for x in (0.02, 0.4, 0.71, 0.98)]
    assert most_promising(SPACE, children, history) == 2
    assert most_promising(SPACE, children[::-1], history) == 1


def test_how_bad_a_failed_neighbour_is_does_not_matter() -> None:
    good = [seen(0, 0.10, 0.50), seen(1, 0.11, 0.51), seen(2, 0.12, 2.8, State.FAILED)]
    poor = [seen(3 + i, 0.80 + 0.01 * i, 1.0 + 0.01 * i) for i in range(3)]
    assert most_promising(SPACE, [child(0.815), child(0.115)], good + poor) == 1


def test_the_nearer_neighbour_weighs_more_and_a_known_place_is_no_trouble() -> None:
    history = [seen(0, 0.0, 0.1), seen(1, 0.5, 0.5), seen(2, 1.0, 0.9)]
    assert most_promising(SPACE, [child(1.0), child(0.6), child(0.1)], history) == 2
    assert most_promising(SPACE, [child(0.3), child(0.3)], history) == 0


def test_of_a_long_history_the_best_and_the_latest_trials_tell() -> None:
    old = [seen(i, 0.9, 1.0) for i in range(MAX_TRIALS)]
    told = [*old, seen(MAX_TRIALS, 0.1, 0.5), *(seen(201 + i, 0.5, 2.0) for i in range(30))]
    assert most_promising(SPACE, [child(0.5), child(0.9), child(0.1)], told) == 2


def test_a_genetic_search_trains_the_better_ones_of_its_children() -> None:
    history = [seen(i, i / 29, abs(i / 29 - 0.4)) for i in range(30)]

    def mean_of_proposals(candidates: int) -> float:
        strategy = Genetic(candidates=candidates)
        made = [
            strategy.propose(SPACE, history, (), 1, np.random.default_rng(s))[0] for s in range(40)
        ]
        return float(np.mean([abs(float(p.point["x"]) - 0.4) for p in made]))

    assert mean_of_proposals(5) < 0.6 * mean_of_proposals(1)
