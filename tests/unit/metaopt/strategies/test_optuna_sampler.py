from __future__ import annotations

import math
import threading
from collections.abc import Callable

import optuna
import pytest

from metaopt.strategies.base import State
from metaopt.strategies.optuna_sampler import StrategySampler, distributions, observations
from metaopt.strategies.registry import STRATEGIES, make_strategy
from search_spaces.errors import ConfigError, SpaceError
from search_spaces.parameters import Categorical, Condition, Float, Int
from search_spaces.space import Baseline, SearchSpace

SPACE = SearchSpace(
    "unit",
    "toy",
    "default",
    (
        Float("x", 0.0, 1.0),
        Int("n", 1, 3),
        Int("child", 1, 9, when=Condition.parse("n >= 2")),
        Categorical("c", ("a", "b")),
    ),
    (Baseline("published", {"x": 0.5, "n": 1, "c": "b"}),),
)


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def trial_rest(trial: optuna.Trial) -> float:
    """Ask for all but x."""
    n = trial.suggest_int("n", 1, 3)
    child = trial.suggest_int("child", 1, 9) if n >= 2 else 5
    return 0.01 * child + (trial.suggest_categorical("c", ["a", "b"]) == "a")


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0.0, 1.0)
    rest = trial_rest(trial)
    if x > 0.8:
        raise ArithmeticError("diverged")
    trial.report(x, 1)
    if trial.number % 5 == 4:
        raise optuna.TrialPruned
    return x**2 + rest


def optimise(name: str, trials: int, jobs: int = 1) -> optuna.Study:
    sampler = StrategySampler(make_strategy(name, {}), SPACE, seed=1)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, trials, n_jobs=jobs, catch=(ArithmeticError,))
    return study


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_any_strategy_drives_study_optimize(name: str) -> None:
    study = optimise(name, 16)
    assert study.trials[0].params == SPACE.baselines[0].point
    keys = {str(t.params) for t in study.trials}
    assert len(keys) == 16
    assert study.best_value < 0.3


def test_the_same_seed_gives_the_same_study() -> None:
    first, second = (optimise("genetic", 14) for _ in range(2))
    assert [t.params for t in first.trials] == [t.params for t in second.trials]


def test_running_trials_are_pending() -> None:
    study = optuna.create_study(sampler=StrategySampler(make_strategy("random", {}), SPACE))
    trials = [study.ask(distributions(SPACE)) for _ in range(4)]
    assert trials[0].params["x"] == 0.5
    assert len({trial.params["x"] for trial in trials}) == 4


def test_states_and_scores_of_the_history() -> None:
    trials = optimise("random", 30).trials
    history = observations(SPACE, trials, 1.0)
    names = {State.COMPLETE: "COMPLETE", State.PRUNED: "PRUNED", State.FAILED: "FAIL"}
    for o in history:
        trial = trials[o.number]
        assert trial.state.name == names[o.state]
        if o.state is State.PRUNED:
            assert (o.score, o.epochs, o.rungs) == (trial.params["x"], 1, ((1, o.score),))
        if o.state is State.COMPLETE:
            assert o.score == trial.value
    assert {o.state for o in history} == set(State)
    worst = max(o.score for o in history if o.state is not State.FAILED)
    assert {o.score for o in history if o.state is State.FAILED} == {worst}


def test_threads_that_begin_together_try_different_points() -> None:
    together = threading.Barrier(4)

    def begins_with_the_others(trial: optuna.Trial) -> float:
        if trial.number < 4:
            together.wait(120)
        first = trial.suggest_float("x", 0.0, 1.0)
        if trial.number < 4:
            together.wait(120)  # none has asked for more
        return first + trial_rest(trial)

    study = optuna.create_study(sampler=StrategySampler(make_strategy("genetic", {}), SPACE))
    study.optimize(begins_with_the_others, 4, n_jobs=4)
    assert len({trial.params["x"] for trial in study.trials}) == 4


def test_a_trial_that_failed_before_it_asked_for_all_is_learnt_from() -> None:
    study = optuna.create_study(sampler=StrategySampler(make_strategy("random", {}), SPACE))
    trial = study.ask()
    trial.suggest_float("x", 0.0, 1.0)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    (failed,) = observations(SPACE, study.trials, 1.0)
    assert (failed.state, failed.point) == (State.FAILED, SPACE.baselines[0].point)


