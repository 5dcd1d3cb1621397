"""The answer, also where there is none yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metaopt.reports.study.answer import answer
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.report import report
from metaopt.store.views import FAILED, TrialView

Make = Callable[..., TrialView]
Of = Callable[[Sequence[TrialView]], StudyFacts]


def test_the_best_against_the_published_and_what_was_searched(toy: StudyFacts) -> None:
    made = answer(toy)
    assert made.headline.startswith("S = ") and "against the published" in made.verdict
    assert made.comparison.headers == ("", "published", "best found")
    rows = dict(made.study.rows)
    assert rows["search space"] == "toy: 4 parameters of toy 'default'"
    assert rows["calorimeter"].endswith("25 x 25 x 25 cells, 10 to 200 GeV")
    assert rows["showers"].startswith("20,000 events of showers.h5;")
    assert rows["trials"].startswith("120 ended: ")
    assert made.notes == ()  # the best was confirmed


def test_the_studies_that_a_search_began_from_are_named(toy: StudyFacts) -> None:
    assert "started from" not in dict(answer(toy).study.rows)
    warm = {**toy.document, "earlier": {"studies": ["first", "second"], "points": [], "scored": []}}
    rows = dict(answer(StudyFacts.of("toy", warm, toy.trials)).study.rows)
    assert rows["started from"] == "earlier studies: first, second"


def test_an_unconfirmed_best_is_told_to_be_luck(toy: StudyFacts) -> None:
    unconfirmed = [t for t in toy.trials if not t.seed]
    (note,) = answer(StudyFacts.of("toy", toy.document, unconfirmed)).notes
    assert "partly luck" in note and "Gaussian process" in note


def test_a_study_without_a_complete_trial_has_a_report(trial: Make, facts_of: Of) -> None:
    failed = [trial(i, state="fail", outcome=FAILED, score=2.8, rungs=()) for i in range(4)]
    for trials in ([], failed):
        document = facts_of(trials).document
        made = report("s", document, trials)
        assert made.answer.verdict == "Nothing was found yet."
        assert len(made.parts) == (6 if trials else 0)
