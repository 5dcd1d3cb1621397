"""A study and its trials as tables: plain headers and rows, rendered elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metaopt.reports import segments
from metaopt.store.front import FrontPoint
from metaopt.store.searches import searches
from metaopt.store.standings import Figure, Standing
from metaopt.store.views import MEMBER, StudyView, TrialView
from search_spaces.parameters import Value


@dataclass(frozen=True)
class Table:
    """A title, column headers and rows of text; columns of ``left`` are aligned left."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: tuple[int, ...] = (0,)


#: Human numbers of a score: name in the store, name for people, format.
HUMAN_METRICS = (
    ("sampling_fraction_bias", "sampling fraction, bias", "{:+.1%}"),
    ("resolution_ratio", "energy resolution, generated / Geant4", "{:.2f}"),
    ("profile_error", "energy-weighted profile error", "{:.1%}"),
    ("occupancy_ratio", "hit cells, generated / Geant4", "{:.2f}"),
    ("angle_bias", "measured angle, bias [degrees]", "{:+.2f}"),
    ("angle_resolution_ratio", "angular resolution, generated / Geant4", "{:.2f}"),
    ("bad_fraction", "bad showers", "{:.1%}"),
    ("ms_per_shower", "generation [ms per shower]", "{:.3g}"),
    ("generator_parameters", "generator parameters", "{:,.0f}"),
    ("discriminator_parameters", "discriminator parameters", "{:,.0f}"),
)


def number(value: float | None, error: float | None = None) -> str:
    """A score for people: ``1.234 ± 0.021``, or a dash."""
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" ± {error:.3f}" if error is not None else "")


