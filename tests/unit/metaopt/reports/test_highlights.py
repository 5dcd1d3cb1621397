"""The figures of a study for the dashboard."""

from __future__ import annotations

from metaopt.reports.highlights import highlights
from tests.made_up_study import MadeUpStudy


def test_a_study_has_its_gain_by_compute_and_by_group() -> None:
    made = MadeUpStudy(60, "toy")
    trials = made.made()
    figures = highlights("toy", made.document, trials)
    assert set(figures) == {"S-by-compute", "published-and-best"}
    published, best = figures["published-and-best"].data
    assert published.name.startswith("published (trial ") and len(published.x) == len(best.y)
    assert "best so far" in [trace.name for trace in figures["S-by-compute"].data]
    assert len(figures["S-by-compute"].to_json()) < 30_000


def test_there_is_nothing_to_show_before_a_complete_trial_or_of_others_studies() -> None:
    made = MadeUpStudy(0, "toy")
    assert highlights("toy", made.document, []) == highlights("other", {}, []) == {}
