"""Where the best configuration of a genetic strategy came from: its ancestors."""

from __future__ import annotations

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Part, lines, series
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.history import SCORE
from metaopt.reports.tables import Table, number
from metaopt.store.views import TrialView

#: Ancestors drawn, the nearest generations first, and those in the table.
MOST, ROWS = 60, 12


def lineage(facts: StudyFacts) -> Part | None:
    """The best line as a graph and a table; None where the best trial has no parents."""
    best = facts.best
    if best is None or best.best.proposal is None:
        return None
    child = facts.record.searched.get(best.best.proposal, best.best)
    family = ancestors(facts, child)
    if len(family) < 2:
        return None
    text = (
        f"The best configuration is trial {child.number}; it has {len(family) - 1} ancestors"
        + (" or more" if len(family) >= MOST else "")
        + ". Parents have a lower number than their children."
    )
    return Part("Lineage of the best configuration", text, (_chart(family, child), _table(family)))


def parents(trial: TrialView) -> list[int]:
    """Numbers of a trial's parents, as its strategy noted them."""
    words = trial.note.get("parents", "").split(",")
    return [int(word) for word in words if word.strip().isdigit()]


def ancestors(facts: StudyFacts, child: TrialView, most: int = MOST) -> list[TrialView]:
    """A trial and its ancestors, generation by generation, ``most`` in all."""
    found = {child.number: child}
    generation = [child]
    while generation and len(found) < most:
        above: list[TrialView] = []
        for named in (n for trial in generation for n in parents(trial)):
            parent = facts.record.trial(named)
            if parent is not None and named not in found and len(found) < most:
                found[named] = parent
                above.append(parent)
        generation = above
    return list(found.values())


def _chart(family: list[TrialView], child: TrialView) -> Chart:
    known = {t.number: t for t in family if t.score is not None}
    edges = [
        ([p, t.number], [known[p].score or 0.0, t.score or 0.0])
        for t in known.values()
        for p in parents(t)
        if p in known
    ]
    older = [t for t in known.values() if t.number != child.number]
    look = (
        "Lines lead from parents to children. A line that falls is a step that helped; one that "
        "rises had another parent to thank."
    )
    drawn = lines("parent to child", "parent line", edges)
    drawn += series(
        "ancestor", "complete",
        [t.number for t in older], [t.score or 0.0 for t in older],
        trials=[t.number for t in older],
    )  # fmt: skip
    if child.score is not None:
        drawn += series("best", "best", [child.number], [child.score], trials=[child.number])
    return Chart(Labels("Ancestors", look, "trial", SCORE), drawn, wide=True)


def _table(family: list[TrialView]) -> Table:
    rows = tuple(
        (
            str(t.number),
            number(t.score, t.error),
            t.note.get("parents", "–"),
            t.note.get("baseline", t.note.get("operators", "–")),
        )
        for t in family[:ROWS]
    )
    title = f"the nearest {ROWS}" if len(family) > ROWS else ""
    return Table(title, ("trial", "S", "parents", "how it was made"), rows, left=(2, 3))
