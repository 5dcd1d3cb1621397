from __future__ import annotations

import numpy as np
import pytest

from metaopt.strategies.base import Observation, State
from metaopt.strategies.bayesian import Bayesian
from metaopt.strategies.registry import make_strategy
from metaopt.strategies.surrogate import Surrogate
from metaopt.strategies.warm_start import (
    Scored,
    next_warm,
    told_scores,
    transfer,
    transfer_scores,
    translated,
)
from search_spaces.errors import SpaceError
from search_spaces.parameters import Categorical, Condition, Float, Int, Point
from search_spaces.space import Baseline, SearchSpace

SPACE = SearchSpace(
    "new",
    "toy",
    "default",
    (
        Float("rate", 1e-4, 1e-2, log=True),
        Int("layers", 1, 3),
        Int("kernel", 2, 8, step=2, when=Condition.parse("layers >= 2")),
        Categorical("loss", ("a", "b")),
        Float("new", 0.0, 1.0),
    ),
    (Baseline("published", {"rate": 1e-3, "layers": 1, "loss": "a", "new": 0.0}),),
)
OLD: Point = {"rate": 0.5, "layers": 9, "kernel": 5, "loss": "gone", "dropped": 1.0}


def trial(number: int, point: Point, score: float, state: State = State.COMPLETE) -> Observation:
    return Observation(number, point, state, score, 9)


def study(first: int, n: int = 8) -> list[Observation]:
    """Later trials are better; layer counts tell the studies apart."""
    return [
        trial(i, {"layers": first, "rate": 1e-4 * (i + 1), "loss": "a", "new": 0.5}, 9.0 - i)
        for i in range(n)
    ]


def test_parameters_are_matched_by_name_and_clipped() -> None:
    point = translated(SPACE, OLD, [], np.random.default_rng(1))
    assert point is not None
    SPACE.check(point)
    assert (point["rate"], point["layers"]) == (1e-2, 3)
    assert point["kernel"] in (4, 6)
    assert "dropped" not in point


def test_what_is_missing_comes_from_the_design() -> None:
    rng = np.random.default_rng(1)
    points: list[Point] = []
    for _ in range(6):
        point = translated(SPACE, {"rate": 1e-3, "layers": 1}, points, rng)
        assert point is not None
        points.append(point)
    assert {p["loss"] for p in points} == {"a", "b"}
    assert max(float(p["new"]) for p in points) - min(float(p["new"]) for p in points) > 0.5


@pytest.mark.parametrize("value", ["three", True])
def test_a_value_of_another_kind_is_missing(value: str | bool) -> None:
    points = [translated(SPACE, {"layers": value}, [], np.random.default_rng(i)) for i in range(8)]
    assert len({point["layers"] for point in points if point is not None}) > 1


def test_a_number_that_is_no_choice_is_missing() -> None:
    space = SearchSpace("sizes", "toy", "default", (Categorical("batch", (32, 64)),))
    points = [translated(space, {"batch": 48}, [], np.random.default_rng(i)) for i in range(8)]
    assert {point["batch"] for point in points if point is not None} == {32, 64}


def test_only_points_that_can_be_built() -> None:
    picky = SPACE.constrained(lambda p: None if float(p["new"]) > 0.5 else "no")
    rng = np.random.default_rng(1)
    point = translated(picky, {"rate": 1e-3}, [], rng)
    assert point is not None
    assert float(point["new"]) > 0.5
    assert translated(picky, {"new": 0.1}, [], rng) is None
    low, high = trial(0, {"new": 0.1}, 1.0), trial(1, {"new": 0.9}, 2.0)
    assert transfer(picky, [[low]]) == []
    assert [s.score for s in transfer_scores(picky, [[low, high]])] == [2.0]
    (warm,) = (p.point for p in transfer(SPACE, [[high]]))
    first = next_warm(picky, [{**warm, "new": 0.1}, warm], set())
    assert first is not None and first.point == warm


def test_studies_take_turns_with_their_best_points() -> None:
    proposals = transfer(SPACE, [study(1), study(2, n=1)], limit=3)
    assert [p.point["layers"] for p in proposals] == [1, 2, 1, 1]
    assert [p.point["rate"] for p in proposals] == pytest.approx([8e-4, 1e-4, 7e-4, 6e-4])
    assert all(p.note == {"operators": "warm start"} for p in proposals)


def test_failed_trials_are_left_out_and_pruned_ones_come_last() -> None:
    points: list[Point] = [{"layers": 1, "rate": r, "loss": "a", "new": 0.1} for r in (1e-3, 2e-3)]
    history = [
        trial(0, points[0], 0.1, State.PRUNED),
        trial(1, points[1], 2.0),
        trial(2, {"layers": 3}, 0.0, State.FAILED),
    ]
    assert [p.point for p in transfer(SPACE, [history])] == [points[1], points[0]]


def test_points_are_distinct_and_always_the_same() -> None:
    clipped = [trial(i, {**OLD, "rate": 0.5 + i, "loss": "a", "new": 0.5}, 1.0) for i in range(4)]
    proposals = transfer(SPACE, [clipped, [trial(9, {"layers": 1}, 1.0)]])
    assert len({SPACE.key(p.point) for p in proposals}) == len(proposals) == 2
    assert transfer(SPACE, [clipped, [trial(9, {"layers": 1}, 1.0)]]) == proposals
    lacking = [[trial(9, {"layers": 1}, 1.0)]]
    assert transfer_scores(SPACE, lacking) == transfer_scores(SPACE, lacking)


