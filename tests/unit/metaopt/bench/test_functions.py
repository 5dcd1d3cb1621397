"""Synthetic problems: known optima, and the laws of their learning curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from metaopt.bench.functions import CUBE, hartmann
from metaopt.bench.registry import FUNCTIONS, make_labelled, make_problem
from metaopt.bench.synthetic import Response, Synthetic, curve
from objectives.objective import WORST
from search_spaces.errors import ConfigError
from search_spaces.parameters import Categorical, Float, Int, Point

PROBLEMS = sorted(FUNCTIONS)


def sampled(problem: Synthetic, n: int = 200) -> list[Point]:
    rng = np.random.default_rng(1)
    return [problem.space.sample(rng) for _ in range(n)]


def test_hartmann_is_zero_at_its_published_minimum_and_nowhere_lower() -> None:
    best = np.array([0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573])
    assert hartmann(best) == pytest.approx(0.0, abs=1e-4)
    random = np.random.default_rng(0).random((500, 6))
    values = [hartmann(x) for x in random] + [hartmann(best + 0.01 * (x - 0.5)) for x in random]
    assert min(values) > -1e-5 and max(values) < 3.3224


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_training_is_a_function_of_point_and_seed(name: str) -> None:
    problem = FUNCTIONS[name](0.1)
    for point in sampled(problem, 5):
        assert problem.train(point, 3) == problem.train(point, 3)
        assert problem.train(point, 3) != problem.train(point, 4)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_final_score_is_the_truth_where_there_is_no_noise(name: str) -> None:
    problem = FUNCTIONS[name](0.0)
    for point in sampled(problem):
        training = problem.train(point, 0)
        assert training.score == pytest.approx(problem.truth(point), abs=1e-12)
        times = [rung.seconds for rung in training.rungs] + [training.seconds]
        assert times == sorted(times) and times[0] > 0
        epochs = [rung.epoch for rung in training.rungs]
        assert epochs == list(range(1, len(epochs) + 1))
        assert training.failed or epochs[-1] == problem.epochs


def test_noise_is_the_scatter_between_seeds() -> None:
    problem = FUNCTIONS["hartmann6"](0.2)
    point = sampled(problem, 1)[0]
    scores = [problem.train(point, seed).score for seed in range(400)]
    assert np.mean(scores) == pytest.approx(problem.truth(point), abs=0.04)
    assert np.std(scores) == pytest.approx(0.2, rel=0.15)


def test_a_made_up_gan_diverges_fast_or_slowly_and_scores_within_bounds() -> None:
    problem = FUNCTIONS["gan15"](0.0)
    trainings = [problem.train(point, 0) for point in sampled(problem, 500)]
    failed = [t for t in trainings if t.failed]
    assert 0.3 < len(failed) / 500 < 0.5
    assert {len(t.rungs) for t in failed} >= {0, 1, 2, 3}
    assert all(t.score == WORST for t in failed)
    scores = [t.score for t in trainings if not t.failed]
    assert 0.2 < min(scores) < 0.8 < max(scores) < 2.6


def test_a_dip_makes_a_curve_turn_up_again_and_not_change_its_end() -> None:
    monotone = Response(1.0, 1.0, ripple=0.0)
    deep = replace(monotone, dip=0.5)
    t = np.linspace(0.1, 1.0, 10)
    falling, dipped = ([curve(r, x, 0.0) for x in t] for r in (monotone, deep))
    assert falling == sorted(falling, reverse=True)
    assert min(dipped) < 0.9 and falling[-1] == dipped[-1] == 1.0
    swung = [curve(Response(1.0, 1.0), x, 2.0) for x in t]
    assert swung[0] > falling[0] and swung[-1] == 1.0


def test_the_spaces_are_what_they_are_said_to_be() -> None:
    mixed = FUNCTIONS["hartmann-mixed"](0.0).space.parameters
    kinds = [type(p) for p in mixed]
    assert [kinds.count(kind) for kind in (Int, Float, Categorical)] == [3, 3, 1]
    assert sum(getattr(p, "log", False) for p in mixed) == 1
    gan = FUNCTIONS["gan15"](0.0).space.parameters
    assert len(gan) == 15 and sum(p.when is not None for p in gan) == 3
    assert len(CUBE.parameters) == 6


def test_names_carry_noise_and_labels_options() -> None:
    problem = make_problem("gan15:0.25")
    assert isinstance(problem, Synthetic)
    assert (problem.name, problem.noise) == ("gan15:0.25", 0.25)
    strategy = make_labelled("genetic,population=12,sigma=0.1")
    assert (strategy.population, strategy.sigma) == (12, 0.1)  # type: ignore[attr-defined]


def test_more_epochs_show_the_same_training_in_finer_steps() -> None:
    nine, thirty = make_problem("hartmann6:0.1"), make_problem("hartmann6:0.1@30")
    assert thirty.name == "hartmann6:0.1@30"
    point = nine.space.sample(np.random.default_rng(1))
    coarse, fine = nine.train(point, 3), thirty.train(point, 3)
    assert (len(coarse.rungs), len(fine.rungs)) == (9, 30)
    assert fine.score == coarse.score
    assert fine.seconds == pytest.approx(coarse.seconds * 30 / 9)


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_a_training_of_few_epochs_diverges_by_its_last_one(epochs: int) -> None:
    problem, rng = make_problem(f"gan15@{epochs}"), np.random.default_rng(0)
    for _ in range(100):
        point = problem.space.sample(rng)
        training = problem.train(point, 1)
        failed = problem.truth(point) == WORST
        assert (training.score == WORST) == failed
        assert len(training.rungs) < epochs if failed else len(training.rungs) == epochs


@pytest.mark.parametrize(
    ("make", "name", "text"),
    [
        (make_problem, "gan51", "unknown problem 'gan51'; did you mean 'gan15'?"),
        (make_problem, "gan15:loud", "a number from 0, got 'gan15:loud'"),
        (make_problem, "gan15:-1", "a number from 0"),
        (make_problem, "gan15:nan", "a number from 0"),
        (make_problem, "gan15@0", "a whole number from 1 to 10000, got 'gan15@0'"),
        (make_problem, "gan15@many", "a whole number from 1"),
        (make_problem, "gan15:0.1@", "a whole number from 1"),
        (make_labelled, "genetik", "did you mean 'genetic'?"),
        (make_labelled, "genetic,population", "read 'name,key=value"),
        (make_labelled, "genetic,population=twelve", "read 'name,key=value"),
        (make_labelled, "genetic,populaton=12", "did you mean 'population'?"),
    ],
)
def test_bad_names(make: Callable[[str], object], name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(name)
    assert text in str(caught.value)
