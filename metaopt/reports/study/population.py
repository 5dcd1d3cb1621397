"""A population: S by epoch of each member with its take-overs, and the schedule of the winner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Kind, Part, Series, lines, series
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.history import SCORE
from metaopt.reports.tables import Table, number, setting
from metaopt.store.views import FROM, INTERRUPTED, MEMBER, PARENT, TrialView
from search_spaces.parameters import Parameter
from workers.models.adjusting import mutable_names

#: Height of a row's curve in the chart of the schedule: rows are one apart. A smaller share of
#: a parameter's range than the least one does not fill it.
ROW, LEAST = 0.7, 0.05
#: Rows of the table at most.
MOST = 30


def population(facts: StudyFacts, trials: Iterable[TrialView]) -> Part | None:
    """How the members trained; None where the study is a search.

    Args:
        facts: of the study.
        trials: all of them: the last segments of members that train have not ended.
    """
    # An interrupted one was recorded once more: the later one counts.
    segments = {t.number: t for t in trials if MEMBER in t.note and t.outcome != INTERRUPTED}
    if not facts.population or not segments:
        return None
    members = len({t.note[MEMBER] for t in segments.values()})
    taken = sum(PARENT in t.note for t in segments.values())
    times = "once" if taken == 1 else f"{taken} times"
    text = (
        f"{members} members train together. After each interval the worst take over the state of "
        f"one of the best and go on with other values: {times} so far. A trial is a segment: "
        "a member's epochs with constant values."
    )
    won = line(segments, facts.best.best if facts.best else None)
    schedule = (schedule_chart(facts, won), schedule_table(facts, won)) if won else ()
    return Part("Population", text, (members_chart(segments, won), *schedule))


def line(segments: Mapping[int, TrialView], last: TrialView | None) -> list[TrialView]:
    """The segments that led to a trial's state, the first one first."""
    found: list[TrialView] = []
    while last is not None:
        found.insert(0, last)
        last = segments.get(int(last.note.get(PARENT, -1)))
    return found


def curve(segments: Mapping[int, TrialView], trial: TrialView) -> list[tuple[int, float]]:
    """(epoch, S) of a segment, from where it took over a state."""
    start = taken_over(segments, trial)
    return [*([start] if start else []), *trial.rungs]


def taken_over(segments: Mapping[int, TrialView], trial: TrialView) -> tuple[int, float] | None:
    """Epoch and S of the state that a segment took over; None where it began with fresh weights."""
    parent = segments.get(int(trial.note.get(PARENT, -1)))
    epoch = int(trial.note[FROM]) - 1
    scores = dict(parent.rungs) if parent else {}
    return (epoch, scores[epoch]) if epoch in scores else None


def members_chart(segments: Mapping[int, TrialView], won: Sequence[TrialView]) -> Chart:
    """A line per segment; it begins at the state that it took over."""
    look = (
        "A line that ends with a cross was replaced: its member goes on from a diamond, with the "
        "state of the member that is there. Where the best line changes members, values that were "
        "worse at the start were better later."
    )
    replaced = [t for t in segments.values() if t.replaced]
    others = [t for t in segments.values() if not t.replaced]
    drawn = _curves("replaced", "pruned line", segments, replaced)
    drawn += _curves("to the end", "complete line", segments, others)
    drawn += lines("best member's line", "best line", [_xy(_whole(won))] if won else [])
    ends = [(t.number, t.rungs[-1]) for t in replaced if t.rungs]
    starts = [(t.number, s) for t in segments.values() if (s := taken_over(segments, t))]
    drawn += _marks("replaced here", "stopped", ends) + _marks(
        "taken over here", "promoted", starts
    )
    labels = Labels("S by epoch", look, "epoch", SCORE)
    return Chart(labels, drawn, whole_x=True, wide=True)


def schedule_chart(facts: StudyFacts, won: Sequence[TrialView]) -> Chart:
    """A row per parameter that may change: its values by epoch of the winner."""
    shown = list(reversed(changing(facts, won)))
    look = (
        "Each row is a parameter, in the scale in which it is searched, from the lowest to the "
        "highest value that it had; the table has the values. What drifts one way was better with "
        "another value later in the training; what goes up and down may be chance."
    )
    drawn = tuple(
        made
        for row, p in enumerate(shown)
        for made in lines("", "best line", [_xy(_places(won, p, row))])
    )
    ticks = tuple(p.name for p in shown)
    return Chart(
        Labels("Schedule of the best member's line", look, "epoch"),
        drawn, whole_x=True, ticks_y=ticks, tall=True, wide=True,
    )  # fmt: skip


def schedule_table(facts: StudyFacts, won: Sequence[TrialView]) -> Table:
    """One row per segment of the winner: its epochs, values, and S at its end."""
    names = [p.name for p in changing(facts, won)]
    rows = tuple(
        (
            f"{first}-{last}" if last > first else str(first),
            str(trial.number),
            trial.note[MEMBER],
            number(dict(trial.rungs).get(last)),
            *(setting(trial.point[name]) for name in names),
        )
        for trial, (first, last) in zip(won, spans(won), strict=True)
    )
    cut = len(rows) - MOST
    title = f"the last {MOST} of {len(rows)} segments" if cut > 0 else ""
    headers = ("epochs", "trial", "member", "S", *names)
    return Table(title, headers, rows[max(cut, 0) :], left=())


def changing(facts: StudyFacts, won: Sequence[TrialView]) -> list[Parameter]:
    """The parameters that may change while the winner trains, in the order of the space."""
    names = mutable_names(facts.space.family)
    return [p for p in facts.space.parameters if p.name in names and p.name in won[0].point]


def spans(won: Sequence[TrialView]) -> list[tuple[int, int]]:
    """First and last epoch of each segment of a line, as far as the next one follows it."""
    firsts = [int(t.note[FROM]) for t in won]
    ends = [first - 1 for first in firsts[1:]] + [won[-1].rungs[-1][0] if won[-1].rungs else 0]
    return [(first, max(first, end)) for first, end in zip(firsts, ends, strict=True)]


def _whole(won: Sequence[TrialView]) -> list[tuple[float, float]]:
    """(epoch, S) of a line: of each segment up to where the next one took over."""
    return [
        (epoch, score)
        for trial, (first, last) in zip(won, spans(won), strict=True)
        for epoch, score in trial.rungs
        if first <= epoch <= last
    ]


def _places(won: Sequence[TrialView], p: Parameter, row: int) -> list[tuple[float, float]]:
    """(epoch, height) at both ends of each segment."""
    places = [p.to_unit(trial.point[p.name]) for trial in won]
    low, high = min(places), max(places)
    middle, width = 0.5 * (low + high), max(high - low, LEAST)
    return [
        (float(epoch), row + ROW * (place - middle) / width)
        for place, span in zip(places, spans(won), strict=True)
        for epoch in dict.fromkeys(span)
    ]


def _curves(
    name: str, kind: Kind, segments: Mapping[int, TrialView], some: Iterable[TrialView]
) -> tuple[Series, ...]:
    return lines(name, kind, (_xy(c) for t in some if (c := curve(segments, t))))


def _marks(
    name: str, kind: Kind, places: Sequence[tuple[int, tuple[int, float]]]
) -> tuple[Series, ...]:
    x, y = [epoch for _, (epoch, _) in places], [score for _, (_, score) in places]
    return series(name, kind, x, y, trials=[trial for trial, _ in places])


def _xy(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
