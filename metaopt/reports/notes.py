"""Notes for the Optuna dashboard, in Markdown: what a trial found, what a study is about."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metaopt.config import trial_folder
from metaopt.reports.segments import made, method
from metaopt.reports.tables import number, setting
from metaopt.reports.words import GROUPS, measured
from metaopt.store.views import FAILED, FROM, LOST, MEMBER, PARENT, TrialView
from workers.models.adjusting import mutable_names

SCALE = (
    "S is the distance of generated showers from Geant4's, lower is better: about 0.2 cannot be "
    "told from Geant4, 0.5 is a 1 % error of the energy scale, 1 a 5 % error, 2 an untrained "
    "generator, 2.8 a failed trial. It is 0.7 times the mean and 0.3 times the worst of the "
    "groups' levels L."
)
#: Groups of findings in a note at most, the furthest off first.
MOST_FINDINGS = 6
#: What Markdown would take for its own.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def trial_note(
    trial: TrialView,
    published: TrialView | None,
    document: Mapping[str, Any],
    findings: Mapping[str, Sequence[str]],
    picture: str = "",
) -> str:
    """What became of a trial, in words.

    Args:
        trial: an ended one.
        published: the published configuration's, where it is complete.
        document: what was recorded when the study began.
        findings: sentences on what is wrong, by group.
        picture: address of the plots; empty: there are none.
    """
    other = published if published is not None and published.number != trial.number else None
    parts = [_outcome(trial, other, document)]
    if MEMBER in trial.note:
        parts += _segment(trial, document)
    if trial.groups:
        parts += [_worst(trial, other), *_found(trial, findings)]
    if picture:
        parts.append(f"![Plots against Geant4: `metaopt dashboard` shows them.]({picture})")
    if trial.groups:
        parts.append(_levels(trial, other))
    if trial.complete:
        folder = trial_folder(Path(str(document["folder"])), trial.number)
        parts.append(f"Weights and check showers: `{folder}`")
    return "\n\n".join(parts)


def plain(text: str) -> str:
    """A text that Markdown leaves as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _outcome(trial: TrialView, published: TrialView | None, document: Mapping[str, Any]) -> str:
    epochs = f"{trial.epochs} of {document['budget']['epochs']} epochs"
    because = f": {plain(trial.reason)}" if trial.reason else ""
    if trial.complete:
        return _score(trial, published)
    if trial.replaced:
        return (
            f"**Replaced** after {epochs} at S = {number(trial.score)}: it was among the worst of "
            "the population there, and its member took over the state of one of the best."
        )
    if trial.state == "pruned":
        return (
            f"**Pruned** after {epochs} at S = {number(trial.score)}: it was not among the best "
            "that came as far. It left no weights, and goes on if later trials turn out worse."
        )
    if trial.outcome == FAILED:
        return f"**Failed** after {epochs}, by a fault of the configuration{because}"
    kind = "Lost with its worker" if trial.outcome == LOST else "Interrupted"
    return f"**{kind}** after {epochs}{because}. A trial with a new number repeats it."


def _score(trial: TrialView, published: TrialView | None) -> str:
    text = f"**S = {number(trial.score, trial.error)}** (lower is better)"
    if trial.proposal == 0:
        return f"{text}: the published configuration, which others are compared with."
    if published is None or trial.score is None or published.score is None:
        return f"{text}."
    gain = published.score - trial.score
    error = math.hypot(trial.error or 0.0, published.error or 0.0)
    how = "better" if gain > 0 else "worse"
    size = measured(abs(gain), error)
    verdict = f"{how} by {size}" if abs(gain) > 2 * error else "not different beyond the error"
    return (
        f"{text}; the published configuration, trial {published.number}, has "
        f"{number(published.score, published.error)}: {verdict}."
    )


def _segment(trial: TrialView, document: Mapping[str, Any]) -> list[str]:
    """Whose it is, where its weights came from, and what was in force."""
    note, first = trial.note, int(trial.note[FROM])
    came = f"It began with fresh weights: {made(note)}."
    if PARENT in note:
        came = f"It took over the weights of trial {note[PARENT]}, and changed: {made(note)}."
    names = mutable_names(document["space"]["family"])
    values = ", ".join(f"{n} {setting(v)}" for n, v in trial.point.items() if n in names)
    epochs = f"epochs {first} to {trial.epochs}" if trial.epochs > first else f"epoch {first}"
    return [
        f"Member {note[MEMBER]}, {epochs}. {plain(came)}",
        f"In force: {plain(values)}.",
    ]


