from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metaopt.strategies.base import Observation, State
from metaopt.strategies.halving import SuccessiveHalving, expected_scores
from metaopt.strategies.pruning import NoPruning, Rungs, so_far
from objectives.objective import WORST
from search_spaces.errors import ConfigError
from search_spaces.parameters import Categorical, Float
from search_spaces.space import SearchSpace

LINE = SearchSpace("line", "toy", "default", (Float("x", 0.0, 1.0),))


def curve(*scores: float) -> list[tuple[int, float]]:
    return [(i + 1, s) for i, s in enumerate(scores)]


GOOD, MEDIUM, BAD = curve(1, 0.5, 0.2), curve(1, 0.6, 0.4), curve(1, 0.9, 0.8)


def by_score(first_rung: int = 3, factor: int = 3) -> SuccessiveHalving:
    return SuccessiveHalving(first_rung, factor, "score")


def stops(rule: SuccessiveHalving, own: Rungs, others: Sequence[Rungs], epochs: int = 9) -> bool:
    trials = [so_far(i, {}, rungs) for i, rungs in enumerate([own, *others])]
    return rule.should_stop(trials[0], trials[1:], LINE, epochs)


def promoted(
    rule: SuccessiveHalving,
    stopped: Mapping[int, Rungs],
    others: Sequence[Rungs],
    epochs: int = 9,
) -> list[int]:
    trials = [so_far(number, {}, rungs) for number, rungs in stopped.items()]
    peers = [so_far(100 + i, {}, rungs) for i, rungs in enumerate(others)]
    return rule.promotable(trials, peers, LINE, epochs)


@pytest.mark.parametrize(
    ("epochs", "levels"), [(9, [1, 3]), (28, [1, 3, 9, 27]), (1, []), (2, [1])]
)
def test_rungs_grow_by_the_factor_below_the_last_epoch(epochs: int, levels: list[int]) -> None:
    assert SuccessiveHalving().levels(epochs) == levels


def test_the_worst_of_four_stops_and_the_best_goes_on() -> None:
    rule = by_score()
    assert stops(rule, BAD, [GOOD, MEDIUM, GOOD], 9)
    assert not stops(rule, GOOD, [BAD, MEDIUM, BAD], 9)


def test_one_in_factor_stays() -> None:
    rule = by_score(1)
    peers = [curve(0.1 * i) for i in range(1, 9)]
    stays = [not stops(rule, curve(0.1 * i + 0.05), peers, 9) for i in range(9)]
    assert stays == [True] * 3 + [False] * 6


def test_ties_stay() -> None:
    assert not stops(by_score(), BAD, [BAD, BAD, BAD, BAD], 9)


def test_of_few_at_the_rung_the_best_stays() -> None:
    young = curve(0.1, 0.1)
    assert not stops(by_score(), GOOD, [BAD, young, young])
    assert stops(by_score(), MEDIUM, [GOOD, young, young])
    assert not stops(by_score(), BAD, [young, young])
    # By score, what others had at an earlier rung says nothing of a trial.
    assert not stops(by_score(1), BAD, [curve(0.1)])


def test_without_sparing_the_best_none_of_few_stays() -> None:
    rule, young = replace(by_score(), spare_best=False), curve(0.1, 0.1)
    assert stops(rule, GOOD, [BAD, young, young])
    assert stops(rule, GOOD, [young, young])
    assert not stops(rule, GOOD, [BAD, BAD, young])
    assert promoted(rule, {1: GOOD, 2: BAD}, [young]) == []
    assert promoted(rule, {1: GOOD, 2: BAD, 3: BAD}, [young]) == [1]
    six = {i: curve(0.1 * i, 0.1 * i, 0.1 * i) for i in range(1, 7)}
    assert promoted(rule, six, [young]) == [1, 2]


def test_by_what_is_expected_the_best_of_few_stays_where_it_is_the_best_of_all() -> None:
    rule, own = SuccessiveHalving(first_rung=2), seen(20, 0.5, 0.9, 0.7)
    young = [seen(i, x, x + 0.4, x + 0.2) for i, x in enumerate((0.6, 0.7, 0.8, 0.9))]
    far = [seen(30 + i, 0.7 + i / 10, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7) for i in range(2)]
    assert not rule.should_stop(own, young, LINE, 20)
    at_six = seen(20, 0.5, 0.9, 0.7, 0.6, 0.55, 0.52, 0.5)
    assert not rule.should_stop(at_six, [*young, *far], LINE, 20)
    better = seen(10, 0.1, 0.5, 0.3)
    begun = [seen(40, 0.3), seen(41, 0.4, 0.6)]
    assert not rule.should_stop(own, [*young, *begun], LINE, 20)
    assert rule.should_stop(at_six, [*young, better], LINE, 20)
    assert not rule.should_stop(at_six, [*young, *far, better], LINE, 20)


