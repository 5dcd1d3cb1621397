"""A study's report as plain tuples: the answer, and the parts in the order they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metaopt.reports.study.answer import Answer, answer
from metaopt.reports.study.charts import Part
from metaopt.reports.study.expectation import expectation
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.failures import failures
from metaopt.reports.study.history import history
from metaopt.reports.study.importance import importances
from metaopt.reports.study.lineage import lineage
from metaopt.reports.study.parameters import parameters
from metaopt.reports.study.population import population
from metaopt.reports.study.rungs import rungs
from metaopt.reports.study.speed import speed
from metaopt.reports.study.timeline import timeline
from metaopt.store.views import TrialView
from search_spaces.threads import one_thread


@dataclass(frozen=True)
class StudyReport:
    """What the page of a study shows.

    Attributes:
        name: of the study.
        answer: the best against the published configuration.
        parts: everything else, except the physics of the best trial.
    """

    name: str
    answer: Answer
    parts: tuple[Part, ...]


@one_thread
def report(name: str, document: Mapping[str, Any], trials: Sequence[TrialView]) -> StudyReport:
    """The report of a study at any time: also while it runs, and where nothing was found.

    Args:
        name: of the study.
        document: what was recorded when it began.
        trials: all of them, in order of number.

    Raises:
        ConfigError: the study was not made by metaopt.
    """
    facts = StudyFacts.of(name, document, trials)
    if not facts.trials:
        return StudyReport(name, answer(facts), ())
    if facts.population:
        # What a segment scores depends on its parents, and members wait for each other: neither
        # a process of points, nor a history of trials, nor their slots would say anything.
        return _report(facts, population(facts, trials), failures(facts))
    found = importances(facts.surrogate, facts.seed) if facts.surrogate else ()
    return _report(
        facts,
        history(facts),
        rungs(facts),
        parameters(facts, found),
        expectation(facts, found),
        speed(facts),
        timeline(facts),
        failures(facts),
        lineage(facts),
    )


def _report(facts: StudyFacts, *parts: Part | None) -> StudyReport:
    return StudyReport(facts.name, answer(facts), tuple(p for p in parts if p is not None))
