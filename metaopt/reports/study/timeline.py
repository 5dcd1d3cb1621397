"""When trials ran, and how much of the workers' time was idle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Kind, Part, lines
from metaopt.reports.study.clock import PAUSE, Run, idle_share, unit_of
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.tables import duration
from metaopt.store.views import FAILED, TrialView

GROUPS: Mapping[Kind, str] = {
    "complete slot": "complete",
    "pruned slot": "pruned",
    "failed slot": "failed",
    "other slot": "lost or interrupted",
}
#: Gaps between equal neighbours that are too narrow to be seen: a share of the whole.
NARROW = 1 / 1500


def timeline(facts: StudyFacts) -> Part:
    """A bar per trial in the row of its slot."""
    runs, total = facts.clock.runs(facts.trials), facts.clock.total
    if not runs:
        return Part("Workers", "No times were recorded.")
    slots = 1 + max(run.slot for run in runs)
    pauses = len(facts.clock.stretches) - 1
    text = (
        f"{slots} trial{'s' * (slots > 1)} at once at most, over {duration(total)}; "
        f"{idle_share(runs, total):.0%} of the slots' time was idle."
        + (
            f" Pauses of more than {PAUSE / 60:.0f} minutes are left out: {pauses}."
            if pauses
            else ""
        )
    )
    return Part("Workers", text, (_chart(runs, slots, total),))


def _chart(runs: Sequence[Run], slots: int, total: float) -> Chart:
    look = (
        "White is idle. Steady white gaps say that the controller was slower than the workers; a "
        "white end, that the last trials were long. Rows are trials at once, not machines."
    )
    unit, name = unit_of(total)
    made = tuple(
        one
        for kind, label in GROUPS.items()
        for one in lines(label, kind, (
            ([begin / unit, end / unit], [slot, slot])
            for slot, begin, end in bars(runs, kind, NARROW * total)
        ))
    )  # fmt: skip
    labels = Labels("Trials over time", look, f"wall time without pauses [{name}]", "slot")
    ticks = tuple(str(i + 1) for i in range(slots))
    return Chart(labels, made, ticks_y=ticks, wide=True)


def bars(runs: Sequence[Run], kind: Kind, narrow: float) -> list[tuple[int, float, float]]:
    """(slot, begin, end) of the trials of a kind; equal neighbours are joined over narrow gaps."""
    last: dict[int, tuple[Kind, int]] = {}
    found: list[tuple[int, float, float]] = []
    for run in runs:
        own = kind_of(run.trial)
        before = last.get(run.slot)
        if own == kind:
            if before is not None and before[0] == kind:
                slot, begin, end = found[before[1]]
                if run.start - end <= narrow:
                    found[before[1]] = (slot, begin, run.end)
                    continue
            found.append((run.slot, run.start, run.end))
        last[run.slot] = (own, len(found) - 1)
    return found


def kind_of(trial: TrialView) -> Kind:
    """How a trial's bar is drawn."""
    if trial.complete:
        return "complete slot"
    if trial.state == "pruned":
        return "pruned slot"
    return "failed slot" if trial.outcome == FAILED else "other slot"
