"""What several charts need: new epochs, thinning, the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from metaopt.reports.study.facts import StudyFacts
from metaopt.store.views import TrialView
from search_spaces.errors import ConfigError
from tests.made_up_study import SHOWERS

Make = Callable[..., TrialView]
Of = Callable[[Sequence[TrialView]], StudyFacts]


def test_a_promoted_trial_trained_its_new_epochs_only(trial: Make, facts_of: Of) -> None:
    stopped = trial(0, state="pruned")
    longer = ((1, 1.2), (2, 1.0), (3, 0.9), (4, 0.8))
    again = trial(1, proposal=0, retry_of=0, epochs=4, rungs=longer)
    facts = facts_of([stopped, again])
    assert [facts.epochs_trained(t) for t in facts.trials] == [2, 2]
    assert facts.showers_trained(again) == 2 * SHOWERS


def test_thinning_keeps_the_best_and_says_what_it_left_out(large: StudyFacts) -> None:
    kept, rule = large.thinned(large.trials, most=100, best=30)
    best = sorted(large.trials, key=lambda t: (t.score or 9, t.number))[:30]
    assert len(kept) == 100 and {t.number for t in best} <= {t.number for t in kept}
    assert kept == sorted(kept, key=lambda t: t.number)
    assert rule.startswith(" Of 1,500 trials, the best 30 are drawn, and 70 chosen at random")
    assert large.thinned(large.trials, most=100, best=30)[0] == kept
    assert large.thinned(kept, most=100) == (kept, "")


def test_running_trials_are_counted_and_left_out(trial: Make, facts_of: Of) -> None:
    running = TrialView(1, "running", "", {}, proposal=1)
    facts = facts_of([trial(0), running])
    assert facts.running == 1 and len(facts.trials) == 1
    assert facts.surrogate is None


def test_another_programs_study_is_refused() -> None:
    with pytest.raises(ConfigError, match="not made by metaopt"):
        StudyFacts.of("theirs", {}, [])
