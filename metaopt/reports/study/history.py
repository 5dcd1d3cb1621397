"""S of every trial, and the best so far, against what the search had spent by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Kind, Part, Series, series
from metaopt.reports.study.clock import unit_of
from metaopt.reports.study.facts import StudyFacts
from metaopt.store.views import FAILED, TrialView
from objectives.objective import WORST

SCORE = "S (lower is better)"
#: A failed trial has no S; it is drawn above all others.
FAILED_NAME = "failed, no S"
#: Colour and marker of a trial: name in the legend and kind.
GROUPS: Mapping[str, Kind] = {
    "complete": "complete",
    "pruned, last S": "pruned",
    "replaced, last S": "pruned",
    FAILED_NAME: "failed",
    "confirming": "confirming",
}


@dataclass(frozen=True)
class Spent:
    """What was spent when each trial ended, by its number.

    Attributes:
        showers: training showers of all trials that had ended.
        seconds: wall time without pauses.
    """

    showers: Mapping[int, int]
    seconds: Mapping[int, float]


def history(facts: StudyFacts) -> Part:
    """Figures over trials, training showers and wall time."""
    spent = spent_by(facts)
    time, time_unit = unit_of(facts.clock.total)
    most = max(spent.showers.values(), default=0)
    showers, shower_unit = (1e6, "millions") if most >= 1e6 else (1e3, "thousands")
    axes: tuple[tuple[str, str, str, Callable[[TrialView], float]], ...] = (
        ("by trial", "S of each trial and the best of the search so far.", "trial", _number),
        (
            "by compute",
            "What the gains cost: pruned trials are cheap, complete ones are not.",
            f"training showers of all trials [{shower_unit}]",
            lambda t: spent.showers[t.number] / showers,
        ),
        (
            "by time",
            "The same by the clock: a study with more workers is faster, not cheaper.",
            f"wall time without pauses [{time_unit}]",
            lambda t: spent.seconds[t.number] / time,
        ),
    )
    first, *others = (_chart(facts, *axis) for axis in axes)
    charts = (replace(first, wide=True), *others)
    text = (
        "Each point is a trial. The line falls where a trial was better than all before it; "
        "where it has been flat for long, more trials of the same kind promise little."
    )
    return Part("History", text, charts)


def spent_by(facts: StudyFacts) -> Spent:
    """Sums over trials in order of their end."""
    order = _in_order(facts.trials)
    totals = accumulate(facts.showers_trained(t) for t in order)
    return Spent(
        {t.number: total for t, total in zip(order, totals, strict=True)},
        {t.number: facts.clock(t.finished) for t in order if t.finished},
    )


def best_so_far(trials: Sequence[TrialView]) -> list[TrialView]:
    """The search's complete trials that were better than all that ended before."""
    found: list[TrialView] = []
    for trial in _in_order(trials):
        if not trial.complete or trial.seed or trial.score is None:
            continue
        if not found or trial.score < (found[-1].score or 0.0):
            found.append(trial)
    return found


def group_of(trial: TrialView) -> str:
    """Which of ``GROUPS`` a trial belongs to; empty where only the machine failed."""
    if trial.seed and trial.complete:
        return "confirming"
    if trial.complete:
        return "complete"
    if trial.state == "pruned":
        return f"{trial.word}, last S"
    return FAILED_NAME if trial.outcome == FAILED else ""


def points(
    trials: Sequence[TrialView], x: Callable[[TrialView], float | str]
) -> tuple[Series, ...]:
    """One series of S per group of trials; failed ones stand above all others, at no S."""
    found: tuple[Series, ...] = ()
    scored = [t.score for t in trials if t.score is not None and group_of(t) != FAILED_NAME]
    above = 1.04 * max(scored, default=WORST)
    for name, kind in reversed(list(GROUPS.items())):
        some = [t for t in trials if group_of(t) == name and t.score is not None]
        scores = [above if name == FAILED_NAME else t.score or 0.0 for t in some]
        found += series(name, kind, [x(t) for t in some], scores, trials=[t.number for t in some])
    return found


def _in_order(trials: Sequence[TrialView]) -> list[TrialView]:
    """Ended trials by the time of their end."""
    return sorted(
        (t for t in trials if t.finished is not None),
        key=lambda t: (t.finished.timestamp() if t.finished else 0.0, t.number),
    )


def _number(trial: TrialView) -> float:
    return trial.number


def _chart(
    facts: StudyFacts, title: str, look: str, axis: str, x: Callable[[TrialView], float]
) -> Chart:
    others = [t for t in facts.trials if group_of(t) and t not in facts.published_trials]
    kept, rule = facts.thinned(others)
    labels = Labels(f"S {title}", f"{look}{_floor_words(facts)}{rule}", axis, SCORE)
    ends = [x(t) for t in facts.trials]
    drawn = points(kept, x) + _line(best_so_far(facts.trials), x, max(ends, default=0.0))
    drawn += published(facts, x)
    return Chart(labels, drawn + _floor(facts, min(ends, default=0.0), max(ends, default=0.0)))


def _line(
    best: Sequence[TrialView], x: Callable[[TrialView], float], end: float
) -> tuple[Series, ...]:
    """The best so far as steps, to the end of the axis."""
    scores = [t.score or 0.0 for t in best]
    xs = [x(t) for t in best]
    if not best:
        return ()
    return series("best so far", "best so far", [*xs, end], [*scores, scores[-1]])


def published(facts: StudyFacts, x: Callable[[TrialView], float | str]) -> tuple[Series, ...]:
    """The published configuration's own trials."""
    shown = [t for t in facts.published_trials if t.score is not None]
    scores = [t.score or 0.0 for t in shown]
    return series(
        "published", "published", [x(t) for t in shown], scores, trials=[t.number for t in shown]
    )


def floor_of(facts: StudyFacts) -> tuple[float, float] | None:
    """S of Geant4 against itself and its standard deviation, at the events of a final score."""
    metrics = facts.best.best.metrics if facts.best else {}
    if "floor" not in metrics:
        return None
    return metrics["floor"], metrics.get("floor_sd", 0.0)


def _floor(facts: StudyFacts, low: float, high: float) -> tuple[Series, ...]:
    floor = floor_of(facts)
    if floor is None:
        return ()
    return series("Geant4 against itself", "geant4", [low, high], [floor[0]] * 2)


def _floor_words(facts: StudyFacts) -> str:
    if floor_of(facts) is None:
        return ""
    return " The black line is Geant4 against itself: no network can be told from Geant4 there."