def _worst(trial: TrialView, published: TrialView | None) -> str:
    group = max(trial.groups, key=lambda g: trial.groups[g])
    level = f"L = {trial.groups[group]:.2f}"
    if published is not None and group in published.groups:
        level += f" (trial {published.number}: {published.groups[group]:.2f})"
    return f"Furthest from Geant4: **{group}**, the {GROUPS.get(group, group)}; {level}."


def _found(trial: TrialView, findings: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong in numbers, the groups that are furthest off first."""
    order = sorted(findings, key=lambda g: -trial.groups.get(g, math.inf))
    lines = [f"- {g}: {'; '.join(map(plain, findings[g]))}" for g in order if findings[g]]
    return ["\n".join(lines[:MOST_FINDINGS])] if lines else []


def _levels(trial: TrialView, published: TrialView | None) -> str:
    others = {} if published is None else published.groups
    head, line = "| group | what it is | L |", "|---|---|--:|"
    if published is not None:
        head, line = f"{head} trial {published.number} |", f"{line}--:|"
    rows = [head, line]
    for group, level in trial.groups.items():
        row = f"| {group} | {GROUPS.get(group, '')} | {level:.2f} |"
        rows.append(f"{row} {others[group]:.2f} |" if group in others else row)
    return "\n".join(rows)


def study_note(name: str, document: Mapping[str, Any], engines: Sequence[str]) -> str:
    """What a study is about, and what to type.

    Args:
        name: of the study.
        document: what was recorded when it began.
        engines: what made the showers, where the files say it.
    """
    budget = "{epochs} epochs of {showers:,} showers, scored with {evaluation_showers:,} and at the"
    rows = [
        ("calorimeter", _geometry(document["geometry"])),
        ("showers", _data(document)),
        ("made by", ", ".join(map(plain, engines)) or "not said in the files"),
        ("trial", f"{budget.format(**document['budget'])} end with all validation events"),
        ("search space", _space(document["space"])),
        ("strategy", plain(method(document))),
        ("objective", _objective(document)),
        ("seed", str(document["seed"])),
        ("files", f"`{document['folder']}`"),
    ]  # fmt: skip
    table = "\n".join(["| | |", "|---|---|", *(f"| {what} | {text} |" for what, text in rows)])
    commands = f"""```
metaopt run study.toml      (or the options that it was begun with: it goes on)
metaopt show {name}
metaopt report {name} -o report.html
metaopt export {name} -o production
```"""
    return f"{SCALE}\n\n{table}\n\n{commands}"


def _geometry(geometry: Mapping[str, Any]) -> str:
    cells = geometry.get("cells", {})
    shape = " x ".join(map(str, cells["shape"])) + " cells" if "shape" in cells else "cylinder"
    (low, high), angles = geometry["energy"], geometry["theta"]
    theta = f", {angles[0]:g} to {angles[1]:g} degrees" if angles[0] != angles[1] else ""
    title = f" ({plain(geometry['title'])})" if geometry.get("title") else ""
    particles = ", ".join(geometry.get("particles", ()))
    return (
        f"{plain(geometry['name'])}{title}: {shape}, {particles} of {low:g} to {high:g} GeV{theta}"
    )


def _data(document: Mapping[str, Any]) -> str:
    data = document["data"]
    names = [f"`{Path(name).name}`" for name in data["files"]]
    files = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    shares = " / ".join(f"{share:.0%}" for share in data["split"])
    return (
        f"{document['events']:,} events of {files}, digest {data['digest'][:12]}; training / "
        f"validation / test {shares}"
    )


def _objective(document: Mapping[str, Any]) -> str:
    version = document["versions"].get("metaopt", "")
    return f"S of metaopt {version}, reference artefact {document['reference_digest'][:12]}"


def _space(space: Mapping[str, Any]) -> str:
    return (
        f"{plain(str(space.get('name', '')))}: {len(space['parameters'])} parameters of "
        f"{space['family']} {space['preset']}"
    )
