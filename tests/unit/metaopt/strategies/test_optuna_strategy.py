"""Optimisers of other projects: what they are told, and that they learn from it.

Those that are fast are also held to the whole contract of ``tests/contract``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from metaopt.strategies import optuna_strategy
from metaopt.strategies.base import Observation, State, Strategy
from metaopt.strategies.optuna_strategy import PACKAGES, OptunaStrategy
from metaopt.strategies.registry import PEERS, make_strategy
from metaopt.strategies.skopt_strategy import ScikitOptimize
from search_spaces.errors import ConfigError, MissingExtraError
from search_spaces.parameters import Categorical, Condition, Float, Int, Point
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    "unit",
    "toy",
    "default",
    (
        Float("x", 0.0, 1.0),
        Float("rate", 1e-4, 1e-1, log=True),
        Float("drop", 0.0, 0.5, step=0.1),
        Int("n", 2, 8, step=2),
        Int("child", 1, 9, log=True, when=Condition.parse("n >= 4")),
        Categorical("wide", (True, False)),
    ),
)


def make(name: str, **options: Any) -> Strategy:
    try:
        return make_strategy(name, options)
    except MissingExtraError as missing:
        pytest.skip(str(missing))


def study(
    strategy: Strategy, trials: int, history: Sequence[Observation] = ()
) -> list[Observation]:
    """Trials one after another on a valley in x; every third one is pruned."""
    seen = list(history)
    for number in range(len(seen), trials):
        rng = np.random.default_rng([1, number])
        (made,) = strategy.propose(SPACE, seen, (), 1, rng)
        score = (float(made.point["x"]) - 0.3) ** 2
        state = State.PRUNED if number % 3 == 2 else State.COMPLETE
        seen.append(Observation(number, made.point, state, score, 1, ((1, score),), made.note))
    return seen


def seen(x: float, state: State, number: int, score: float) -> Observation:
    point: Point = {"x": x, "rate": 1e-2, "drop": 0.1, "n": 2, "wide": True}
    return Observation(number, point, state, score, 1, ((1, score),))


def propose(strategy: Strategy, known: int) -> tuple[list[Point], list[Point]]:
    """Two running points and a proposal; and the points of the history."""
    history = study(make_strategy("random", {}), known)
    pending = [SPACE.sample(np.random.default_rng([2, s])) for s in range(2)]
    made = strategy.propose(SPACE, history, pending, 1, np.random.default_rng(3))
    return [*pending, made[0].point], [o.point for o in history]


@pytest.mark.parametrize("name", sorted(PEERS))
def test_points_are_new_and_of_the_space(name: str) -> None:
    # Seventeen: a third is pruned, and most of them begin with ten random points.
    points, known = propose(make(name), 17)
    for point in points:
        SPACE.check(point)
    assert len({SPACE.key(p) for p in points + known}) == 20


@pytest.mark.parametrize("name", sorted(PEERS))
def test_equal_arguments_give_equal_proposals(name: str) -> None:
    strategy = make(name)
    assert propose(strategy, 9) == propose(strategy, 9)


@pytest.mark.parametrize("tell", [False, True])
def test_a_study_is_told_as_optuna_would_have_recorded_it(tell: bool) -> None:
    history = [
        seen(0.1, State.COMPLETE, 0, 0.5),
        seen(0.2, State.PRUNED, 1, 0.9),
        seen(0.3, State.FAILED, 2, 2.8),
    ]
    running = seen(0.4, State.COMPLETE, 3, 0.0).point
    strategy = OptunaStrategy("TPESampler", tell_failures=tell)
    told = strategy._study(InMemoryStorage(), SPACE, history, [running], np.random.default_rng(0))
    complete, pruned, failed, pending = told.trials
    assert (complete.state, complete.value) == (TrialState.COMPLETE, 0.5)
    assert (pruned.state, pruned.intermediate_values) == (TrialState.PRUNED, {1: 0.9})
    assert (pending.state, pending.params) == (TrialState.RUNNING, running)
    expected = (TrialState.COMPLETE, 0.9) if tell else (TrialState.FAIL, None)
    assert (failed.state, failed.value) == expected


def test_generations_of_nsga2_go_on_from_the_notes() -> None:
    history = study(OptunaStrategy("NSGAIISampler", {"population_size": 4}), 16)
    kept = [json.loads(o.note["optuna"])["trial"] for o in history]
    assert [k["NSGAIISampler:generation"] for k in kept] == sorted(
        k["NSGAIISampler:generation"] for k in kept
    )
    assert kept[-1]["NSGAIISampler:generation"] >= 2


def test_the_distribution_of_cmaes_is_learned_again() -> None:
    arguments = {"popsize": 4}
    strategy = make("cmaes", arguments=arguments)
    assert isinstance(strategy, OptunaStrategy)
    sampler = optuna.samplers.CmaEsSampler(seed=1, **arguments)
    with optuna_strategy.quiet():
        plain = optuna.create_study(sampler=sampler)
        history = [ask_and_tell(plain, number) for number in range(20)]
        again = strategy._study(InMemoryStorage(), SPACE, history, (), np.random.default_rng(2))
    theirs, ours = (sampler._restore_optimizer(s.trials) for s in (plain, again))
    assert theirs is not None and ours is not None
    assert ours.generation == theirs.generation >= 3
    np.testing.assert_array_equal(ours.mean, theirs.mean)
    np.testing.assert_array_equal(ours._C, theirs._C)


def ask_and_tell(plain: optuna.Study, number: int) -> Observation:
    """A trial of plain Optuna, with the note that a study of ours would have."""
    trial = plain.ask()
    point = optuna_strategy.suggest_point(SPACE, trial)
    score = (float(point["x"]) - 0.3) ** 2
    plain.tell(trial, score)
    kept = plain.trials[number].system_attrs
    generation = {k: v for k, v in kept.items() if k == "cma:generation"}
    note = {"optuna": json.dumps({"trial": generation, "study": {}})}
    return Observation(number, point, State.COMPLETE, score, 1, ((1, score),), note)


def test_no_object_of_cmaes_is_kept_or_loaded() -> None:
    strategy = make("cmaes", arguments={"popsize": 4})
    history = study(strategy, 16)
    kept = [json.loads(o.note["optuna"])["trial"] for o in history if "optuna" in o.note]
    assert max(k["cma:generation"] for k in kept) >= 2
    assert all(list(k) == ["cma:generation"] for k in kept)
    bad = json.dumps({"trial": {"cma:generation": 9, "cma:optimizer:0": "no hex"}, "study": {}})
    told = [*history, dataclasses.replace(history[0], number=16, note={"optuna": bad})]
    strategy.propose(SPACE, told, (), 1, np.random.default_rng(0))


def test_a_sequence_goes_on_from_the_notes() -> None:
    history = study(make_strategy("optuna:QMCSampler", {}), 15)
    kept = [json.loads(o.note["optuna"])["study"] for o in history if "optuna" in o.note]
    assert [max(counts.values()) for counts in kept] == list(range(14))


@pytest.mark.parametrize("tell", [False, True])
def test_scikit_optimize_is_told_complete_trials_and_lies_for_running_ones(tell: bool) -> None:
    history = [
        seen(0.1, State.COMPLETE, 0, 0.5),
        seen(0.2, State.PRUNED, 1, 0.9),
        seen(0.3, State.FAILED, 2, 2.8),
    ]
    told = ScikitOptimize(tell)._told(SPACE, history, [history[0].point])
    assert [score for _, score in told] == ([0.5, 0.9, 0.9, 0.5] if tell else [0.5, 0.5])
    # The child is absent, so the middle of its range; n, drop and wide are indices.
    assert told[0][0] == [0.1, 1e-2, 1, 0, 2, 0]


def test_they_learn() -> None:
    history = study(make_strategy("random", {}), 18)
    after = study(make_strategy("tpe", {}), 24, history)
    assert np.mean([o.score for o in after[18:]]) < np.mean([o.score for o in history]) / 2


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("optuna:QMCSamplr", {}, "unknown sampler 'QMCSamplr'; did you mean 'QMCSampler'?"),
        ("optuna:BaseSampler", {}, "unknown sampler 'BaseSampler'"),
        ("optuna:PartialFixedSampler", {}, "unknown sampler 'PartialFixedSampler'"),
        ("optuna:GridSampler", {}, "argument: 'search_space'; change its options, or take"),
        ("tpe", {"n_startup": 3}, "unknown option 'n_startup'; did you mean 'n_startup_trials'?"),
        ("tpe", {"seed": 3}, "unknown option 'seed'"),
        ("optuna:NSGAIISampler", {"population_size": 1}, "NSGAIISampler cannot be made"),
        ("tpe", {"tell_failure": True}, "did you mean 'tell_failures'?"),
        ("skopt", {"acq_func": "EI"}, "unknown key 'acq_func'"),
    ],
)
def test_bad_names_and_options(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_strategy(name, options)
    assert text in str(caught.value)


def test_a_missing_package_is_answered_with_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PACKAGES, "TPESampler", "no_such_package")
    with pytest.raises(MissingExtraError, match=r"'no_such_package'.*'metaopt\[compare\]'"):
        make_strategy("tpe", {})


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("optuna:BruteForceSampler", {}, "step must be given"),
        ("optuna:GridSampler", {"arguments": {"search_space": {"x": [0.1, 0.2]}}}, "not found in"),
    ],
)
def test_a_sampler_that_cannot_search_the_space_says_so(
    name: str, options: dict[str, Any], why: str
) -> None:
    sampler = name.removeprefix("optuna:")
    with pytest.raises(
        ConfigError, match=rf"{sampler} cannot search space 'unit': .*{why}.*; change"
    ):
        make(name, **options).propose(SPACE, (), (), 1, np.random.default_rng(0))


def test_an_argument_that_a_sampler_finds_wrong_late_is_told_in_a_line() -> None:
    history = study(make_strategy("random", {}), 2)
    with pytest.raises(ConfigError, match="CmaEsSampler cannot search space 'unit': invalid learn"):
        make_strategy("cmaes", {"popsize": 1}).propose(
            SPACE, history, (), 1, np.random.default_rng(0)
        )
