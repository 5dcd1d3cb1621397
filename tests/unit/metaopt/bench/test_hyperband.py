"""Optuna's Hyperband on the simulated clock."""

from __future__ import annotations

import pytest

from metaopt.bench.comparison import Design, compare
from metaopt.bench.hyperband import _course, simulate
from metaopt.bench.problem import Rung, Training, failed
from metaopt.bench.registry import make_problem
from metaopt.strategies.base import State
from metaopt.strategies.optuna_hyperband import TpeHyperband
from search_spaces.parameters import Categorical, Condition, Float, Int
from search_spaces.space import Baseline, SearchSpace

SPACE = SearchSpace(
    "unit",
    "toy",
    "default",
    (
        Int("n", 1, 4),
        Float("rate", 1e-4, 1e-1, log=True, when=Condition.parse("n >= 3")),
        Categorical("wide", (True, False)),
    ),
    (Baseline("published", {"n": 2, "wide": True}),),
)


def test_trials_follow_one_another_and_some_are_pruned_or_fail() -> None:
    problem = make_problem("gan15")
    made = simulate(problem, 40, 3)
    assert [e.number for e in made.ended] == list(range(40))
    assert made.ended[-1].time == pytest.approx(sum(e.seconds for e in made.ended))
    assert {e.state for e in made.ended} == set(State)
    assert made.ended == simulate(problem, 40, 3).ended != simulate(problem, 40, 4).ended


def test_the_course_of_a_training() -> None:
    rungs = tuple(Rung(e, 1.0 / e, 2.0 * e) for e in range(1, 10))
    study = TpeHyperband(SPACE, 9, 0)
    study.ask()
    assert _course(study, Training(rungs, 0.1, 19.0), 9) == (State.COMPLETE, 0.1, 19.0)
    study.ask()
    assert _course(study, failed(rungs[:1], 3.0), 9) == (State.FAILED, 2.8, 3.0)


def test_a_baseline_comes_first_and_what_was_trained_is_told() -> None:
    study = TpeHyperband(SPACE, 9, 0)
    assert study.ask() == SPACE.baselines[0].point
    study.tell(State.COMPLETE, 0.5)
    study.ask()
    point = {"n": 3, "rate": 1e-2, "wide": False}
    study.settle(point)
    study.tell(State.COMPLETE, 0.4)
    assert [t.params for t in study._study.trials][1] == point
    assert [t.value for t in study._study.trials] == [0.5, 0.4]


def test_a_comparison_has_it_as_a_strategy() -> None:
    made = compare(Design(("hartmann6",), ("tpe-hyperband", "random"), seeds=1))
    first = made.results[0]
    assert (first.strategy, first.trials, first.idle) == ("tpe-hyperband", 60, 0.0)
    assert first.pruned > 10
