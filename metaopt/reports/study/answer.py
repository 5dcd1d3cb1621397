"""The answer of a study: the best configuration against the published one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaopt.reports.segments import method
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.tables import Table, comparison_table, duration, number
from metaopt.store.standings import Standing
from metaopt.strategies.estimates import EstimatedBest
from metaopt.warm import LESSONS


@dataclass(frozen=True)
class Answer:
    """What the reader wants to know first.

    Attributes:
        headline: S of the best configuration.
        verdict: whether it beats the published one, in a sentence.
        notes: what the reader must know beside, in sentences.
        comparison: published against best; without rows where nothing is complete.
        study: what was searched, where, how, for how long.
    """

    headline: str
    verdict: str
    notes: tuple[str, ...]
    comparison: Table
    study: Table


def answer(facts: StudyFacts) -> Answer:
    """The answer; that there is none, where no trial is complete."""
    table = study_table(facts)
    best = facts.best
    if best is None:
        nothing = Table("", ("",), ())
        return Answer("no complete trial", "Nothing was found yet.", _notes(facts), nothing, table)
    published = facts.published or best
    score = best.score
    headline = f"S = {number(score.value, score.error)}"
    text = verdict(published, best)
    return Answer(headline, text, _notes(facts), comparison_table(published, best), table)


def verdict(published: Standing, best: Standing) -> str:
    """The answer in a sentence; a fall within twice its error is none."""
    before, after = published.score, best.score
    if published.best.state == "pruned":
        return (
            f"The published configuration was not trained to the end: S "
            f"{number(before.value)} after epoch {published.best.epochs}. The best has S "
            f"{number(after.value, after.error)}."
        )
    error = math.hypot(before.error or 0.0, after.error or 0.0)
    if after.value >= before.value - 2 * error:
        return "No configuration beat the published one beyond the error at this budget."
    text = (
        f"S fell from {number(before.value, before.error)} to {number(after.value, after.error)} "
        "against the published configuration, at equal training showers"
    )
    if published.test and best.test:
        old, new = published.test, best.test
        text += (
            f"; on test showers that chose nothing, from {number(old.value, old.error)} to "
            f"{number(new.value, new.error)}"
        )
    return text + "."


def study_table(facts: StudyFacts) -> Table:
    """What was searched, in rows of (what, value)."""
    document = facts.document
    counts = Counter(t.word if t.replaced else t.state for t in facts.trials)
    ended = ", ".join(f"{counts[s]:,} {s}" for s in ("complete", "pruned", "replaced") if counts[s])
    failed = f", {counts['fail']:,} failed" if counts["fail"] else ""
    running = f", {facts.running} running" if facts.running else ""
    started = facts.trials[0].started if facts.trials else None
    rows = [
        ("search space", _space_words(facts)),
        ("calorimeter", _geometry_words(document["geometry"])),
        ("showers", _data_words(document)),
        (
            "budget of a trial",
            "{epochs} epochs of {showers:,} showers".format(**document["budget"]),
        ),
        ("strategy", method(document)),
        *_earlier(document),
        ("trials", f"{len(facts.trials):,} ended: {ended}{failed}{running}"),
        ("trained on", f"{sum(map(facts.showers_trained, facts.trials)):,} showers in all"),
        ("took", f"{duration(facts.clock.total)} of wall time without pauses"),
        ("began", f"{started:%Y-%m-%d %H:%M} UTC" if started else "–"),
        ("seed", str(facts.seed)),
        ("versions", ", ".join(f"{n} {v}" for n, v in document["versions"].items())),
    ]
    return Table("What was searched", ("", ""), tuple(rows), left=(0, 1))


def _earlier(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The studies that the search began from, where there were any: their points are among it."""
    lessons = document.get(LESSONS)
    return (
        [("started from", f"earlier studies: {', '.join(lessons['studies'])}")] if lessons else []
    )


def _space_words(facts: StudyFacts) -> str:
    space = facts.space
    return f"{space.name}: {len(space.parameters)} parameters of {space.family} {space.preset!r}"


def _geometry_words(geometry: Mapping[str, Any]) -> str:
    shape = geometry.get("cells", {}).get("shape")
    cells = f", {' x '.join(map(str, shape))} cells" if shape else ""
    title = f" ({geometry['title']})" if geometry.get("title") else ""
    low, high = geometry["energy"]
    return f"{geometry['name']}{title}{cells}, {low:g} to {high:g} GeV"


def _data_words(document: Mapping[str, Any]) -> str:
    """Events and names: where the files lay is nobody else's business."""
    data = document["data"]
    names = [Path(f).name for f in data["files"]]
    files = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    shares = " / ".join(f"{share:.0%}" for share in data["split"])
    return f"{document['events']:,} events of {files}; training / validation / test {shares}"


def _notes(facts: StudyFacts) -> tuple[str, ...]:
    notes = []
    if facts.running:
        notes.append(f"the study goes on: {facts.running} trials are running")
    best, expected = facts.best, _expected(facts)
    if best is not None and best.seeds == 1 and expected is not None:
        notes.append(
            "the best was not trained again, and the best of many noisy scores is partly luck; of "
            f"another training, the lowest S is expected of trial {expected.number}: "
            f"{number(expected.mean, expected.deviation)} (Gaussian process of all trials)"
        )
    return tuple(notes)


def _expected(facts: StudyFacts) -> EstimatedBest | None:
    if facts.population or facts.surrogate is None:
        return None
    points = [o.point for o in facts.surrogate.living]
    mean, deviation = facts.surrogate.predict(points)
    i = int(mean.argmin())
    return EstimatedBest(facts.surrogate.living[i].number, float(mean[i]), float(deviation[i]))