def test_the_note_of_a_proposal_comes_back_in_the_history() -> None:
    sampler = StrategySampler(make_strategy("genetic", {"learning": 0.3}), SPACE, seed=1)
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0) + trial_rest(trial), 10)
    last = observations(SPACE, study.trials, 1.0)[-1]
    assert {"parents", "operators", "sigma"} <= set(last.note)


def test_maximising_turns_the_sign_and_infinity_is_a_failure() -> None:
    params = {"x": 0.2, "n": 1, "c": "a"}
    ranges = {k: v for k, v in distributions(SPACE).items() if k in params}
    trials = [
        optuna.create_trial(params=params, distributions=ranges, value=value)
        for value in (3.0, -math.inf)
    ]
    history = observations(SPACE, trials, -1.0)
    assert [o.score for o in history] == [-3.0, -3.0]
    assert [o.state for o in history] == [State.COMPLETE, State.FAILED]


def test_trials_of_another_space_are_left_out() -> None:
    trial = optuna.create_trial(
        params={"y": 0.2},
        distributions={"y": optuna.distributions.FloatDistribution(0, 1)},
        value=1,
    )
    assert observations(SPACE, [trial], 1.0) == []


def test_another_parameter_is_drawn_at_random_and_another_range_refused() -> None:
    study = optuna.create_study(sampler=StrategySampler(make_strategy("random", {}), SPACE))
    trial = study.ask()
    assert 0 <= trial.suggest_float("extra", 0, 1) <= 1
    # Absent in the baseline, so the sampler is asked for it alone.
    with pytest.raises(SpaceError, match="'child' must be suggested as in the space"):
        trial.suggest_int("child", 1, 20)


def wider(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", -1.0, 1.0) + trial_rest(trial)


def misspelt(trial: optuna.Trial) -> float:
    return trial.suggest_float("X", 0.0, 1.0) + trial_rest(trial)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (wider, "'x' must be suggested as in the space"),
        (misspelt, "must be suggested, got none of the name 'x' in trial 0"),
    ],
)
def test_the_first_trial_ends_an_objective_that_asks_for_something_else(
    objective: Callable[[optuna.Trial], float], message: str
) -> None:
    study = optuna.create_study(sampler=StrategySampler(make_strategy("genetic", {}), SPACE))
    with pytest.raises(SpaceError, match=message):
        study.optimize(objective, 3)
    (kept,) = study.trials
    assert kept.state is optuna.trial.TrialState.COMPLETE


@pytest.mark.filterwarnings("ignore:PartialFixedSampler is experimental")
def test_a_sampler_that_keeps_a_parameter_for_itself_is_refused() -> None:
    ours = StrategySampler(make_strategy("genetic", {}), SPACE)
    fixed = optuna.samplers.PartialFixedSampler({"x": 0.2}, ours)
    with pytest.raises(SpaceError, match="all parameters of space 'unit', got others for x"):
        optuna.create_study(sampler=fixed).optimize(objective, 1)


@pytest.mark.parametrize("name", ["bayesian", "genetic"])
def test_a_search_keeps_away_from_what_violates_a_constraint(name: str) -> None:
    def constrained(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        n = trial.suggest_int("n", 1, 3)
        child = trial.suggest_int("child", 1, 9) if n >= 2 else 5
        trial.suggest_categorical("c", ["a", "b"])
        trial.set_constraint("memory", 0.4 - x)
        return x + 0.01 * child

    study = optuna.create_study(sampler=StrategySampler(make_strategy(name, {}), SPACE, seed=1))
    study.optimize(constrained, 26)
    history = observations(SPACE, study.trials, 1.0)
    assert all((o.state is State.FAILED) == (float(o.point["x"]) < 0.4) for o in history)
    worst = max(o.score for o in history if o.state is State.COMPLETE)
    assert {o.score for o in history if o.state is State.FAILED} == {worst}
    assert sum(o.state is State.COMPLETE for o in history[10:]) >= 11


def test_a_study_of_several_objectives_is_refused() -> None:
    sampler = StrategySampler(make_strategy("nsga2", {}), SPACE)
    study = optuna.create_study(sampler=sampler, directions=["minimize", "minimize"])
    with pytest.raises(ConfigError, match="one objective, got 2"):
        study.ask(distributions(SPACE))
