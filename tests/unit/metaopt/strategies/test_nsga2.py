"""Two objectives: the front is covered, and what stands for a missing one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from metaopt.strategies.base import Observation, State
from metaopt.strategies.nsga2 import NSGA2
from metaopt.strategies.registry import make_strategy
from search_spaces.errors import ConfigError
from search_spaces.parameters import Float
from search_spaces.space import SearchSpace

SPACE = SearchSpace("unit", "toy", "default", tuple(Float(f"x{i}", 0.0, 1.0) for i in range(4)))
#: Where the hypervolume ends: S, and log10 of the milliseconds.
REFERENCE = (2.0, 2.0)
#: That of the whole front, S = (1 - l / 2)^2 for l from 0 to 2.
WHOLE = 4.0 - 2.0 / 3.0


def evaluate(x: Sequence[float]) -> tuple[float, float]:
    """(S, log10 ms): the front is where all but the first coordinate are 0.3."""
    far = sum(abs(v - 0.3) for v in x[1:]) / (len(x) - 1)
    return (1.0 - x[0]) ** 2 + 2.0 * far, 2.0 * x[0]


def hypervolume(points: Sequence[tuple[float, float]]) -> float:
    """The area that the points dominate, up to the reference."""
    area, left = 0.0, REFERENCE[1]
    for s, log_ms in sorted(p for p in points if p[0] < REFERENCE[0]):
        area += (REFERENCE[0] - s) * max(left - log_ms, 0.0)
        left = min(left, log_ms)
    return area


def covered(name: str, seed: int) -> float:
    """Share of the hypervolume after 80 trials, four at a time, that are timed to 7 %."""
    strategy, history = make_strategy(name, {}), list[Observation]()
    found = []
    for number in range(80):
        done, running = history[:-3], [o.point for o in history[-3:]]
        rng = np.random.default_rng([seed, number])
        (made,) = strategy.propose(SPACE, done, running, 1, rng)
        s, log_ms = evaluate([float(v) for v in made.point.values()])
        metrics = {"ms_per_shower": 10.0 ** (log_ms + 0.03 * float(rng.normal()))}
        history.append(
            Observation(number, made.point, State.COMPLETE, s, 9, (), made.note, metrics)
        )
        found.append((s, log_ms))
    return hypervolume(found) / WHOLE


def test_more_of_the_front_than_random_search() -> None:
    nsga2, random = ([covered(name, seed) for seed in range(6)] for name in ("nsga2", "random"))
    assert np.mean(nsga2) > 0.86 > 0.84 > np.mean(random)
    assert min(nsga2) > max(random)


def trial(
    number: int, score: float, ms: float | None, state: State = State.COMPLETE
) -> Observation:
    point = {f"x{i}": (number + 0.1 * i) / 100 for i in range(4)}
    metrics = {} if ms is None else {"ms_per_shower": ms}
    return Observation(number, point, state, score, 9, metrics=metrics)


#: Four on the front, one of them pruned; all others are slower and worse.
FRONT = [
    trial(0, 0.5, 80.0),
    trial(1, 1.0, 20.0),
    trial(2, 1.5, 5.0, State.PRUNED),
    trial(3, 2.0, 1.0),
]
HISTORY = [*FRONT, *(trial(4 + i, 2.1 + 0.01 * i, 100.0) for i in range(20))]


def parents(history: list[Observation], **options: float) -> set[int]:
    """Numbers of all parents of sixty children; four may be."""
    strategy = NSGA2(population=4, **options)  # type: ignore[arg-type]
    made = strategy.propose(SPACE, history, (), 60, np.random.default_rng(1))
    notes = [p.note["parents"] for p in made if "parents" in p.note]
    return {int(number) for note in notes for number in note.split(", ")}


def test_parents_are_the_front_and_then_the_next() -> None:
    assert parents(HISTORY) == {0, 1, 2, 3}
    assert parents(HISTORY[1:]) == {1, 2, 3, 4}


def test_of_a_crowded_front_those_in_the_emptiest_places_are_parents() -> None:
    crowd = [trial(30 + i, 1.0 + 0.01 * i, 20.0 / 1.3**i) for i in (1, 2, 3)]
    assert parents([*HISTORY, *crowd]) >= {0, 2, 3}


def test_failed_trials_are_no_parents_while_others_live() -> None:
    failed = [dataclasses.replace(o, state=State.FAILED, score=2.8, metrics={}) for o in HISTORY]
    assert parents([*failed[:22], *HISTORY[22:]]) == {22, 23}
    assert parents(failed)


def test_a_difference_in_time_within_the_noise_is_none() -> None:
    def rank(ms: float) -> float:
        chosen = NSGA2()._select([*FRONT, trial(30, 0.6, ms)], 5)
        return next(merit[0] for o, merit in chosen if o.number == 30)

    assert (rank(78.0), rank(60.0)) == (-1.0, 0.0)


def test_a_trial_that_was_not_timed_counts_as_slow_as_the_slowest() -> None:
    assert 30 in parents([*HISTORY, trial(30, 0.4, None)])
    assert 30 not in parents([*HISTORY, trial(30, 0.6, None)])


def test_without_times_the_lowest_scores_are_parents() -> None:
    untimed = [dataclasses.replace(o, metrics={}) for o in reversed(HISTORY)]
    assert parents(untimed) == {0, 1, 2, 3}


def test_beyond_the_limit_speed_does_not_count() -> None:
    useless = trial(30, 2.7, 0.001)
    assert 30 in parents([*HISTORY, useless])
    assert parents([*HISTORY, useless], limit=1.2) == {0, 1, 2, 3}


def test_options_are_checked_as_those_of_the_genetic_strategy() -> None:
    with pytest.raises(ConfigError, match="population >= 2"):
        make_strategy("nsga2", {"population": 1})
    wrong = {"tournament": 0, "crossover": 1.5, "structure": -1.0, "mutations": 0.0, "sigma": 0.0}
    for name, value in wrong.items():
        with pytest.raises(ConfigError, match=f"{name}.* must hold.*{name}={value}"):
            make_strategy("nsga2", {name: value})
