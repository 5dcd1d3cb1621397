"""Notes in words: every state of a trial, and a study."""

from __future__ import annotations

import pytest

from metaopt.reports.notes import plain, study_note, trial_note
from metaopt.store.views import FAILED, LOST, TrialView
from tests.made_up_study import MadeUpStudy

DOCUMENT = {"budget": {"epochs": 6}, "folder": "/results/quick"}
LEVELS = {"energy": 0.6, "longitudinal": 1.3, "cells": 0.9}
PUBLISHED = TrialView(
    0, "complete", "", {}, proposal=0, score=1.2, error=0.02, groups=dict.fromkeys(LEVELS, 1.0)
)


def trial(state: str = "complete", outcome: str = "", score: float = 0.9) -> TrialView:
    return TrialView(
        12, state, outcome, {}, proposal=12, score=score, error=0.03, epochs=3, groups=LEVELS,
        reason="loss is not finite in `epoch` 3",
    )  # fmt: skip


def test_a_complete_trial_is_compared_with_the_published_configuration() -> None:
    found = {"cells": ["3 % too few hit cells (± 1), 4 sigma"], "energy": [], "showers": ["bad"]}
    text = trial_note(trial(), PUBLISHED, DOCUMENT, found, "/artifacts/1/13/ab")
    assert text.startswith("**S = 0.900 ± 0.030** (lower is better); the published")
    assert "trial 0, has 1.200 ± 0.020: better by 0.30 ± 0.04." in text
    assert "**longitudinal**, the depth and layers; L = 1.30 (trial 0: 1.00)" in text
    assert "- showers: bad\n- cells: 3 % too few hit cells" in text
    assert "](/artifacts/1/13/ab)" in text and "/results/quick/trials/0012" in text
    assert "| longitudinal | depth and layers | 1.30 | 1.00 |" in text
    assert len(text) < 2045


@pytest.mark.parametrize(
    ("score", "words"), [(1.3, "worse by 0.10"), (1.17, "not different beyond the error")]
)
def test_a_difference_within_its_error_is_none(score: float, words: str) -> None:
    assert words in trial_note(trial(score=score), PUBLISHED, DOCUMENT, {})


def test_the_published_configuration_is_not_compared_with_itself() -> None:
    text = trial_note(PUBLISHED, PUBLISHED, DOCUMENT, {})
    assert "others are compared with" in text and "trial 0 |" not in text


@pytest.mark.parametrize(
    ("state", "outcome", "words"),
    [
        ("pruned", "", "**Pruned** after 3 of 6 epochs at S = 0.900"),
        ("fail", FAILED, "by a fault of the configuration: loss is not finite in \\`epoch\\` 3"),
        ("fail", LOST, "**Lost with its worker**"),
        ("fail", "interrupted", "**Interrupted**"),
    ],
)
def test_other_ends_are_told_with_their_reason(state: str, outcome: str, words: str) -> None:
    text = trial_note(trial(state, outcome), PUBLISHED, DOCUMENT, {})
    assert words in text and "/results/quick" not in text


def test_a_study_says_where_what_and_how() -> None:
    text = study_note("q", MadeUpStudy(0, "quick").document, ["Geant4 11.3"])
    for words in (
        "25 x 25 x 25 cells, e- of 10 to 200 GeV", "20,000 events of `showers.h5`", "Geant4 11.3",
        "6 epochs of 2,000 showers", "genetic, pruning halving", "metaopt export q -o production",
    ):  # fmt: skip
        assert words in text
    assert "/somewhere" not in text


def test_options_of_strategy_and_pruning_are_told() -> None:
    document = MadeUpStudy(0, "quick").document
    options = {"options": {"population": 6}, "pruning_options": {"first_rung": 2, "factor": 4}}
    text = study_note("q", {**document, **options}, [])
    assert r"genetic (population 6), pruning halving (first\_rung 2, factor 4)" in text


def test_markdown_leaves_plain_text_alone() -> None:
    assert plain("a_b *c*\n<d> [e](f)") == r"a\_b \*c\* \<d\> \[e\](f)"
