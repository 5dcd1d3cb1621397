"""A table that is continued between its rows: means, luck, failures."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaopt.bench.clock import Setting, simulate
from metaopt.bench.fitted import FittedTable
from metaopt.bench.problem import Problem
from metaopt.bench.registry import make_labelled, make_labelled_pruning, make_problem
from metaopt.bench.table import FORMAT
from objectives.objective import WORST
from search_spaces.errors import DataError
from search_spaces.loader import space_document
from search_spaces.parameters import Float
from search_spaces.space import SearchSpace

SPACE = SearchSpace("table", "toy", "default", (Float("x", 0.0, 1.0), Float("y", 0.0, 1.0)))
#: Of S between the seeds of a configuration.
NOISE = 0.05
#: Trainings with x above it diverge.
EDGE = 0.8


def surface(x: float, y: float) -> float:
    return 1.0 + x + 0.5 * y


def trial(x: float, y: float, seed: int, luck: float, epochs: tuple[int, ...] = (2, 4)) -> Any:
    score = surface(x, y) + luck
    rungs = [
        {"epoch": e, "showers": 10 * e, "score": score + 1 / e, "seconds": 1.0 * e} for e in epochs
    ]
    made = {"point": {"x": x, "y": y}, "seed": seed, "rungs": rungs, "seconds": 5.0}
    if x > EDGE:
        return made | {"outcome": "failed", "score": WORST, "rungs": rungs[:1], "reason": "lost"}
    return made | {"outcome": "complete", "score": score}


def write(folder: Path, rows: list[Any]) -> str:
    header = {"format": FORMAT, "space": space_document(SPACE), "epochs": 4, "showers": 10}
    lines = [header | {"about": {}}, *rows]
    path = folder / "trials.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    return f"fitted:{path}"


def trials(n: int = 300) -> list[Any]:
    """Every tenth configuration has three seeds."""
    rng = np.random.default_rng(1)
    places = rng.random((n, 2))
    return [
        trial(float(x), float(y), seed, NOISE * float(rng.normal()))
        for i, (x, y) in enumerate(places)
        for seed in range(3 if i % 10 == 0 else 1)
    ]


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return make_problem(write(tmp_path_factory.mktemp("fitted"), trials()))


@pytest.mark.parametrize("point", [{"x": 0.2, "y": 0.3}, {"x": 0.5, "y": 0.9}])
def test_the_truth_is_the_surface_between_the_rows(problem: Problem, point: Any) -> None:
    assert problem.truth(point) == pytest.approx(surface(**point), abs=0.08)
    assert problem.settle(point, set()) == point and problem.size is None


@pytest.mark.parametrize("point", [{"x": 0.4, "y": 0.4}, {"x": 0.02, "y": 0.02}])
def test_seeds_differ_as_much_as_those_of_the_table(problem: Problem, point: Any) -> None:
    """Also in a corner, where trees that have not seen a trial expect too much of it."""
    courses = [problem.train(point, seed) for seed in range(200)]
    scores = np.array([course.score for course in courses])
    assert scores.std() == pytest.approx(NOISE, rel=0.5)
    assert scores.mean() == pytest.approx(problem.truth(point), abs=0.015)
    assert len(set(scores)) <= 8 and problem.train(point, 3) == courses[3]
    first = courses[0]
    assert [(rung.epoch, rung.seconds) for rung in first.rungs] == [(2, 2.0), (4, 4.0)]
    # The luck of a training is in all of its epochs.
    assert first.rungs[0].score - first.score == pytest.approx(0.5, abs=0.1)


def test_what_failed_near_a_point_fails_there(problem: Problem) -> None:
    beyond = {"x": 0.95, "y": 0.5}
    assert problem.truth(beyond) == WORST
    course = problem.train(beyond, 1)
    assert course.failed and [rung.epoch for rung in course.rungs] == [2]


def test_a_study_is_simulated_on_it(problem: Problem) -> None:
    setting = Setting(trials=12)
    strategy, pruning = make_labelled("genetic"), make_labelled_pruning("halving")
    made = simulate(problem, strategy, pruning, setting, seed=1)
    assert len(made.ended) >= 12 and min(e.truth for e in made.ended) < surface(0.5, 0.5)


def test_too_few_trials_and_other_epochs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="50 complete trials are needed for a fit, got"):
        make_problem(write(tmp_path, trials(30)))
    with pytest.raises(DataError, match="scored in the same epochs"):
        make_problem(write(tmp_path, [*trials(), trial(0.5, 0.5, 1, 0.0, (1, 4))]))


def test_its_name_is_the_label(problem: Problem) -> None:
    assert isinstance(problem, FittedTable)
    assert problem.name.startswith("fitted:") and problem.name.endswith("trials.jsonl.gz")
