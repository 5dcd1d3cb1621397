from __future__ import annotations

import dataclasses
import json

import numpy as np

from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.genetic import Genetic
from search_spaces.parameters import Categorical, Condition, Float, Int
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    "unit",
    "toy",
    "default",
    (
        Float("x", 0.0, 1.0),
        Int("layers", 1, 3),
        Int("kernel", 1, 99, when=Condition.parse("layers >= 3")),
        Categorical("c", ("a", "b")),
    ),
)


def trial(number: int, x: float, score: float, state: State = State.COMPLETE) -> Observation:
    return Observation(number, {"x": x, "layers": 1, "c": "a"}, state, score, 9)


HISTORY = [trial(i, 0.01 * i, 1.0 + 0.1 * i) for i in range(20)]


def children(history: list[Observation], n: int = 60, **options: float) -> list[Proposal]:
    rng = np.random.default_rng(1)
    return Genetic(**options).propose(SPACE, history, (), n, rng)  # type: ignore[arg-type]


def parents(proposals: list[Proposal]) -> list[int]:
    notes = [p.note["parents"] for p in proposals if "parents" in p.note]
    return [int(number) for note in notes for number in note.split(", ")]


def test_parents_are_the_best_eight_and_the_better_more_often() -> None:
    numbers = parents(children(HISTORY))
    assert set(numbers) <= set(range(8))
    assert sum(n < 3 for n in numbers) > 0.5 * len(numbers)


def test_two_parents_in_seven_of_ten_at_most() -> None:
    # Tournaments may choose one member twice; that child has one parent.
    proposals = children(HISTORY, 200)
    double = sum("," in p.note.get("parents", "") for p in proposals)
    assert 0.45 < double / len(proposals) < 0.75
    assert all("crossover" not in p.note["operators"] for p in children(HISTORY, crossover=0.0))


def test_failed_trials_are_no_parents_while_others_live() -> None:
    failed = [dataclasses.replace(o, state=State.FAILED, score=2.8) for o in HISTORY[:15]]
    assert set(parents(children(failed + HISTORY[15:]))) == set(range(15, 20))


def test_failed_trials_are_parents_where_none_lives() -> None:
    failed = [dataclasses.replace(o, state=State.FAILED, score=2.8) for o in HISTORY]
    assert parents(children(failed))


def test_pruned_trials_compete_by_their_last_score() -> None:
    pruned = Observation(20, {"x": 0.9, "layers": 2, "c": "b"}, State.PRUNED, 0.5, 3)
    assert 20 in parents(children([*HISTORY, pruned]))
    assert 20 not in parents(children([*HISTORY, dataclasses.replace(pruned, score=2.5)]))


def test_inactive_genes_are_carried() -> None:
    carried = {"inactive": json.dumps({"kernel": 77})}
    history = [dataclasses.replace(o, note=carried) for o in HISTORY]
    proposals = [p for p in children(history, mutations=0.01) if "parents" in p.note]
    kernels = [
        p.point.get("kernel", json.loads(p.note.get("inactive", "{}")).get("kernel"))
        for p in proposals
    ]
    assert sum(k == 77 for k in kernels) > 0.8 * len(kernels)


def test_notes_of_another_strategy_do_no_harm() -> None:
    stale = {"inactive": json.dumps({"kernel": "gone", "dropped": 1})}
    assert len(children([dataclasses.replace(o, note=stale) for o in HISTORY], 5)) == 5


def test_numbers_move_a_little_and_choices_survive() -> None:
    xs = [float(p.point["x"]) for p in children(HISTORY) if "parents" in p.note]
    assert np.median(xs) < 0.3
