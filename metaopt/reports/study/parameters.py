"""Which parameters matter, and where: importances, parallel coordinates, slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Kind, Note, Part, Series, lines, series
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.history import SCORE, points, published
from metaopt.reports.study.importance import Importance
from metaopt.reports.tables import setting
from metaopt.store.views import TrialView
from search_spaces.parameters import Categorical, Int, Parameter

#: Weights of the loss terms, and the exponent on cell energies: what each geometry needs anew.
SLICED = ("W_G", "W_P", "W_T", "W_A", "W_E", "W_B", "power")
#: Importances shown, axes of parallel coordinates, their lines, and the best of these.
MOST_IMPORTANT, AXES, LINES, BEST_LINES = 15, 7, 200, 60
#: Where the line of a trial passes that does not have the parameter.
ABSENT = -0.12


def parameters(facts: StudyFacts, found: Sequence[Importance]) -> Part:
    """Figures of all parameters; those that need the importances only where there are any."""
    text = "Which parameters decide S, and which values the good trials have."
    importance = (importance_chart(found),) if found else ()
    return Part("Parameters", text, (parallel(facts, found), *importance, *slices(facts)))


def importance_chart(found: Sequence[Importance]) -> Chart:
    """One row per parameter, the most important one on top."""
    shown = list(reversed(found[:MOST_IMPORTANT]))
    rest = len(found) - len(shown)
    look = (
        "Share of the variance of expected S, over the whole space, that a parameter takes part "
        "in; bars that reach 0 are not known to matter. Parameters that act together count twice."
        + (f" {rest} less important ones are left out." if rest else "")
    )
    labels = Labels("Importance", look, "total effect on S, share of its variance")
    made = series(
        "", "share", [i.value for i in shown], list(range(len(shown))), [i.error for i in shown]
    )
    return Chart(labels, made, ticks_y=tuple(i.name for i in shown))


def parallel(facts: StudyFacts, found: Sequence[Importance]) -> Chart:
    """A line per trial through its parameters' values."""
    names = [i.name for i in found] or list(facts.space.names)
    axes = [facts.space[name] for name in names[:AXES]]
    scored = [
        t for t in facts.record.searched.values()
        if t.state in ("complete", "pruned") and t.score is not None
    ]  # fmt: skip
    kept, rule = facts.thinned(scored, LINES, BEST_LINES)
    which = "most important " if len(names) > AXES and found else ""
    look = (
        "Each line is a trial; where the dark ones run together, the search has found the value. "
        f"Each axis is a parameter's range in the scale in which it is searched; the {len(axes)} "
        f"{which}parameters are shown.{rule}"
    )
    notes = tuple(n for i, p in enumerate(axes) for n in _ends(p, i, scored))
    return Chart(
        Labels("Parallel coordinates", look),
        _bundles(facts, kept, scored, axes),
        ticks_x=tuple(p.name for p in axes),
        notes=notes,
        wide=True,
    )


def _bundles(
    facts: StudyFacts,
    kept: Sequence[TrialView],
    scored: Sequence[TrialView],
    axes: Sequence[Parameter],
) -> tuple[Series, ...]:
    """Lines by rank of S: the lower half, the middle, the best tenth, the best, the published."""
    scores = np.array([t.score for t in scored]) if scored else np.zeros(1)
    tenth, half = np.quantile(scores, [0.1, 0.5])
    best = facts.best.trials[0] if facts.best else None
    groups: tuple[tuple[str, Kind, list[TrialView]], ...] = (
        ("worse half", "rest line", [t for t in kept if (t.score or 0.0) > half]),
        ("better half", "middle line", [t for t in kept if tenth < (t.score or 0.0) <= half]),
        ("best tenth", "top line", [t for t in kept if (t.score or 0.0) <= tenth]),
        (
            "published",
            "published line",
            list(facts.published_trials[:1]),
        ),
        ("best", "best line", [best] if best else []),
    )
    x = list(range(len(axes)))
    return tuple(
        made
        for name, kind, some in groups
        for made in lines(name, kind, ((x, _heights(t, axes)) for t in some))
    )


def _heights(trial: TrialView, axes: Sequence[Parameter]) -> list[float]:
    return [p.to_unit(trial.point[p.name]) if p.name in trial.point else ABSENT for p in axes]


def _ends(p: Parameter, place: int, scored: Sequence[TrialView]) -> list[Note]:
    """The values at the ends of an axis, or its choices."""
    if isinstance(p, Categorical):
        notes = [Note(place, p.to_unit(c), str(c)) for c in p.choices]
    else:
        notes = [Note(place, p.to_unit(v), setting(v)) for v in (p.low, p.high)]
    absent = any(p.name not in t.point for t in scored)
    return [*notes, Note(place, ABSENT, "absent")] if absent else notes


def slices(facts: StudyFacts) -> tuple[Chart, ...]:
    """S against each loss weight and the exponent, where they are searched."""
    kept, rule = facts.thinned(facts.trials)
    return tuple(
        _slice(facts, kept, facts.space[name], rule) for name in SLICED if name in facts.space.names
    )


def _slice(facts: StudyFacts, kept: Sequence[TrialView], p: Parameter, rule: str) -> Chart:
    some = [t for t in kept if p.name in t.point]
    look = (
        "A valley is a value that S depends on; a flat lower edge is a parameter that the others "
        f"make up for. All other parameters differ from point to point.{rule}"
    )
    what = "exponent on cell energies" if p.name == "power" else f"loss weight {p.name}"
    others = [t for t in some if t not in facts.published_trials]
    drawn = points(others, lambda t: t.point[p.name]) + published(facts, lambda t: t.point[p.name])
    log = not isinstance(p, Categorical) and p.log
    whole = isinstance(p, Int)
    labels = Labels(f"S against {p.name}", look, f"{what} [1]", SCORE)
    return Chart(labels, drawn, log_x=log, whole_x=whole)
