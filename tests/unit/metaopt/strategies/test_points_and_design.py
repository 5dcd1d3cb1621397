from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from metaopt.strategies.base import Proposal
from metaopt.strategies.design import (
    baselines_first,
    design_point,
    latin_vector,
    next_baseline,
)
from metaopt.strategies.points import fresh_sample, in_turn, known_keys
from metaopt.strategies.variation import blend, mutate, step_value
from search_spaces.errors import SpaceError
from search_spaces.parameters import Categorical, Condition, Float, Int, Parameter, Point, Value
from search_spaces.space import Baseline, Key, SearchSpace


def space_of(*parameters: Parameter, **more: object) -> SearchSpace:
    return SearchSpace("unit", "toy", "default", parameters, **more)  # type: ignore[arg-type]


GRID = space_of(
    Int("n", 1, 40),
    Categorical("c", ("a", "b")),
    Float("step", 0.0, 1.0, step=0.1),
    Float("fixed", 2.0, 2.0),
    Int("child", 1, 3, when=Condition.parse("c == a")),
)


def test_the_last_unknown_point_of_a_finite_space_is_found() -> None:
    rng = np.random.default_rng(1)
    known: set[Key] = set()
    total = 40 * 11 * (3 + 1)
    for _ in range(total):
        point = fresh_sample(GRID, known, rng)
        GRID.check(point)
        assert GRID.key(point) not in known
        known.add(GRID.key(point))
    assert GRID.key(fresh_sample(GRID, known, rng)) in known


def test_the_last_feasible_point_of_a_finite_space_is_found() -> None:
    space = GRID.constrained(lambda p: None if p["n"] == 7 else "only 7")
    rng = np.random.default_rng(1)
    known: set[Key] = set()
    for _ in range(11 * (3 + 1)):
        point = fresh_sample(space, known, rng)
        assert point["n"] == 7
        assert space.key(point) not in known
        known.add(space.key(point))
    assert fresh_sample(space, known, rng)["n"] == 7


class Everything(set[Key]):
    """The keys of a space in which nothing is new."""

    def __contains__(self, key: object) -> bool:
        return True


def test_a_space_too_large_to_be_searched_gives_a_known_point() -> None:
    for space in (space_of(Float("x", 0.0, 1.0)), space_of(Int("n", 1, 10**9))):
        space.check(fresh_sample(space, Everything(), np.random.default_rng(1)))


def test_a_design_proposes_no_point_twice_and_none_that_cannot_be_built() -> None:
    space = space_of(Int("n", 1, 9), Categorical("c", ("a", "b")))
    odd = space.constrained(lambda p: None if p["n"] % 2 else "n must be odd")
    rng = np.random.default_rng(1)
    points: list[Point] = []
    for _ in range(10):
        keys = {space.key(point) for point in points}
        points.append(design_point(odd, points, keys, 4, rng).point)
    assert len({space.key(point) for point in points}) == 10


def test_proposals_of_a_call_are_under_way_for_the_next_ones() -> None:
    space = space_of(Int("n", 1, 9))
    seen: list[tuple[list[Point], set[Key]]] = []

    def step(waiting: Sequence[Point], known: set[Key]) -> Proposal:
        seen.append((list(waiting), set(known)))
        return Proposal({"n": len(seen)})

    in_turn(space, [], [{"n": 9}], 3, step)
    assert [points for points, _ in seen] == [
        [{"n": 9}],
        [{"n": 9}, {"n": 1}],
        [{"n": 9}, {"n": 1}, {"n": 2}],
    ]
    assert [len(known) for _, known in seen] == [1, 2, 3]


def test_baselines_come_before_suggestions_and_random_points_after_them() -> None:
    space = space_of(Int("n", 1, 9), baselines=(Baseline("published", {"n": 5}),))
    made = [Proposal({"n": 2}, {"operators": "mine"}), None]
    step = baselines_first(space, np.random.default_rng(1), lambda *_: made.pop(0))
    proposals = in_turn(space, [], [], 3, step)
    assert [p.note["operators"] for p in proposals] == ["baseline", "mine", "random"]
    assert [p.point["n"] for p in proposals[:2]] == [5, 2]


def test_a_space_without_feasible_points_says_so() -> None:
    space = GRID.constrained(lambda _: "nothing fits")
    with pytest.raises(SpaceError, match="nothing fits"):
        design_point(space, [], set(), 8, np.random.default_rng(1))


def test_a_design_fills_every_stratum_and_balances_choices() -> None:
    space = space_of(Float("x", 0, 1), Int("few", 1, 4), Categorical("c", ("a", "b", "d", "e")))
    rng = np.random.default_rng(2)
    points: list[Point] = []
    for _ in range(8):
        points.append(space.from_unit(latin_vector(space, points, 8, rng)))
    assert sorted(int(8 * float(p["x"])) for p in points) == list(range(8))
    assert sorted(int(p["few"]) for p in points) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert sorted(str(p["c"]) for p in points) == sorted("aabbddee")


