from __future__ import annotations

import numpy as np
import pytest

from metaopt.strategies.base import Observation, State
from metaopt.strategies.surrogate import Surrogate, final_scores, keep, standardised
from search_spaces.parameters import Float
from search_spaces.space import SearchSpace

SPACE = SearchSpace("unit", "toy", "default", (Float("x", 0.0, 1.0),))
PRUNED, FAILED = State.PRUNED, State.FAILED


def trial(
    number: int, score: float, state: State = State.COMPLETE, x: float = 0.5, epochs: int = 9,
    rungs: tuple[tuple[int, float], ...] = (),
) -> Observation:  # fmt: skip
    return Observation(number, {"x": x}, state, score, epochs, rungs)


def scaled(history: list[Observation]) -> np.ndarray:
    return standardised(np.array([o.score for o in history]), history)[0]


def test_failures_count_as_the_worst_living_trial() -> None:
    living = [trial(i, 0.1 * i) for i in range(10)]
    y = scaled([*living, trial(10, 2.8, FAILED)])
    assert y[10] == y[9] == y.max()
    assert y.mean() == pytest.approx(0.0)
    assert y.std() == pytest.approx(1.0)


def test_outliers_are_drawn_in_and_the_order_stays() -> None:
    y = scaled([trial(i, s) for i, s in enumerate([0.1, 0.2, 0.3, 0.4, 1e6])])
    assert (np.diff(y) >= 0).all()
    assert y[1] - y[0] > 0.2
    # Quartiles 1 and 3, and 1.5 times their distance.
    history = [trial(i, s) for i, s in enumerate([0.0, 1.0, 2.0, 3.0, 100.0])]
    y, centre, scale = standardised(np.array([o.score for o in history]), history)
    assert centre + scale * y == pytest.approx([0, 1, 2, 3, 6])


def test_scores_without_spread() -> None:
    assert (scaled([trial(i, 1.0) for i in range(4)]) == 0).all()
    assert (scaled([trial(i, 2.8, FAILED) for i in range(4)]) == 0).all()


def test_large_histories_are_thinned_to_the_best_and_the_latest() -> None:
    history = [trial(i, abs(i - 50) / 50) for i in range(100)]
    kept = [o.number for o in keep(history, 20)]
    assert kept == [*range(45, 55), *range(90, 100)] or kept == [*range(46, 56), *range(90, 100)]
    assert keep(history, 100) == history


def test_a_stopped_trial_is_told_as_what_it_would_have_become() -> None:
    gains = [0.1, 0.2, 0.3, 5.0, 0.2]
    complete = [trial(i, 1.0, rungs=((3, 1.0 + g), (9, 1.1))) for i, g in enumerate(gains)]
    stopped = trial(9, 2.0, PRUNED, epochs=3, rungs=((3, 2.0),))
    assert final_scores([*complete, stopped]) == pytest.approx([*[1.0] * 5, 1.8])
    # Three complete ones are enough, and others that stopped there gained nothing yet.
    others = [trial(10 + i, 2.0, PRUNED, epochs=3, rungs=((3, 2.0),)) for i in range(9)]
    assert final_scores([*complete[:3], *others])[3:] == pytest.approx([1.8] * 9)


def test_without_complete_trials_of_that_budget_a_stopped_one_keeps_its_score() -> None:
    complete = [trial(i, 1.0, rungs=((3, 1.5), (9, 1.0))) for i in range(2)]
    at_another = [trial(i, 1.0, rungs=((2, 1.5), (9, 1.0))) for i in range(2, 6)]
    stopped = trial(9, 2.0, PRUNED, epochs=3)
    assert final_scores([*complete, *at_another, stopped])[-1] == 2.0


def line(n: int, noise: float = 0.0) -> list[Observation]:
    """Scores 10 + 100 x."""
    rng = np.random.default_rng(1)
    xs = rng.random(n)
    return [trial(i, 10 + 100 * x + noise * rng.normal(), x=float(x)) for i, x in enumerate(xs)]


def test_predictions_are_in_units_of_the_score() -> None:
    surrogate = Surrogate.of(SPACE, line(20, noise=5.0))
    mean, deviation = surrogate.predict([{"x": 0.25}, {"x": 0.75}])
    assert mean == pytest.approx([35.0, 85.0], abs=8.0)
    assert ((deviation > 0.5) & (deviation < 6.0)).all()
    assert surrogate.process.noise * surrogate.scale == pytest.approx(5.0, rel=0.5)


def test_more_trials_than_are_learned_from_are_still_known() -> None:
    history = line(200)
    surrogate = Surrogate.of(SPACE, history)
    assert len(surrogate.process.X) == 200
    assert Surrogate.of(SPACE, history, limit=40).process.X.shape == (40, 1)
    mean, _ = surrogate.predict([o.point for o in history])
    # The ceiling is above all of these scores.
    assert np.abs(mean - [o.score for o in history]).max() < 3.0


def test_failed_trials_are_known_but_not_alive() -> None:
    surrogate = Surrogate.of(SPACE, [*line(9), trial(9, 2.8, FAILED)])
    assert [o.number for o in surrogate.living] == list(range(9))
    assert len(surrogate.process.X) == 10


def test_suggests_the_other_end_than_the_bad_one() -> None:
    surrogate = Surrogate.of(SPACE, line(12))
    found = surrogate.suggest(set(), np.random.default_rng(1))
    assert found is not None
    assert float(found["x"]) < 0.1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_many_trials_tell_already_is_not_repeated(seed: int) -> None:
    """The plain expected improvement repeats the corner of the 20 trials once more."""
    noise = np.random.default_rng(seed).normal(0.0, 1.0, 23).tolist()
    corner = [trial(i, s, x=1e-4 * i) for i, s in enumerate(noise[:20])]
    places = zip((0.3, 0.6, 1.0), noise[20:], strict=True)
    elsewhere = [trial(20 + i, 1.0 + s, x=x) for i, (x, s) in enumerate(places)]
    surrogate = Surrogate.of(SPACE, [*corner, *elsewhere])
    found = surrogate.suggest(set(), np.random.default_rng(1))
    assert found is not None
    assert float(found["x"]) > 0.1
