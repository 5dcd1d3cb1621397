"""The front of S and milliseconds per shower."""

from __future__ import annotations

from metaopt.store.front import pareto_front
from metaopt.store.views import TrialView


def trial(
    number: int, score: float, ms: float | None, state: str = "complete", seed: int = 0
) -> TrialView:
    """Of a proposal of its own; with a seed, the confirming one of proposal 0."""
    metrics = {} if ms is None else {"ms_per_shower": ms}
    proposal = 0 if seed else number
    return TrialView(
        number, state, "", {"x": proposal}, proposal, seed, score=score, epochs=9, metrics=metrics
    )


def numbers(*trials: TrialView) -> list[int]:
    return [point.trial for point in pareto_front(trials)]


def test_the_front_holds_what_nothing_surpasses_in_score_and_speed_at_once() -> None:
    slow, middle, fast = trial(0, 1.0, 50.0), trial(1, 1.5, 5.0), trial(2, 2.0, 0.5)
    surpassed = trial(3, 1.6, 6.0), trial(4, 2.1, 0.5)
    assert numbers(*surpassed, fast, middle, slow) == [0, 1, 2]
    assert numbers(trial(0, 1.5, 50.0), trial(1, 1.5, 5.0)) == [1]


def test_the_front_holds_complete_and_timed_trials_only() -> None:
    assert numbers(trial(0, 1.0, None), trial(1, 1.5, 5.0), trial(2, 1.1, 1.0, "pruned")) == [1]
    assert numbers(trial(0, 1.0, None)) == []


def test_a_difference_in_time_within_the_noise_makes_no_front() -> None:
    assert numbers(trial(0, 1.0, 10.0), trial(1, 1.5, 9.5)) == [0]
    assert numbers(trial(0, 1.5, 9.5), trial(1, 1.5, 10.0)) == [0]


def test_a_confirmed_configuration_stands_once_with_all_its_trainings() -> None:
    again = [trial(5, 1.3, 40.0, seed=1), trial(6, 1.4, 60.0, seed=2)]
    first, second = pareto_front([trial(0, 1.0, 50.0), *again, trial(1, 1.5, 5.0)])
    assert (first.trial, first.score, first.seeds, first.ms_per_shower) == (0, 1.3, 3, 40.0)
    assert (second.trial, second.point) == (1, {"x": 1})
    # One that is not confirmed, and stands behind them, may have a lower score.
    assert numbers(trial(0, 1.0, 50.0), *again, trial(1, 1.2, 70.0)) == [1, 0]