def test_a_design_fills_the_gap_that_known_points_leave() -> None:
    space = space_of(Float("x", 0, 1))
    known: list[Point] = [{"x": 0.1}, {"x": 0.4}, {"x": 0.9}]
    for seed in range(20):
        u = latin_vector(space, known, 4, np.random.default_rng(seed))
        assert 0.5 <= u[0] < 0.75


def test_baselines_come_in_order_and_once() -> None:
    space = space_of(
        Float("x", 0, 1), baselines=(Baseline("a", {"x": 0.5}), Baseline("b", {"x": 0.2}))
    )
    first = next_baseline(space, set())
    assert first is not None
    assert first.note == {"operators": "baseline", "baseline": "a"}
    second = next_baseline(space, known_keys(space, [], [first.point]))
    assert second is not None
    assert second.point == {"x": 0.2}
    assert next_baseline(space, known_keys(space, [], [first.point, second.point])) is None
    only_low = space.constrained(lambda p: "too high" if p["x"] > 0.3 else None)
    lower = next_baseline(only_low, set())
    assert lower is not None and lower.point == {"x": 0.2}


@pytest.mark.parametrize(
    ("p", "value"),
    [
        (Int("i", 1, 3), 1),
        (Int("i", 1, 3), 3),
        (Int("wide", 1, 10_000), 5_000),
        (Int("log", 8, 256, log=True), 64),
        (Int("stepped", 1, 9, step=4), 5),
        (Float("f", 0.0, 1.0), 0.0),
        (Float("f", 1e-5, 1e-1, log=True), 1e-1),
        (Float("grid", 0.0, 1.0, step=0.5), 0.5),
        (Categorical("c", ("a", "b", "d")), "b"),
        (Categorical("flag", (True, False)), True),
    ],
)
def test_a_step_gives_another_value_in_range(p: Parameter, value: int) -> None:
    rng = np.random.default_rng(3)
    # A tiny width: without the forced step a coarse grid would never move.
    for sigma in (1e-6, 0.2, 5.0):
        for _ in range(20):
            moved = step_value(p, value, sigma, rng)
            assert p.contains(moved)
            assert moved != value


def test_the_only_value_stays() -> None:
    rng = np.random.default_rng(3)
    assert step_value(Int("i", 4, 4), 4, 0.2, rng) == 4
    assert step_value(Float("f", 4.0, 4.0), 4.0, 0.2, rng) == 4.0
    assert step_value(Categorical("c", ("a",)), "a", 0.2, rng) == "a"


def test_small_steps_of_a_real_number_are_gaussian() -> None:
    rng = np.random.default_rng(4)
    p = Float("f", 0.0, 10.0)
    steps = np.array([float(step_value(p, 5.0, 0.02, rng)) - 5.0 for _ in range(2000)])
    assert abs(steps.mean()) < 0.02
    assert steps.std() == pytest.approx(0.2, rel=0.1)


def test_mutation_names_what_it_changed() -> None:
    space = space_of(Float("x", 0, 1), Int("n", 1, 9), Categorical("c", ("a", "b")))
    rng = np.random.default_rng(5)
    seen = 0
    for _ in range(300):
        before: dict[str, Value] = {"x": 0.5, "n": 5, "c": "a"}
        genes = dict(before)
        names = mutate(space, genes, 0.3, 0.2, rng)
        changed = [name for name in space.names if genes[name] != before[name]]
        assert names == changed
        seen += len(names)
    assert seen / 900 == pytest.approx(0.3, abs=0.06)


def test_blended_numbers_lie_between_the_parents_or_a_quarter_beyond() -> None:
    space = space_of(
        Float("x", 1e-4, 1.0, log=True), Int("n", 0, 100), Categorical("c", ("a", "b"))
    )
    rng = np.random.default_rng(6)
    drawn = []
    for _ in range(400):
        genes: list[Value] = [1e-3, 40, "b"]
        blend(space, genes, (1e-3, 40, "a"), (1e-2, 40, "b"), rng)
        assert genes[1:] == [40, "b"]
        drawn.append(float(genes[0]))
    # In decades: a log range is blended in its logarithm.
    decades = np.log10(drawn)
    assert decades.min() == pytest.approx(-3.25, abs=0.02)
    assert decades.max() == pytest.approx(-1.75, abs=0.02)
    assert decades.mean() == pytest.approx(-2.5, abs=0.1)


def test_what_the_parents_share_is_not_touched() -> None:
    space = space_of(Float("x", 1e-4, 1.0, log=True))
    rng = np.random.default_rng(7)
    for x in rng.uniform(1e-4, 1.0, 20):
        genes: list[Value] = [float(x)]
        blend(space, genes, (float(x),), (float(x),), rng)
        assert genes == [float(x)]
