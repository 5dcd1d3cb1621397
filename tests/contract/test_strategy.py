"""The contract of every strategy, built-in or a third party's.

To hold your own strategy to it, subclass :class:`StrategyContract` in your tests and
override the ``strategy`` fixture.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence

import numpy as np
import pytest

from metaopt.strategies.base import Observation, Proposal, State, Strategy
from metaopt.strategies.registry import STRATEGIES, make_strategy
from search_spaces.errors import MissingExtraError
from search_spaces.parameters import Categorical, Condition, Float, Int, Parameter, Point
from search_spaces.space import Baseline, SearchSpace

WORST = 2.8
#: More than any initial design.
MANY = 24
#: How trials end, in turn.
STATES = (State.COMPLETE, State.PRUNED, State.FAILED)


def conditional_space() -> SearchSpace:
    """Mixed, with a chain of conditions, a baseline, and a constraint that forbids a fifth."""
    space = SearchSpace(
        "contract",
        "toy",
        "default",
        (
            Float("rate", 1e-5, 1e-1, log=True),
            Float("drop", 0.0, 0.5),
            Int("layers", 1, 4),
            Int("kernel_2", 2, 7, when=Condition.parse("layers >= 2")),
            Int("kernel_3", 2, 7, when=Condition.parse("layers >= 3")),
            Categorical("activation", ("relu", "elu", "tanh")),
            Categorical("wide", (True, False), when=Condition.parse("activation == relu")),
        ),
        (
            Baseline("impossible", {"rate": 1e-3, "drop": 0.1, "layers": 1, "activation": "tanh"}),
            Baseline("published", {"rate": 1e-3, "drop": 0.2, "layers": 1, "activation": "elu"}),
        ),
    )
    return space.constrained(_constraint)


def _constraint(point: Point) -> str | None:
    tanh_is_out = point["activation"] == "tanh" and float(point["drop"]) < 0.3
    return "tanh needs dropout" if tanh_is_out else None


def layered_space() -> SearchSpace:
    """Two networks whose layers exist where their counts say so, one within the other."""
    parameters: list[Parameter] = []
    for network, most in (("g", 5), ("d", 3)):
        parameters.append(Int(f"{network}_layers", 1, most))
        for i in range(1, most + 1):
            when = Condition.parse(f"{network}_layers >= {i}") if i > 1 else None
            parameters.append(Int(f"{network}{i}_filters", 4, 64, log=True, when=when))
            parameters.append(Categorical(f"{network}{i}_norm", (True, False), when=when))
            within = Condition.parse(f"{network}{i}_norm == true")
            parameters.append(Float(f"{network}{i}_momentum", 0.5, 0.99, when=within))
    return SearchSpace("layered", "toy", "default", tuple(parameters))


def tiny_space() -> SearchSpace:
    """Three points in all."""
    return SearchSpace("tiny", "toy", "default", (Categorical("loss", ("a", "b", "c")),))


def score(point: Point) -> float:
    """Smooth in the numbers, with a best activation."""
    rate = float(np.log10(float(point["rate"])) + 3.0)
    extra = {"relu": 0.0, "elu": 0.2, "tanh": 0.4}[str(point["activation"])]
    return 0.3 * rate**2 + abs(float(point["drop"]) - 0.3) + 0.1 * int(point["layers"]) + extra


def observe(
    points: Sequence[Point], states: Sequence[State] = (State.COMPLETE,), first: int = 0
) -> list[Observation]:
    """A history of ``points`` whose states repeat ``states``."""
    history = []
    for i, point in enumerate(points):
        state = states[i % len(states)]
        s = WORST if state is State.FAILED else score(point)
        epochs = 3 if state is State.PRUNED else 9
        rungs = () if state is State.FAILED else ((1, s + 0.2), (epochs, s))
        # The first trials of a study may be of a version that did not measure times.
        timed = state is not State.FAILED and first + i > 1
        metrics = {"ms_per_shower": 10.0 ** int(point["layers"]) + i} if timed else {}
        history.append(Observation(first + i, point, state, s, epochs, rungs, metrics=metrics))
    return history


def sampled(n: int, seed: int = 5) -> list[Point]:
    space, rng = conditional_space(), np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(n)]


def check(
    space: SearchSpace,
    proposals: Sequence[Proposal],
    n: int,
    known: Sequence[Point] = (),
) -> None:
    """``n`` feasible points of the space, distinct from each other and from ``known``."""
    assert len(proposals) == n
    for proposal in proposals:
        space.check(proposal.point)
        assert space.is_feasible(proposal.point)
        assert all(type(v) in (float, int, str, bool) for v in proposal.point.values())
        assert all(type(k) is str and type(v) is str for k, v in proposal.note.items())
    keys = [space.key(p.point) for p in proposals] + [space.key(p) for p in known]
    assert len(set(keys)) == len(keys)


class StrategyContract:
    """What the controller relies on."""

    @pytest.fixture
    def strategy(self) -> Strategy:
        raise NotImplementedError

    def propose(
        self,
        strategy: Strategy,
        history: Sequence[Observation] = (),
        pending: Sequence[Point] = (),
        n: int = 1,
        seed: int = 0,
        space: SearchSpace | None = None,
    ) -> list[Proposal]:
        rng = np.random.default_rng(seed)
        return strategy.propose(space or conditional_space(), history, pending, n, rng)

    def test_the_first_proposal_is_the_first_feasible_baseline(self, strategy: Strategy) -> None:
        space = conditional_space()
        (proposal,) = self.propose(strategy)
        assert proposal.point == space.baselines[1].point
        free = dataclasses.replace(space, constraint=None)
        first, second = self.propose(strategy, n=2, space=free)
        assert [first.point, second.point] == [b.point for b in space.baselines]

    def test_a_missing_baseline_is_made_up_for(self, strategy: Strategy) -> None:
        (proposal,) = self.propose(strategy, observe(sampled(MANY)))
        assert proposal.point == conditional_space().baselines[1].point

    @pytest.mark.parametrize("n", [1, 3, 20])
    def test_a_study_begins(self, strategy: Strategy, n: int) -> None:
        check(conditional_space(), self.propose(strategy, n=n), n)

    @pytest.mark.parametrize("states", [
        (State.COMPLETE,),
        (State.COMPLETE, State.FAILED),
        (State.COMPLETE, State.PRUNED, State.FAILED, State.PRUNED),
        (State.PRUNED,),
        (State.FAILED,),
    ])  # fmt: skip
    def test_every_kind_of_history(self, strategy: Strategy, states: tuple[State, ...]) -> None:
        points = sampled(MANY + 4)
        history = observe(points[:MANY], states)
        proposals = self.propose(strategy, history, points[MANY:], n=3)
        check(conditional_space(), proposals, 3, points)

    def test_equal_scores(self, strategy: Strategy) -> None:
        history = [dataclasses.replace(o, score=1.0) for o in observe(sampled(MANY))]
        check(conditional_space(), self.propose(strategy, history, n=2), 2)

    def test_64_running_trials(self, strategy: Strategy) -> None:
        points = sampled(64 + MANY)
        space = conditional_space()
        check(space, self.propose(strategy, (), points[:64], n=2), 2, points[:64])
        proposals = self.propose(strategy, observe(points[64:]), points[:64], n=2)
        check(space, proposals, 2, points)

    def test_a_pruned_trial_that_runs_on(self, strategy: Strategy) -> None:
        # It is running and, by what it scored before it was stopped, in the history too.
        history = observe([conditional_space().baselines[1].point, *sampled(MANY)], STATES)
        running = [o.point for o in history if o.state is State.PRUNED][:2]
        proposals = self.propose(strategy, history, running, n=2)
        check(conditional_space(), proposals, 2, [o.point for o in history])

    def test_proposals_of_a_call_see_each_other_as_running(self, strategy: Strategy) -> None:
        history = observe([*sampled(MANY), conditional_space().baselines[1].point])
        check(conditional_space(), self.propose(strategy, history, n=12), 12, sampled(MANY))

    def test_equal_arguments_give_equal_proposals(self, strategy: Strategy) -> None:
        history, pending = observe(sampled(MANY)), sampled(3, seed=6)
        first = self.propose(strategy, history, pending, n=3, seed=7)
        assert first == self.propose(strategy, history, pending, n=3, seed=7)

    @pytest.mark.parametrize("known", [1, MANY])
    def test_another_seed_gives_other_proposals(self, strategy: Strategy, known: int) -> None:
        history = observe([conditional_space().baselines[1].point, *sampled(known)])
        drawn = [self.propose(strategy, history, n=2, seed=s) for s in (1, 2)]
        assert drawn[0] != drawn[1]

    def test_the_arguments_stay_as_they_are(self, strategy: Strategy) -> None:
        history, pending = observe(sampled(MANY)), sampled(3, seed=6)
        before = repr((history, pending))
        self.propose(strategy, history, pending, n=3)
        assert repr((history, pending)) == before

    def test_global_generators_are_left_alone(self, strategy: Strategy) -> None:
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002
        states = random.getstate(), repr(np.random.get_state())  # noqa: NPY002
        history = observe([*sampled(MANY), conditional_space().baselines[1].point])
        drawn = self.propose(strategy, history, n=2)
        assert (random.getstate(), repr(np.random.get_state())) == states  # noqa: NPY002
        random.seed(4)
        np.random.seed(4)  # noqa: NPY002
        assert drawn == self.propose(strategy, history, n=2)

    def test_layers_within_layers(self, strategy: Strategy) -> None:
        space, rng = layered_space(), np.random.default_rng(8)
        points = [space.sample(rng) for _ in range(MANY)]
        history = [
            Observation(i, p, STATES[i % 3], 0.1 * len(p) + 0.01 * i, 9 if i % 3 else 3)
            for i, p in enumerate(points)
        ]
        proposals = self.propose(strategy, history, space=space)
        check(space, proposals, 1, points)

    def test_a_space_that_is_nearly_used_up(self, strategy: Strategy) -> None:
        space = tiny_space()
        history = [Observation(0, {"loss": "a"}, State.COMPLETE, 1.0, 3)]
        check(space, self.propose(strategy, history, n=2, space=space), 2, [{"loss": "a"}])

    def test_steps_of_a_tenth_are_tried_once_each(self, strategy: Strategy) -> None:
        # As people write them: the third step of 0.1 is 0.30000000000000004.
        space = SearchSpace("steps", "toy", "default", (Float("drop", 0.0, 1.0, step=0.1),))
        points: list[Point] = [{"drop": k / 10} for k in (3, 6, 7)]
        history = [Observation(i, p, State.COMPLETE, 1.0 + i, 3) for i, p in enumerate(points)]
        made = [p.point for p in self.propose(strategy, history, n=8, space=space)]
        steps = {round(10 * float(point["drop"])) for point in [*points, *made]}
        assert len(steps) == 11

    def test_a_used_up_space_repeats_itself(self, strategy: Strategy) -> None:
        space = tiny_space()
        history = [
            Observation(i, {"loss": "abc"[i % 3]}, State.COMPLETE, 0.1 * i, 3) for i in range(15)
        ]
        proposals = self.propose(strategy, history, n=4, space=space)
        assert all(p.point["loss"] in "abc" for p in proposals)
        assert len(proposals) == 4

    def test_a_study_resumed_at_any_trial_goes_on_as_it_would_have(
        self, strategy: Strategy
    ) -> None:
        whole = self._study(strategy, [], 14)
        for cut in (0, 1, 9, 13):
            again = self._study(strategy, whole[:cut], 14)
            assert [o.point for o in again] == [o.point for o in whole]

    def test_a_restart_among_failures_and_running_trials_changes_nothing(
        self, strategy: Strategy
    ) -> None:
        # What a restarted controller has: equal records, but objects of its own.
        points, space = sampled(MANY + 64, seed=9), conditional_space()
        history = observe([space.baselines[1].point, *points[:MANY]], STATES)
        for cut in (0, 5, 12, MANY):
            done, running = history[:cut], points[MANY:]
            again = [
                dataclasses.replace(o, point=dict(reversed(list(o.point.items())))) for o in done
            ]
            copies = [dict(p) for p in running]
            first = self.propose(strategy, done, running, seed=cut)
            assert first == self.propose(strategy, again, copies, seed=cut)
            check(space, first, 1, [o.point for o in done] + running)

    def test_what_comes_later_does_not_change_what_was_proposed(self, strategy: Strategy) -> None:
        history = observe([conditional_space().baselines[1].point, *sampled(MANY)], STATES)
        early = self.propose(strategy, history[:15], seed=4)
        self.propose(strategy, history, seed=5)
        assert early == self.propose(strategy, history[:15], seed=4)

    def _study(self, strategy: Strategy, done: list[Observation], n: int) -> list[Observation]:
        history = list(done)
        for number in range(len(history), n):
            (proposal,) = self.propose(strategy, history, seed=number)
            (observation,) = observe([proposal.point], STATES[number % 3 :], number)
            history.append(dataclasses.replace(observation, note=proposal.note))
        return history


class TestBuiltIn(StrategyContract):
    @pytest.fixture(params=sorted(STRATEGIES))
    def strategy(self, request: pytest.FixtureRequest) -> Strategy:
        return make_strategy(request.param, {})


class TestPeers(StrategyContract):
    """Optimisers of other projects, where their packages are installed.

    Not the Gaussian processes among them: a proposal takes them a second. They are held to
    the main points in ``tests/unit/metaopt/strategies/test_optuna_strategy.py``.
    """

    @pytest.fixture(params=["cmaes", "optuna:NSGAIISampler", "optuna:QMCSampler", "tpe"])
    def strategy(self, request: pytest.FixtureRequest) -> Strategy:
        try:
            return make_strategy(request.param, {})
        except MissingExtraError as missing:
            pytest.skip(str(missing))
