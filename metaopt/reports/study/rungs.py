"""S by epoch of every training: which were pruned, and which went on later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Kind, Part, Series, lines, series
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.history import SCORE
from metaopt.reports.tables import Table
from metaopt.store.views import TrialView

#: Lines of a figure at most, and the best that are always among them.
MOST, BEST = 200, 60


def rungs(facts: StudyFacts) -> Part:
    """The learning curves, and what happened at each rung."""
    trained = [t for t in facts.record.searched.values() if t.rungs]
    if not trained:
        return Part("Rungs and pruning", "No epoch was scored.")
    text = (
        "A trial is scored after each epoch. Pruning stops it where it is behind those that came "
        "as far; it goes on from there if later trials turn out worse."
    )
    table = rung_table(facts)
    return Part(
        "Rungs and pruning", text, (_chart(facts, trained), *([table] if table.rows else []))
    )


def promotions(facts: StudyFacts) -> list[tuple[TrialView, TrialView]]:
    """Pruned trials, each with the one that went on with it."""
    record = facts.record
    pairs = ((record.trial(t.retry_of), t) for t in facts.trials if t.retry_of is not None)
    return [(before, t) for before, t in pairs if before is not None and before.state == "pruned"]


def rung_table(facts: StudyFacts) -> Table:
    """One row per epoch at which a trial was pruned."""
    stopped = Counter(t.epochs for t in facts.trials if t.state == "pruned")
    promoted = Counter(before.epochs for before, _ in promotions(facts))
    last = [t.rungs[-1][0] for t in facts.record.searched.values() if t.rungs]
    rows = tuple(
        (str(epoch), f"{sum(e >= epoch for e in last):,}", f"{n:,}", f"{promoted[epoch]:,}")
        for epoch, n in sorted(stopped.items())
    )
    return Table(
        "", ("epoch", "trials that reached it", "pruned there", "went on later"), rows, left=()
    )


def _chart(facts: StudyFacts, trained: Sequence[TrialView]) -> Chart:
    kept, rule = facts.thinned(trained, MOST, BEST)
    went_on = {after.number: before for before, after in promotions(facts)}
    look = (
        "Good trials part from bad ones before the first rung where pruning is safe; lines that "
        f"cross late say that it came too early.{rule}"
    )
    labels = Labels("S by epoch", look, "epoch", SCORE)
    return Chart(
        labels, _lines(facts, kept, set(went_on)) + _marks(kept, went_on), whole_x=True, wide=True
    )


def _lines(facts: StudyFacts, kept: Sequence[TrialView], went_on: set[int]) -> tuple[Series, ...]:
    best = facts.best.trials[0].number if facts.best else -1
    groups: dict[Kind, tuple[str, list[TrialView]]] = {
        "pruned line": ("pruned", []),
        "complete line": ("complete", []),
        "promoted line": ("pruned, then went on", []),
        "best line": ("best configuration", []),
    }
    for trial in kept:
        groups[_kind(trial, best, went_on)][1].append(trial)
    return tuple(
        made
        for kind, (name, some) in groups.items()
        for made in lines(name, kind, (_curve(t) for t in some))
    )


def _kind(trial: TrialView, best: int, went_on: set[int]) -> Kind:
    if trial.number == best:
        return "best line"
    if trial.number in went_on:
        return "promoted line"
    return "complete line" if trial.complete else "pruned line"


def _marks(kept: Sequence[TrialView], went_on: dict[int, TrialView]) -> tuple[Series, ...]:
    """Where trials were stopped, and where stopped ones went on."""
    stopped = [t for t in kept if t.state == "pruned"]
    again = [went_on[t.number] for t in kept if t.number in went_on]
    groups: tuple[tuple[str, Kind, list[TrialView]], ...] = (
        ("stopped here", "stopped", stopped),
        ("went on here", "promoted", again),
    )
    found: tuple[Series, ...] = ()
    for name, kind, some in groups:
        ends = [t.rungs[-1] for t in some]
        x, y = [epoch for epoch, _ in ends], [score for _, score in ends]
        found += series(name, kind, x, y, trials=[t.number for t in some])
    return found


def _curve(trial: TrialView) -> tuple[list[float], list[float]]:
    return [epoch for epoch, _ in trial.rungs], [score for _, score in trial.rungs]
