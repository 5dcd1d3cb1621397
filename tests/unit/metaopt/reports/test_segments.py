"""Segments of a population in words: in tables, in the live view, in the dashboard's notes."""

from __future__ import annotations

from typing import Any

import pytest

from metaopt.cli.trials_view import TrialsView
from metaopt.reports.notes import trial_note
from metaopt.reports.segments import brief, changes
from metaopt.reports.tables import trials_table
from metaopt.store.views import FAILED, FROM, MEMBER, PARENT, TrialView

BEFORE = {"W_P": 0.1, "W_E": 0.2, "g_learning_rate": 1e-3, "g_steps": 2, "latent_size": 16}
AFTER = BEFORE | {"W_P": 0.08, "g_learning_rate": 4e-3, "g_steps": 1}
CHANGED = "W_P x0.8, g_learning_rate drawn, g_steps -1"
DOCUMENT = {"budget": {"epochs": 6}, "folder": "/results/quick", "space": {"family": "gan3d"}}
TAKEN = {MEMBER: "1", FROM: "3", PARENT: "0", "operators": CHANGED}


def segment(state: str, note: dict[str, str], **given: Any) -> TrialView:
    given = {"outcome": "", "proposal": 4, "score": 0.9, "epochs": 5, "point": AFTER} | given
    return TrialView(4, state, note=note, **given)


def test_changes_are_told_in_the_words_of_the_field() -> None:
    assert changes(BEFORE, AFTER, ["g_learning_rate", "W_E"]) == CHANGED
    assert changes(BEFORE, BEFORE) == "the same values"
    assert changes({"cells": "gamma", "W_P": 0.0}, {"cells": "beta", "W_P": 0.5}) == (
        "cells beta, W_P 0.5"
    )


def test_the_table_of_trials_says_whose_a_segment_is_and_what_it_changed() -> None:
    first = {MEMBER: "0", FROM: "1", "baseline": "published"}
    rows = trials_table([segment("pruned", first, epochs=2), segment("complete", TAKEN)]).rows
    assert [(row[1], row[3], row[-1]) for row in rows] == [
        ("complete", "3-5", f"member 1 from 0: {CHANGED}"),
        ("replaced", "2", "member 0: published"),
    ]
    assert brief(first) == "member 0" and brief(TAKEN) == "member 1 from 0"


def test_the_live_view_does_not_call_replaced_segments_pruned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = TrialsView(stderr=False)
    view.finished(segment("pruned", TAKEN))
    assert capsys.readouterr().out.endswith("trial 4 replaced S 0.900 [1 trials, 1 replaced]\n")


@pytest.mark.parametrize(
    ("state", "outcome", "words"),
    [
        ("pruned", "", "**Replaced** after 5 of 6 epochs at S = 0.900: it was among the worst"),
        ("fail", FAILED, "**Failed** after 5 of 6 epochs"),
        ("complete", "", "**S = 0.900**"),
    ],
)
def test_a_note_says_where_weights_and_values_came_from(
    state: str, outcome: str, words: str
) -> None:
    text = trial_note(segment(state, TAKEN, outcome=outcome), None, DOCUMENT, {})
    assert words in text
    assert "Member 1, epochs 3 to 5. It took over the weights of trial 0, and changed: " in text
    assert r"In force: W\_P 0.08, W\_E 0.2, g\_learning\_rate 0.004, g\_steps 1." in text
    first = {MEMBER: "1", FROM: "1", "operators": "values drawn"}
    text = trial_note(segment(state, first, outcome=outcome), None, DOCUMENT, {})
    assert "It began with fresh weights: values drawn." in text