@pytest.mark.parametrize(
    ("epoch", "stop"), [(1, False), (2, False), (3, True), (4, True), (8, True), (9, False)]
)
def test_decisions_fall_after_each_epoch_from_the_first_rung_to_the_last_but_one(
    epoch: int, stop: bool
) -> None:
    bad = curve(*[0.9] * epoch)
    assert stops(by_score(), bad, [curve(*[0.1] * 9)] * 5, 9) == stop


def test_a_trial_that_peers_have_overtaken_stops_between_rungs() -> None:
    rule, own = by_score(), [*MEDIUM, (4, 0.1)]
    assert not stops(rule, own, [BAD, BAD])
    assert stops(rule, own, [BAD, BAD, GOOD])


def test_a_rung_between_scored_epochs_is_judged_at_the_next_one() -> None:
    rule, peers = by_score(), [[(2, 0.1), (4, 0.5)]] * 4
    assert not stops(rule, [(2, 0.9)], peers, 9)
    assert stops(rule, [(2, 0.9), (4, 0.9)], peers, 9)


def test_one_bad_epoch_does_not_stop_a_good_trial() -> None:
    spike = curve(1.0, 0.1, 2.0)
    assert not stops(by_score(), spike, [MEDIUM, BAD, MEDIUM], 9)


def test_later_epochs_of_peers_do_not_count() -> None:
    late = [*BAD, (4, 0.0)]
    assert not stops(by_score(), MEDIUM, [late, late, late], 9)


def test_a_trial_without_a_finite_score_goes_on_and_is_nobodys_peer() -> None:
    rule, nan = by_score(), curve(*[math.nan] * 3)
    assert not stops(rule, nan, [GOOD] * 4)
    assert not stops(rule, BAD, [nan] * 4)
    assert stops(rule, MEDIUM, [GOOD, *[nan] * 9])
    assert not stops(rule, [], [GOOD] * 4)


def test_finite_epochs_beside_nan_are_judged() -> None:
    rule = by_score()
    assert stops(rule, [(1, math.nan), *BAD[1:]], [GOOD] * 4, 9)
    assert stops(rule, BAD, [[(1, math.nan), *GOOD[1:]]] * 4, 9)


def test_a_stopped_trial_goes_on_once_enough_worse_ones_came() -> None:
    rule, stopped = by_score(), {7: MEDIUM}
    assert stops(rule, MEDIUM, [GOOD, BAD, BAD, BAD])
    assert promoted(rule, stopped, [GOOD, BAD, BAD, BAD]) == []
    assert promoted(rule, stopped, [GOOD, BAD, BAD, BAD, BAD]) == [7]


def test_other_stopped_trials_are_peers_and_the_best_goes_first() -> None:
    stopped = {i: curve(0.7 - 0.1 * i) for i in (1, 2, 3, 4, 5, 6)}
    assert promoted(by_score(1), stopped, []) == [6, 5]
    assert promoted(by_score(1, 2), stopped, []) == [6, 5, 4]


def test_a_higher_rung_goes_first_and_is_judged_by_its_own_peers() -> None:
    rule = by_score(1)
    far, near = curve(0.9, 0.8, 0.7), curve(0.1)
    assert promoted(rule, {1: near, 2: far}, [BAD, BAD]) == [2, 1]
    assert promoted(rule, {1: near, 2: far}, [GOOD, GOOD]) == [1]


def test_epochs_after_the_rung_do_not_promote_by_score() -> None:
    rule, others = by_score(), [MEDIUM, MEDIUM, BAD, BAD, BAD]
    assert promoted(rule, {1: [*BAD, (4, 0.0)]}, others) == []
    assert promoted(rule, {1: [*GOOD, (4, 2.0)]}, others) == [1]


def test_promoted_is_what_would_not_be_stopped_now() -> None:
    rule, rng = by_score(1, 2), np.random.default_rng(5)
    trials = [curve(*rng.random(n)) for n in rng.choice([1, 2, 4], 40)]
    for number, own in enumerate(trials):
        others = trials[:number] + trials[number + 1 :]
        goes_on = not stops(rule, own, others, 8)
        assert promoted(rule, {number: own}, others, 8) == [number] * goes_on


