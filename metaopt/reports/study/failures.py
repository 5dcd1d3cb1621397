"""What failed, by cause."""

from __future__ import annotations

import re
from collections import defaultdict

from metaopt.reports.study.charts import Part
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.tables import Table
from metaopt.store.views import FAILED, INTERRUPTED, LOST, TrialView

#: Rows of the table, and letters of a reason.
MOST, LETTERS = 12, 160
#: Causes that differ in their numbers only are one.
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?(?!\w)")
MEANING = {
    FAILED: "the configuration's own",
    LOST: "its worker was lost",
    INTERRUPTED: "interrupted",
}


def failures(facts: StudyFacts) -> Part:
    """A row per cause."""
    failed = [t for t in facts.trials if t.state == "fail"]
    if not failed:
        return Part("Failures", "No trial failed.")
    share = len(failed) / len(facts.trials)
    text = (
        f"{len(failed):,} of {len(facts.trials):,} trials ({share:.0%}) failed. The search learns "
        "from a configuration's own failures; lost and interrupted trials are repeated."
    )
    return Part("Failures", text, (failure_table(failed),))


def failure_table(failed: list[TrialView]) -> Table:
    """The most frequent cause first."""
    causes: dict[tuple[str, str], list[TrialView]] = defaultdict(list)
    for trial in failed:
        causes[trial.outcome, NUMBER.sub("#", _line(trial))].append(trial)
    ranked = sorted(causes.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = [
        (MEANING.get(outcome, outcome), f"{len(some):,}", _examples(some), _line(some[0]) or "–")
        for (outcome, _), some in ranked[:MOST]
    ]
    left = sum(len(some) for _, some in ranked[MOST:])
    rows += [("other causes", f"{left:,}", "", "")] if left else []
    return Table(
        "",
        ("whose", "trials", "such as", "cause, of the first of them"),
        tuple(rows),
        left=(0, 2, 3),
    )


def _line(trial: TrialView) -> str:
    """The first line of the reason."""
    return (trial.reason.strip().splitlines() or [""])[0][:LETTERS]


def _examples(some: list[TrialView]) -> str:
    return ", ".join(str(t.number) for t in some[:3])
