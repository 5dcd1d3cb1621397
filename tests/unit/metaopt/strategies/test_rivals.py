"""A search for speed as well holds a trial against those that are as fast."""

from __future__ import annotations

import numpy as np

from metaopt.strategies.halving import SuccessiveHalving
from metaopt.strategies.pruning import so_far
from metaopt.strategies.registry import make_strategy
from metaopt.strategies.rivals import minimises_time, slower
from search_spaces.loader import load_space
from workers.timing import log_ms


def test_slower_trials_and_those_that_were_not_timed_do_not_count() -> None:
    others = {0: 0.5, 1: 1.02, 2: 9.0, 3: None}
    assert slower(1.0, others) == {2, 3}
    assert slower(None, others) == set()


def test_only_a_strategy_that_says_so_searches_for_speed() -> None:
    assert minimises_time(make_strategy("nsga2", {}))
    assert not minimises_time(make_strategy("genetic", {}))


def stopped(scores: list[float], times: list[float], number: int) -> bool:
    out = slower(times[number], dict(enumerate(times))) | {number}
    trials = [so_far(i, {}, [(3, s)]) for i, s in enumerate(scores)]
    others = [trial for trial in trials if trial.number not in out]
    rule, space = SuccessiveHalving(first_rung=3, rank_by="score"), load_space("toy")
    return rule.should_stop(trials[number], others, space, 9)


def test_halving_spares_the_front_and_stops_as_many_as_ever() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.5, 2.5, 90).tolist()
    times = (10.0 ** rng.uniform(-1, 2, 90)).tolist()
    fast = [log_ms(time) for time in times]
    dominated = [
        any(scores[j] < scores[i] and fast[j] <= fast[i] for j in range(90)) for i in range(90)
    ]
    fate = [stopped(scores, times, i) for i in range(90)]
    assert not any(fate[i] for i in range(90) if not dominated[i])
    assert 0.55 < np.mean(fate) < 0.75
