from __future__ import annotations

import math

import numpy as np
import pytest

from metaopt.strategies.pruning import NoPruning, SuccessiveHalving
from search_spaces.errors import ConfigError


def curve(*scores: float) -> list[tuple[int, float]]:
    return [(i + 1, s) for i, s in enumerate(scores)]


GOOD, MEDIUM, BAD = curve(1, 0.5, 0.2), curve(1, 0.6, 0.4), curve(1, 0.9, 0.8)


@pytest.mark.parametrize(("epochs", "levels"), [(9, [3]), (10, [4]), (30, [10]), (1, []), (2, [1])])
def test_first_rung_is_a_third_of_the_epochs_rounded_up(epochs: int, levels: list[int]) -> None:
    assert SuccessiveHalving().levels(epochs) == levels


def test_rungs_grow_by_the_factor() -> None:
    assert SuccessiveHalving(first_rung=1, factor=3).levels(28) == [1, 3, 9, 27]


def test_the_worst_of_four_stops_and_the_best_goes_on() -> None:
    rule = SuccessiveHalving()
    assert rule.should_stop(BAD, [GOOD, MEDIUM, GOOD], 9)
    assert not rule.should_stop(GOOD, [BAD, MEDIUM, BAD], 9)


def test_one_in_factor_stays() -> None:
    rule = SuccessiveHalving(first_rung=1)
    peers = [curve(0.1 * i) for i in range(1, 9)]
    stays = [not rule.should_stop(curve(0.1 * i + 0.05), peers, 9) for i in range(9)]
    assert stays == [True] * 3 + [False] * 6


def test_ties_stay() -> None:
    assert not SuccessiveHalving().should_stop(BAD, [BAD, BAD, BAD, BAD], 9)


def test_too_few_peers_at_the_rung() -> None:
    young = curve(0.1, 0.1)
    assert not SuccessiveHalving().should_stop(BAD, [GOOD, GOOD, young, young], 9)


@pytest.mark.parametrize("epoch", [1, 2, 4, 9])
def test_decisions_fall_at_rungs_only(epoch: int) -> None:
    bad = curve(*[0.9] * epoch)
    assert not SuccessiveHalving().should_stop(bad, [curve(*[0.1] * 9)] * 5, 9)


def test_a_rung_between_scored_epochs_is_judged_at_the_next_one() -> None:
    rule = SuccessiveHalving(first_rung=3)
    peers = [[(2, 0.5), (4, 0.1)]] * 4
    assert rule.should_stop([(2, 0.9), (4, 0.9)], peers, 9)
    assert not rule.should_stop([(2, 0.9), (4, 0.9), (6, 0.9)], peers, 9)


def test_one_bad_epoch_does_not_stop_a_good_trial() -> None:
    spike = curve(1.0, 0.1, 2.0)
    assert not SuccessiveHalving().should_stop(spike, [MEDIUM, BAD, MEDIUM], 9)


def test_later_epochs_of_peers_do_not_count() -> None:
    late = [*BAD, (4, 0.0)]
    assert not SuccessiveHalving().should_stop(MEDIUM, [late, late, late], 9)


def test_nan_never_stops() -> None:
    rule = SuccessiveHalving()
    assert not rule.should_stop(curve(*[math.nan] * 3), [GOOD] * 4, 9)
    assert not rule.should_stop(MEDIUM, [curve(*[math.nan] * 3)] * 4, 9)
    assert not rule.should_stop([], [GOOD] * 4, 9)


def test_finite_epochs_beside_nan_are_judged() -> None:
    rule = SuccessiveHalving()
    assert rule.should_stop([(1, math.nan), *BAD[1:]], [GOOD] * 4, 9)
    assert rule.should_stop(BAD, [[(1, math.nan), *GOOD[1:]]] * 4, 9)


def test_a_stopped_trial_goes_on_once_enough_worse_ones_came() -> None:
    rule, stopped = SuccessiveHalving(), {7: MEDIUM}
    assert rule.should_stop(MEDIUM, [GOOD, GOOD, BAD], 9)
    assert rule.promotable(stopped, [GOOD, GOOD, BAD], 9) == []
    assert rule.promotable(stopped, [GOOD, GOOD, BAD, BAD, BAD], 9) == []
    assert rule.promotable(stopped, [GOOD, GOOD, BAD, BAD, BAD, BAD], 9) == [7]


def test_other_stopped_trials_are_peers_and_the_best_goes_first() -> None:
    stopped = {i: curve(0.1 * i) for i in (5, 4, 3, 2, 1)}
    assert SuccessiveHalving(first_rung=1).promotable(stopped, [], 9) == [1, 2]
    assert SuccessiveHalving(first_rung=1, factor=2).promotable(stopped, [], 9) == [1, 2, 3]


def test_a_higher_rung_goes_first_and_is_judged_by_its_own_peers() -> None:
    rule = SuccessiveHalving(first_rung=1, factor=3, min_peers=1)
    far, near = curve(0.9, 0.8, 0.7), curve(0.1)
    assert rule.promotable({1: near, 2: far}, [BAD, BAD], 9) == [2, 1]
    assert rule.promotable({1: near, 2: far}, [GOOD, GOOD], 9) == [1]


def test_epochs_after_the_rung_do_not_promote() -> None:
    rule, others = SuccessiveHalving(), [MEDIUM, MEDIUM, BAD, BAD, BAD]
    assert rule.promotable({1: [*BAD, (4, 0.0)]}, others, 9) == []
    assert rule.promotable({1: [*GOOD, (4, 2.0)]}, others, 9) == [1]


def test_promoted_is_what_would_not_be_stopped_now() -> None:
    rule, rng = SuccessiveHalving(first_rung=1, factor=2), np.random.default_rng(5)
    trials = [curve(*rng.random(n)) for n in rng.choice([1, 2, 4], 40)]
    for number, own in enumerate(trials):
        others = trials[:number] + trials[number + 1 :]
        goes_on = not rule.should_stop(own, others, 8)
        assert rule.promotable({number: own}, others, 8) == [number] * goes_on


def test_nothing_is_promoted_without_peers_or_a_finite_score() -> None:
    rule, nan = SuccessiveHalving(), curve(*[math.nan] * 3)
    assert rule.promotable({1: GOOD}, [BAD, BAD], 9) == []
    assert rule.promotable({1: GOOD}, [nan] * 9, 9) == []
    assert rule.promotable({1: nan, 2: [], 3: GOOD[:2]}, [BAD] * 9, 9) == []


def test_no_pruning() -> None:
    assert not NoPruning().should_stop(BAD, [GOOD] * 9, 9)
    assert NoPruning().promotable({1: GOOD}, [BAD] * 9, 9) == []


@pytest.mark.parametrize("option", ["first_rung", "min_peers", "factor"])
def test_options_out_of_range(option: str) -> None:
    with pytest.raises(ConfigError, match=f"{option} >= "):
        SuccessiveHalving(**{option: 0})