def test_nothing_is_promoted_without_a_finite_score() -> None:
    rule, nan = by_score(), curve(*[math.nan] * 3)
    assert promoted(rule, {1: nan, 2: [], 3: GOOD[:2]}, [BAD] * 9) == []
    assert promoted(rule, {1: GOOD}, [nan] * 9) == [1]
    assert promoted(rule, {}, [BAD] * 9) == []


def seen(number: int, x: float, *scores: float, state: State = State.PRUNED) -> Observation:
    trial = so_far(number, {"x": x}, curve(*scores))
    return replace(trial, state=state, score=WORST if state is State.FAILED else trial.score)


def slope(states: State = State.COMPLETE) -> list[Observation]:
    """Trials whose final S is x; all of them gain 0.4 after the first epoch."""
    xs = np.linspace(0.1, 1.0, 10)
    return [seen(i, x, x + 0.4, x + 0.2, x, state=states) for i, x in enumerate(xs.tolist())]


def test_a_noisy_epoch_is_judged_by_its_neighbours() -> None:
    rule, by_its_score = SuccessiveHalving(), by_score(1)
    unlucky, lucky = seen(20, 0.12, 0.9), seen(21, 0.95, 0.55)
    assert by_its_score.should_stop(unlucky, slope(), LINE, 3)
    assert not by_its_score.should_stop(lucky, slope(), LINE, 3)
    assert not rule.should_stop(unlucky, slope(), LINE, 3)
    assert rule.should_stop(lucky, slope(), LINE, 3)
    assert rule.promotable([unlucky, lucky], slope(), LINE, 3) == [20]


def test_expected_scores_are_at_the_full_budget() -> None:
    found = expected_scores([seen(20, 0.35, 0.75), *slope()], LINE)
    assert found[0] == pytest.approx(0.35, abs=0.05)
    assert found[1:] == pytest.approx([t.score for t in slope()], abs=0.05)


def test_failed_trials_are_the_worst_and_few_are_taken_as_they_are() -> None:
    failed = seen(20, 0.15, 0.1, state=State.FAILED)
    assert expected_scores([failed, *slope()], LINE)[0] == WORST
    assert expected_scores([failed, *slope()[:2]], LINE) == [WORST, 0.1, 0.2]
    for three in ([1.0] * 3, [0.9, 1.0, 1.1]):
        same = [seen(i, 0.5, score) for i, score in enumerate(three)]
        assert expected_scores(same, LINE) == pytest.approx([1.0] * 3)
        assert expected_scores(same[1:], LINE) == three[1:]


def test_trials_without_an_epoch_are_told_only_where_they_failed() -> None:
    begun = [seen(30 + i, x) for i, x in enumerate((0.01, 0.03, 0.05))]
    asked = [seen(20, 0.02), *slope()]
    plain, beside = (expected_scores([*asked, *more], LINE)[: len(asked)] for more in ([], begun))
    assert beside == pytest.approx(plain)
    failed = [replace(o, state=State.FAILED) for o in begun]
    assert expected_scores([*asked, *failed], LINE)[0] > plain[0] + 0.2


def test_a_space_of_one_point_is_no_obstacle() -> None:
    space = SearchSpace("point", "toy", "default", (Categorical("x", ("only",)),))
    trials = [so_far(i, {"x": "only"}, curve(1.0 + i)) for i in range(5)]
    assert expected_scores(trials, space) == pytest.approx([3.0] * 5)


def test_a_running_trial_so_far() -> None:
    trial = so_far(3, {"x": 0.5}, [(1, 0.9), (2, math.nan)])
    assert (trial.number, trial.state, trial.score, trial.epochs) == (3, State.PRUNED, 0.9, 2)
    assert so_far(3, {}, [(1, math.nan)]).score == WORST
    assert so_far(3, {}, []).rungs == ()


def test_no_pruning() -> None:
    trials = slope()
    assert not NoPruning().should_stop(seen(20, 0.9, 2.0), trials, LINE, 3)
    assert NoPruning().promotable([seen(20, 0.0, 0.1)], trials, LINE, 3) == []


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"first_rung": 0}, "first_rung >= 1"),
        ({"factor": 1}, "factor >= 2"),
        ({"rank_by": "luck"}, "rank_by = 'expected' or 'score'"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        SuccessiveHalving(**options)
