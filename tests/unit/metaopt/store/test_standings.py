"""Which configuration is best, once some were trained with several seeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metaopt.store.standings import Figure, best_of, published_of, standings
from metaopt.store.views import TrialView
from objectives.objective import WORST


def trial(
    number: int, proposal: int, seed: int, score: float, test: float | None = None
) -> TrialView:
    metrics = {} if test is None else {"test_score": test, "test_error": 0.03}
    return TrialView(
        number, "complete", "", {}, proposal, seed, score=score, error=0.01, metrics=metrics
    )


LUCKY = [trial(0, 0, 0, 2.0), trial(1, 1, 0, 1.0), trial(2, 2, 0, 1.1)]
CONFIRMED = [
    *LUCKY,
    trial(3, 1, 1, 1.6, 1.7), trial(4, 0, 1, 2.2, 2.3), trial(5, 2, 1, 1.2, 1.2),
    trial(6, 1, 2, 1.8, 1.9), trial(7, 0, 2, 2.1, 2.1), trial(8, 2, 2, 1.3, 1.4),
]  # fmt: skip


def test_before_any_confirmation_the_lowest_score_is_best() -> None:
    assert best_of(LUCKY) == LUCKY[1]
    assert [s.score.value for s in standings(LUCKY)] == [1.0, 1.1, 2.0]
    figure = standings(LUCKY)[0].score
    assert (figure.error, figure.seeds, standings(LUCKY)[0].test) == (0.01, 1, None)


def test_confirmed_candidates_rank_by_their_median_before_all_others() -> None:
    unconfirmed = trial(9, 3, 0, 0.9)
    ranked = standings([*CONFIRMED, unconfirmed])
    assert [s.score.value for s in ranked] == [1.2, 1.6, 2.1, 0.9]
    assert best_of(CONFIRMED) == CONFIRMED[2]
    published = published_of(CONFIRMED)
    assert published is not None and published.score.value == 2.1 and published.seeds == 3


def test_a_seed_more_is_no_merit() -> None:
    cut_off = [t for t in CONFIRMED if t.number != 8]
    ranked = standings(cut_off)
    assert [(s.score.value, s.seeds) for s in ranked] == [(1.15, 2), (1.6, 3), (2.1, 3)]
    assert ranked[0].score.error == pytest.approx(0.05)
    # One training on the test events has no spread.
    assert ranked[0].test == Figure(1.2, 0.03, 1)


def test_errors_come_from_the_spread_of_seeds_and_from_the_test_sample() -> None:
    best = standings(CONFIRMED)[0]
    # Deviation of 1.1, 1.2, 1.3 is 0.1; that of 1.2, 1.4 is 0.1414.
    assert best.score.error == pytest.approx(0.1 / 3**0.5)
    assert best.test is not None and best.test.value == pytest.approx(1.3)
    assert best.test.error == pytest.approx((0.1**2 + 0.03**2) ** 0.5) and best.test.seeds == 2
    wide = replace(trial(9, 2, 3, 1.0), metrics={"test_score": 1.9, "test_error": 0.09})
    best = standings([*CONFIRMED, wide])[0]
    assert best.best == wide and best.test is not None
    assert best.test.value == pytest.approx(1.5)
    assert best.test.error == pytest.approx((0.0033 + 0.13 / 3) ** 0.5)


def test_a_training_that_diverges_counts_against_its_configuration() -> None:
    failed = TrialView(3, "fail", "failed", {}, 1, 1, score=WORST)
    again = [trial(4, 2, 1, 1.2), trial(5, 1, 2, 1.6), trial(6, 2, 2, 1.3)]
    ranked = standings([*LUCKY, failed, *again])
    assert [s.score.value for s in ranked[:2]] == [1.2, 1.6]
    assert best_of([failed]) is None


def test_only_what_ended_by_itself_counts() -> None:
    lost = TrialView(3, "fail", "lost", {}, 1, 1, score=2.6)
    pruned = TrialView(4, "pruned", "", {}, 2, 1, score=0.5)
    again = TrialView(5, "running", "", {}, 1)
    assert standings([*LUCKY, lost, pruned, again]) == standings(LUCKY)


def test_a_published_configuration_that_did_not_end_stands_alone() -> None:
    assert published_of([]) is None
    pruned = TrialView(0, "pruned", "", {}, 0, score=2.2)
    standing = published_of([pruned, *LUCKY[1:]])
    assert standing is not None and standing.trials == (pruned,)
    lost, begun = TrialView(0, "fail", "lost", {}, 0), TrialView(1, "running", "", {}, 0)
    standing = published_of([lost, begun])
    assert standing is not None and standing.trials == (begun,) and standing.score.value == WORST
