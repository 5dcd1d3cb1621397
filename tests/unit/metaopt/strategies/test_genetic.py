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
    proposals = children(HISTORY, 200, candidates=1)
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
    proposals = [p for p in children(history, mutations=0.5) if "parents" in p.note]
    kernels = [
        p.point.get("kernel", json.loads(p.note.get("inactive", "{}")).get("kernel"))
        for p in proposals
    ]
    assert sum(k == 77 for k in kernels) > 0.7 * len(kernels)


def test_notes_of_another_strategy_do_no_harm() -> None:
    stale = {"inactive": json.dumps({"kernel": "gone", "dropped": 1}), "sigma": "wide"}
    stale |= {"mutations": "nan"}
    words = ["kernel 3", "[3]", "null"]
    for note in (stale, *({"inactive": word, "sigma": "0"} for word in words), {"sigma": "inf"}):
        stranger = [dataclasses.replace(o, note=note) for o in HISTORY]
        made = children(stranger, 5, learning=0.1)
        assert len(made) == 5 and all(0 < float(p.note.get("sigma", 1)) < 1.1 for p in made)


def test_numbers_move_a_little_and_choices_survive() -> None:
    xs = [float(p.point["x"]) for p in children(HISTORY) if "parents" in p.note]
    assert np.median(xs) < 0.3


def steps(name: str, own: str) -> list[float]:
    """The step sizes of children whose parents' notes say ``own``."""
    history = [dataclasses.replace(o, note={name: own}) for o in HISTORY]
    proposals = [p for p in children(history, learning=0.3) if "parents" in p.note]
    return [float(p.note[name]) for p in proposals]


def test_step_sizes_are_the_parents_times_a_factor() -> None:
    for name, own in (("sigma", "0.05"), ("mutations", "3")):
        found = np.log(steps(name, own)) - np.log(float(own))
        assert abs(found.mean()) < 0.15
        assert 0.2 < found.std() < 0.4
    assert not any("sigma" in p.note for p in children(HISTORY))


def test_step_sizes_stay_in_range() -> None:
    assert max(steps("sigma", "40")) == 0.5
    assert min(steps("sigma", "1e-9")) == 0.01
    assert min(steps("mutations", "1e-9")) == 0.5
    assert np.isfinite(steps("mutations", "nan")).all()


def test_wide_steps_lead_far() -> None:
    def spread(sigma: float) -> float:
        proposals = children(HISTORY, crossover=0.0, learning=0.0, sigma=sigma, mutations=2.0)
        return float(np.std([float(p.point["x"]) for p in proposals]))

    assert spread(0.3) > 2 * spread(0.02)


def test_layers_are_moved_and_the_lineage_says_so() -> None:
    layers = [Int(f"g{i}_k", 1, 99, when=Condition.parse(f"g_layers >= {i}")) for i in (1, 2, 3, 4)]
    space = SearchSpace("net", "toy", "default", (Int("g_layers", 1, 4), *layers))
    history = [
        Observation(i, {"g_layers": 2, "g1_k": 20 + i, "g2_k": 80}, State.COMPLETE, 1.0 + i, 9)
        for i in range(9)
    ]

    def operators(structure: float) -> set[str]:
        strategy = Genetic(structure=structure, crossover=0.0, mutations=0.5)
        proposals = strategy.propose(space, history, (), 60, np.random.default_rng(1))
        return {p.note["operators"].split("(")[0] for p in proposals}

    moves = {"add", "duplicate", "remove", "swap"}
    assert operators(1.0) >= moves
    assert not operators(0.0) & moves


def test_fixed_values_take_nothing_from_the_mutations() -> None:
    """A space may hold many parameters with one value: networks that are given."""
    fixed = tuple(Categorical(f"fixed{i}", ("a",)) for i in range(20))
    wide = dataclasses.replace(SPACE, parameters=(*fixed, *SPACE.parameters))
    given = {p.name: "a" for p in fixed}
    history = [dataclasses.replace(o, point={**given, **o.point}) for o in HISTORY]
    made = Genetic(crossover=0.0, structure=0.0, candidates=1).propose(
        wide, history, (), 200, np.random.default_rng(1)
    )
    names = [
        name
        for p in made
        for name in p.note["operators"].removesuffix(")").split("(")[1].split(", ")
    ]
    assert set(names) == {"x", "layers", "kernel", "c"}
    # 1.2 are drawn on average; a child without any is a copy, and drawn anew.
    assert 1.2 < len(names) / len(made) < 2.2
