from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pytest

from metaopt.strategies import surrogate
from metaopt.strategies.base import Observation, State
from metaopt.strategies.bayesian import Bayesian
from metaopt.strategies.gaussian_process import GaussianProcess
from search_spaces.parameters import Categorical, Float, Int, Point
from search_spaces.space import Array, SearchSpace

SPACE = SearchSpace(
    "unit",
    "toy",
    "default",
    (Float("x", 0.0, 1.0), Int("n", 0, 20), Categorical("c", ("a", "b", "d"))),
)


def bowl(p: Point) -> float:
    penalty = {"a": 0.3, "b": 0.0, "d": 0.5}[str(p["c"])]
    return (float(p["x"]) - 0.3) ** 2 + ((int(p["n"]) - 14) / 20) ** 2 + penalty


def sampled(n: int, f: Callable[[Point], float | None] = bowl) -> list[Observation]:
    rng = np.random.default_rng(1)
    history = []
    for i in range(n):
        point = SPACE.sample(rng)
        s = f(point)
        state = State.FAILED if s is None else State.COMPLETE
        history.append(Observation(i, point, state, 2.8 if s is None else s, 9))
    return history


def propose(history: list[Observation], pending: list[Point] | None = None, n: int = 1,
            space: SearchSpace = SPACE) -> list[Point]:  # fmt: skip
    rng = np.random.default_rng(2)
    return [p.point for p in Bayesian().propose(space, history, pending or [], n, rng)]


def test_goes_to_the_bottom_of_a_bowl() -> None:
    (point,) = propose(sampled(40))
    assert bowl(point) < min(o.score for o in sampled(40))
    assert point["c"] == "b"
    assert abs(float(point["x"]) - 0.3) < 0.1


def test_running_trials_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[int] = []
    predict = GaussianProcess.predict

    def watched(self: GaussianProcess, X: Array) -> tuple[Array, Array]:
        known.append(len(self.X))
        return predict(self, X)

    monkeypatch.setattr(GaussianProcess, "predict", watched)
    propose(sampled(40), [o.point for o in sampled(47)[40:]])
    # All but the first question, which gives the belief itself, go to the wiser process.
    assert known[0] == 40
    assert set(known[1:]) == {47}


def test_a_failing_region_is_left() -> None:
    # The bowl's bottom diverges: without being told, the process would go on proposing it.
    history = sampled(60, lambda p: None if float(p["x"]) < 0.45 else bowl(p))
    points = propose(history, n=8)
    assert sum(float(p["x"]) > 0.4 for p in points) >= 6


def test_only_feasible_points_where_few_are() -> None:
    def narrow(p: Point) -> str | None:
        return None if int(p["n"]) == 3 and p["c"] == "d" else "no"

    space = SPACE.constrained(narrow)
    assert all(narrow(p) is None for p in propose(sampled(30), n=3, space=space))


def test_numerical_failure_is_logged_and_answered_with_a_random_point(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def singular(*_: object) -> None:
        raise np.linalg.LinAlgError("not positive definite")

    monkeypatch.setattr(surrogate, "fit", singular)
    with caplog.at_level(logging.WARNING):
        points = propose(sampled(30), n=2)
    SPACE.check(points[0])
    assert "not positive definite" in caplog.text


@pytest.mark.parametrize(
    ("varying", "given", "expected"), [(2, 0, 6), (8, 0, 8), (15, 0, 10), (2, 3, 3)]
)
def test_the_initial_design_grows_with_what_varies(varying: int, given: int, expected: int) -> None:
    fixed = (Categorical("fixed", ("only",)),)
    numbers = tuple(Float(f"x{i}", 0.0, 1.0) for i in range(varying))
    space = SearchSpace("unit", "toy", "default", (*fixed, *numbers))
    rng, history = np.random.default_rng(3), list[Observation]()
    while len(history) <= expected:
        (made,) = Bayesian(given).propose(space, history, [], 1, rng)
        history.append(
            Observation(len(history), made.point, State.COMPLETE, rng.random(), 9, note=made.note)
        )
    assert {o.note["operators"] for o in history[:-1]} == {"design"}
    assert history[-1].note["operators"] == "expected improvement"
