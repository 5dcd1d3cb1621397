"""Bars of trials in their slots."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metaopt.reports.study.clock import Run
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.timeline import bars, timeline
from metaopt.store.views import LOST, TrialView

Make = Callable[..., TrialView]
Of = Callable[[Sequence[TrialView]], StudyFacts]


def test_equal_neighbours_are_joined_over_narrow_gaps_only(trial: Make) -> None:
    done, stopped = trial(0), trial(1, state="pruned")
    runs = [
        Run(done, 0, 0, 10), Run(done, 0, 10.5, 20), Run(done, 0, 25, 30),
        Run(stopped, 0, 30, 31), Run(done, 0, 31, 40), Run(done, 1, 31, 35),
    ]  # fmt: skip
    assert bars(runs, "complete slot", 1.0) == [(0, 0, 20), (0, 25, 30), (0, 31, 40), (1, 31, 35)]
    assert bars(runs, "pruned slot", 1.0) == [(0, 30, 31)]


def test_the_idle_share_is_told(trial: Make, facts_of: Of) -> None:
    lost = trial(1, 1, 51, state="fail", outcome=LOST)
    part = timeline(facts_of([trial(0, 1, 101), lost]))
    assert part.text == "2 trials at once at most, over 1:40; 25% of the slots' time was idle."
    assert [s.name for s in part.items[0].series] == ["complete", "lost or interrupted"]  # type: ignore[union-attr]