def setting(value: Value | None) -> str:
    """A parameter's value for people: four significant digits."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """``0:42``, ``4:05``, ``2:31:07`` or ``3 d 04:10``."""
    whole = int(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24:02d}:{minute:02d}"
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def studies_table(studies: Sequence[StudyView]) -> Table:
    """One row per study."""
    rows = []
    for study in studies:
        counts = study.counts
        best = study.best
        rows.append(
            (
                study.name,
                ", ".join(dict.fromkeys(s["strategy"] for s in searches(study.document))) or "–",
                str(study.document.get("geometry", {}).get("name", "–")),
                str(counts.get("complete", 0)),
                str(counts.get("pruned", 0)),
                str(counts.get("fail", 0)),
                str(counts.get("running", 0)),
                number(best.score, best.error) if best else "–",
                f"{study.started:%Y-%m-%d %H:%M}" if study.started else "–",
            )
        )
    headers = (
        "study", "strategy", "geometry", "complete", "pruned", "failed", "running", "best S",
        "started (UTC)",
    )  # fmt: skip
    return Table("", headers, tuple(rows), left=(0, 1, 2, 8))


def trials_table(trials: Sequence[TrialView], most: int = 30) -> Table:
    """The best trials first, then those without a final score in order of number."""
    ranked = sorted(
        trials, key=lambda t: (not t.complete, t.score if t.complete else 0.0, t.number)
    )
    rows = []
    for trial in ranked[:most]:
        state = f"{trial.state}: {trial.outcome}" if trial.outcome else trial.word
        rows.append(
            (
                str(trial.number),
                state,
                number(trial.score, trial.error),
                segments.epochs(trial),
                duration(trial.seconds),
                str(trial.attempt) if trial.attempt > 1 else "",
                trial.reason or _origin(trial.note),
            )
        )
    left_out = len(ranked) - len(rows)
    title = f"best {len(rows)} of {len(ranked)} trials" if left_out > 0 else ""
    headers = ("trial", "state", "S", "epochs", "time", "attempt", "origin or reason")
    return Table(title, headers, tuple(rows), left=(1, 6))


def _origin(note: Mapping[str, str]) -> str:
    """Where a point came from: ``published``, ``design``, ``crossover, mutation of 3, 7``."""
    if MEMBER in note:
        return segments.origin(note)
    if "confirms" in note:
        return f"confirms {note['confirms']}"
    what = note.get("baseline", note.get("operators", ""))
    return f"{what} of {note['parents']}" if "parents" in note else what


def comparison_table(published: Standing, found: Standing) -> Table:
    """The first configuration against the best found: score, breakdown, what changed."""
    sides = (published, found)
    baseline, best = (side.best for side in sides)
    names = (published.trials[0].note.get("baseline", "first trial"), "best found")
    rows: list[tuple[str, ...]] = [("S (lower is better)", *map(_standing_text, sides))]
    if any(side.seeds > 1 for side in sides):
        rows.append(("  trained with so many seeds", *(str(side.seeds) for side in sides)))
        rows.append(("S of the test showers", *(_figure_text(side.test) for side in sides)))
    rows.append(("best trial", str(baseline.number), str(best.number)))
    rows += [
        (f"  {group}", *(number(t.groups.get(group)) for t in (baseline, best)))
        for group in best.groups
    ]
    for key, text, form in HUMAN_METRICS:
        pair = [t.metrics.get(key) for t in (baseline, best)]
        if any(v is not None for v in pair):
            rows.append((text, *("–" if v is None else form.format(v) for v in pair)))
    for name in dict.fromkeys([*baseline.point, *best.point]):
        old, new = baseline.point.get(name), best.point.get(name)
        if old != new:
            rows.append((name, setting(old), setting(new)))
    return Table("", ("", *names), tuple(rows))


def pareto_table(front: Sequence[FrontPoint], published: Mapping[str, Value]) -> Table:
    """One row per configuration of the front: S, time, and the parameters that are not published.

    Args:
        front: lowest S first.
        published: parameters of the published configuration; empty gives every parameter.
    """
    rows = [
        (
            str(point.trial),
            number(point.score, point.error),
            f"{point.ms_per_shower:.3g}",
            _differences(point.point, published) or "published",
        )
        for point in front
    ]
    headers = ("trial", "S", "ms per shower", "differs from the published one in")
    return Table("Pareto front: none is better and faster", headers, tuple(rows), left=(3,))


def _differences(point: Mapping[str, Value], published: Mapping[str, Value]) -> str:
    """``power 0.7, g_layers 3, g4_filters –``: in the order of the space."""
    names = dict.fromkeys([*published, *point])
    return ", ".join(
        f"{name} {setting(point.get(name))}"
        for name in names
        if point.get(name) != published.get(name)
    )


def _standing_text(standing: Standing) -> str:
    if standing.seeds > 1:
        return _figure_text(standing.score)
    return _score_text(standing.best)


def _figure_text(figure: Figure | None) -> str:
    return "–" if figure is None else number(figure.value, figure.error)


def _score_text(trial: TrialView) -> str:
    if trial.complete:
        return number(trial.score, trial.error)
    return f"{trial.word} ({number(trial.score)} at epoch {trial.epochs})"


def trial_tables(trial: TrialView, epochs: Sequence[Mapping[str, object]]) -> list[Table]:
    """One trial: its state and where it came from, parameters, score with its breakdown, epochs."""
    point = tuple((k, setting(v)) for k, v in trial.point.items())
    parts = [("S", number(trial.score, trial.error))]
    parts += [(f"  {k}", number(v)) for k, v in trial.groups.items()]
    parts += [(k, f"{v:.5g}") for k, v in trial.metrics.items()]
    rows = []
    for epoch in epochs:
        losses, score, spent = epoch["losses"], epoch["score"], epoch["seconds"]
        assert isinstance(losses, Mapping) and isinstance(score, float)
        assert isinstance(spent, float)
        text = ", ".join(f"{k} {v:.3g}" for k, v in losses.items())
        rows.append((str(epoch["epoch"]), number(score), duration(spent), text))
    return [
        trials_table([trial]),
        Table("parameters", ("parameter", "value"), point),
        Table("score", ("", "value"), tuple(parts)),
        Table("epochs", ("epoch", "S", "time", "losses"), tuple(rows), left=(3,)),
    ]