def test_a_warm_point_of_another_space_is_an_error() -> None:
    with pytest.raises(SpaceError, match="warm point 0: unknown parameter 'dropped'"):
        next_warm(SPACE, [OLD], set())


@pytest.mark.parametrize("name", ["bayesian", "genetic", "nsga2"])
def test_studies_begin_with_baselines_then_warm_points(name: str) -> None:
    warm = [dict(p.point) for p in transfer(SPACE, [study(2)], limit=2)]
    strategy = make_strategy(name, {"warm": warm})
    proposals = strategy.propose(SPACE, (), (), 4, np.random.default_rng(1))
    assert [p.note["operators"] for p in proposals][-1] == "design"
    assert [p.point for p in proposals[:3]] == [SPACE.baselines[0].point, *warm]


def test_scored_points_are_the_best_complete_trials_of_each_study() -> None:
    failed = trial(8, {"layers": 3}, 0.0, State.FAILED)
    scored = transfer_scores(SPACE, [[*study(1), failed], study(2)], limit=2)
    assert [(s.score, s.study, s.point["layers"]) for s in scored] == [
        (2.0, 0, 1),
        (3.0, 0, 1),
        (2.0, 1, 2),
        (3.0, 1, 2),
    ]
    assert [p.point for p in transfer(SPACE, [study(1)], limit=2)] == [s.point for s in scored[:2]]


def test_scores_are_moved_by_the_median_difference_of_shared_points() -> None:
    scored = transfer_scores(SPACE, [study(1), study(2)])
    # Three points of the first study were tried here, two of the second.
    tried = [*scored[:3], *scored[8:10]]
    changes = [0.5, 0.6, 1.0, 7.0, 7.0]
    history = [
        trial(i, s.point, s.score + change)
        for i, (s, change) in enumerate(zip(tried, changes, strict=True))
    ]
    points, scores, variances = told_scores(SPACE, history, scored)
    assert points == [s.point for s in scored[3:8]]
    assert scores == pytest.approx([s.score + 0.6 for s in scored[3:8]])
    assert variances == pytest.approx([np.var(changes[:3], ddof=1)] * 5)


def test_pruned_trials_say_nothing_of_the_difference() -> None:
    scored = transfer_scores(SPACE, [study(1)])
    pruned = [trial(i, s.point, s.score, State.PRUNED) for i, s in enumerate(scored[:5])]
    assert told_scores(SPACE, pruned, scored)[0] == []


LINE = SearchSpace("line", "toy", "default", (Float("x", 0.0, 1.0),))


def test_earlier_scores_teach_the_process() -> None:
    def bowl(x: float) -> float:
        return 9 * (x - 0.8) ** 2

    earlier = [Scored({"x": i / 20}, 3.0 + bowl(i / 20)) for i in range(21)]
    history = [trial(i, {"x": i / 20}, bowl(i / 20)) for i in range(5)]
    knows = Surrogate.of(LINE, history, earlier=earlier)
    mean, _ = knows.predict([{"x": 0.8}])
    assert mean == pytest.approx([0.0], abs=0.5)
    assert [o.number for o in knows.living] == [0, 1, 2, 3, 4]
    found = knows.suggest(set(), np.random.default_rng(1))
    assert found is not None
    assert float(found["x"]) == pytest.approx(0.8, abs=0.15)
    # What was worse than all trials here is told as bad as the worst of them.
    good = [trial(i, {"x": (12 + i) / 20}, bowl((12 + i) / 20)) for i in range(5)]
    mean, _ = Surrogate.of(LINE, good, earlier=earlier).predict([{"x": 0.1}])
    assert mean == pytest.approx([bowl(0.6)], abs=0.05)


def test_earlier_scores_weigh_less_the_more_they_differ() -> None:
    earlier = [Scored({"x": i / 10}, 1.0) for i in range(11)]
    changes = [0.0, 0.5, -1.0, 2.0, 0.1]
    history = [trial(i, {"x": i / 10}, 1.0 + change) for i, change in enumerate(changes)]
    surrogate = Surrogate.of(LINE, history, earlier=earlier)
    variances = surrogate.process.v * surrogate.scale**2
    assert variances == pytest.approx([0.0] * 5 + [np.var(changes, ddof=1)] * 6)


def test_scored_points_are_options_as_plain_data() -> None:
    (scored,) = transfer_scores(SPACE, [study(1, n=1)])
    strategy = make_strategy("bayesian", {"earlier": [{"point": scored.point, "score": 9.0}]})
    assert strategy == Bayesian(earlier=(scored,))


def test_the_strategy_goes_where_earlier_scores_were_good() -> None:
    # Here all is flat so far; only the earlier study knew of the hole at 0.62.
    earlier = [Scored({"x": i / 50}, -1.0 if i in (30, 31, 32) else 0.0) for i in range(51)]
    history = [trial(i, {"x": i / 50}, 0.001 * i) for i in range(10)]
    strategy = Bayesian(initial=5, earlier=tuple(earlier))
    (proposal,) = strategy.propose(LINE, history, (), 1, np.random.default_rng(1))
    assert 0.55 < float(proposal.point["x"]) < 0.69
