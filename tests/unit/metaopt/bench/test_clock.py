"""The simulated clock: its bookkeeping, and that it decides as the controller does."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from metaopt.bench.clock import Setting, Simulation, simulate
from metaopt.bench.problem import Problem, Rung, Training, failed
from metaopt.bench.registry import make_problem
from metaopt.bench.results import summarise
from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.database import StudyStore
from metaopt.store.views import TrialView
from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.genetic import Genetic
from metaopt.strategies.halving import SuccessiveHalving
from metaopt.strategies.pruning import NoPruning
from metaopt.strategies.random_search import RandomSearch
from search_spaces.errors import ConfigError
from search_spaces.parameters import Float, Point
from search_spaces.space import Key, SearchSpace
from workers.executors.inline import InlineExecutor

LINE = SearchSpace("line", "toy", "default", (Float("x", 0.0, 1.0),))


@dataclass(frozen=True)
class Line:
    """S = x after every epoch; an epoch takes 1 + 9 x seconds; above 0.9 it fails."""

    name: str = "line"
    space: SearchSpace = LINE
    epochs: int = 9
    size: int | None = None

    def settle(self, point: Point, taken: Set[Key]) -> Point:
        return point

    def truth(self, point: Point) -> float:
        return float(point["x"])

    def train(self, point: Point, seed: int) -> Training:
        x = float(point["x"])
        rungs = tuple(Rung(e, x, e * (1 + 9 * x)) for e in range(1, self.epochs + 1))
        if x > 0.9:
            return failed(rungs[:2], rungs[2].seconds)
        return Training(rungs, x, rungs[-1].seconds)


@dataclass
class Watching:
    """Random search that remembers what it was told."""

    told: list[tuple[list[Observation], list[Point]]] = field(default_factory=list)

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        self.told.append((list(history), list(pending)))
        return RandomSearch().propose(space, history, pending, n, rng)


def run(setting: Setting, *, halving: bool = False, seed: int = 0) -> Simulation:
    pruning = SuccessiveHalving() if halving else NoPruning()
    return simulate(Line(), RandomSearch(), pruning, setting, seed)


def test_one_worker_is_never_idle_and_takes_the_sum_of_all_trials() -> None:
    made = run(Setting(20))
    assert [e.number for e in made.ended] == list(range(20))
    assert made.ended[-1].time == pytest.approx(sum(e.seconds for e in made.ended))
    assert made.idle == pytest.approx(0.0, abs=1e-12)
    for e in made.ended:
        epochs = 3 if e.state is State.FAILED else 9
        assert e.seconds == pytest.approx(epochs * (1 + 9 * e.truth))


def test_trials_end_in_order_of_time_and_all_are_made() -> None:
    made = run(Setting(40, workers=8))
    times = [e.time for e in made.ended]
    assert times == sorted(times)
    assert sorted(e.number for e in made.ended) == list(range(40))
    busy = sum(e.seconds for e in made.ended)
    assert busy / 8 <= times[-1] <= busy / 8 + max(e.seconds for e in made.ended)
    assert made.idle == pytest.approx(1 - busy / (8 * times[-1]))


def test_a_strategy_sees_what_has_ended_and_what_runs() -> None:
    strategy = Watching()
    simulate(Line(), strategy, SuccessiveHalving(first_rung=3), Setting(40, workers=4), 0)
    for number, (history, pending) in enumerate(strategy.told):
        known = {str(o.point) for o in history} | {str(point) for point in pending}
        assert len(known) == number
        assert len(pending) == min(number, 3)
        assert [o.number for o in history] == sorted(o.number for o in history)
    history, _ = strategy.told[-1]
    assert {o.state for o in history} == set(State)
    for o in history:
        epochs = {State.COMPLETE: [9], State.PRUNED: range(3, 9), State.FAILED: [2]}[o.state]
        assert o.epochs == len(o.rungs) and o.epochs in epochs
        assert o.score == (2.8 if o.state is State.FAILED else o.point["x"])


def test_pruning_spares_compute_and_keeps_the_best() -> None:
    full, pruned = (run(Setting(60, workers=4), halving=h) for h in (False, True))
    assert sum(e.seconds for e in pruned.ended) < 0.6 * sum(e.seconds for e in full.ended)
    best = [min(e.truth for e in s.ended if e.state is State.COMPLETE) for s in (full, pruned)]
    assert best[0] == best[1]


@dataclass(frozen=True)
class Listed(Line):
    """S as listed, in order of proposal: nine epochs of a second each."""

    scores: tuple[float, ...] = ()

    def settle(self, point: Point, taken: Set[Key]) -> Point:
        return {"x": len(taken) / 10}

    def train(self, point: Point, seed: int) -> Training:
        s = self.scores[round(10 * float(point["x"]))]
        return Training(tuple(Rung(e, s, float(e)) for e in range(1, 10)), s, 9.0)


def test_a_stopped_trial_is_taken_up_where_it_stood() -> None:
    # Trial 1 is the second best of two when it is stopped, and of six after trial 5.
    problem = Listed(scores=(0.1, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0))
    strategy, rule = Watching(), SuccessiveHalving(first_rung=3, rank_by="score")
    made = simulate(problem, strategy, rule, Setting(8), 0)
    ended = [(e.number, e.state.value, e.seconds) for e in made.ended]
    assert ended[1] == (1, "pruned", 3.0)
    assert ended[6] == (1, "complete", 6.0)
    assert sum(n == 1 for n, *_ in ended) == 2
    last, _ = strategy.told[-1]
    assert [o.number for o in last] == list(range(7))
    assert (last[1].state, last[1].epochs) == (State.COMPLETE, 9)
    result = summarise("listed", "random", 0, made)
    assert result.trials == 8
    assert result.pruned == sum(state == "pruned" for _, state, _ in ended) - 1
    assert result.compute == pytest.approx(made.ended[-1].time)


def test_a_stopped_trial_that_is_expected_to_be_the_best_is_completed_at_last() -> None:
    class StopsAll(NoPruning):
        def should_stop(self, *_: Any) -> bool:
            return True

    problem = Listed(scores=(0.4, 0.2, 0.3, 0.9))
    made = simulate(problem, RandomSearch(), StopsAll(), Setting(4), 0)
    *stopped, last = [(e.number, e.state, e.seconds) for e in made.ended]
    assert stopped == [(i, State.PRUNED, 1.0) for i in range(4)]
    assert last == (1, State.COMPLETE, 8.0)


def test_a_study_is_a_function_of_its_seed() -> None:
    setting = Setting(30, workers=4)
    assert run(setting, halving=True).ended == run(setting, halving=True).ended
    assert run(setting).ended != run(setting, seed=1).ended


def test_a_slow_controller_starts_one_trial_after_another() -> None:
    made = run(Setting(30, workers=30, proposal_seconds=2.0))
    starts = sorted((e.number, e.time - e.seconds) for e in made.ended)
    assert [start for _, start in starts] == pytest.approx([2.0 * (i + 1) for i in range(30)])
    assert made.idle > run(Setting(30, workers=30)).idle


def test_hundreds_of_workers() -> None:
    made = run(Setting(330, workers=300))
    assert len(made.ended) == 330
    assert made.ended[-1].time <= 2 * 9 * 10


def test_more_trials_than_configurations() -> None:
    with pytest.raises(ConfigError, match="has 5 configurations, got trials=6"):
        simulate(Line(size=5), RandomSearch(), NoPruning(), Setting(6), 0)


@pytest.mark.parametrize("numbers", [(0, 1, 0.0), (1, 0, 0.0), (1, 1, -1.0)])
def test_bad_settings(numbers: tuple[int, int, float]) -> None:
    with pytest.raises(ConfigError, match="trials >= 1"):
        Setting(*numbers)


@dataclass(frozen=True)
class Replay:
    """The trials of a study that was really run, by their points."""

    space: SearchSpace
    epochs: int
    trials: dict[Key, TrialView]
    name: str = "replay"
    size: int | None = None

    def settle(self, point: Point, taken: Set[Key]) -> Point:
        return point

    def truth(self, point: Point) -> float:
        return 0.0

    def train(self, point: Point, seed: int) -> Training:
        trial = self.trials[self.space.key(point)]
        rungs = tuple(Rung(epoch, s, 1.0 * epoch) for epoch, s in trial.rungs)
        if trial.state == "fail":
            return failed(rungs, 100.0)
        assert trial.score is not None
        return Training(rungs, trial.score, 100.0)


def test_it_decides_as_the_controller_does(toy_config: Callable[..., StudyConfig]) -> None:
    # Six trials are too few for one to be taken up again, of which the record has one end.
    config = toy_config(
        search__strategy="genetic", search__trials=6, search__pruning="halving", trial__epochs=3
    )
    plan = prepare(config)
    study = StudyStore(config.study.storage, create=True).create("toy", plan.document)
    Controller(plan, study, InlineExecutor(), Quiet()).run()
    trials = study.trials()
    problem: Problem = Replay(plan.space, 3, {plan.space.key(t.point): t for t in trials})
    # A point that the controller did not propose would be missing in the record.
    made = simulate(problem, Genetic(), plan.pruning, Setting(6), config.study.seed)
    states = {"complete": State.COMPLETE, "pruned": State.PRUNED, "fail": State.FAILED}
    assert [e.state for e in made.ended] == [states[t.state] for t in trials]
    assert {e.state for e in made.ended} >= {State.COMPLETE, State.PRUNED}


def test_the_problems_can_be_run() -> None:
    for name in ("hartmann6", "hartmann-mixed:0.1", "gan15"):
        made = simulate(make_problem(name), RandomSearch(), NoPruning(), Setting(12, 3), 0)
        assert len(made.ended) == 12
