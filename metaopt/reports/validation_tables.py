"""A validation as tables and as plain data."""

from __future__ import annotations

from typing import Any

from metaopt.reports.tables import HUMAN_METRICS, Table, number
from metaopt.reports.validation import Validation
from metaopt.reports.words import GROUPS, by_group, is_far, measured, sentence, verdict
from objectives.metrics import MIN_EVENTS
from search_spaces.records import encode

#: Cross-checks for people; other names are told as they are.
CROSSCHECKS = {
    "separation": "separation power of the histograms",
    "frechet": "Fréchet distance of the pulls (FPD)",
    "frechet_extrapolated": "Fréchet distance, extrapolated in 1/N",
    "kernel": "kernel distance of the pulls (KPD)",
    "auc": "AUC of a classifier; 0.5 is indistinguishable",
    "sampling_fraction_bias": "sampling fraction, bias",
    "linearity": "linearity, {} GeV",
    "resolution": "resolution ratio - 1, {} GeV",
    "legacy_moments_profiles": "3DGAN: moments and profiles",
    "legacy_sampling_fraction": "3DGAN: sampling fraction error",
    "legacy_parameter_scan": "3DGAN: parameter scan",
}


def headline(validation: Validation) -> tuple[str, str]:
    """The score beside that of the full simulation itself, and the answer in words."""
    score = validation.score
    own = f"Geant4 against itself: {number(score.floor, score.floor_sd)}"
    text = verdict(
        score.value, score.floor, score.floor_sd, validation.events, len(validation.findings)
    )
    return f"S = {number(score.value, score.error)}   ({own})", text


def groups_table(validation: Validation) -> Table:
    """One row per group of the objective: level, meaning, what is wrong."""
    score = validation.score
    levels, null = score.groups, validation.null.groups if validation.null else {}
    far = is_far(score.value, score.floor, score.floor_sd)
    told = by_group(validation.findings, levels, null, far)
    rows = tuple(
        (
            group,
            _level(levels.get(group)),
            _level(null.get(group)),
            GROUPS[group],
            "\n".join(sentences) or "–",
        )
        for group, sentences in told.items()
    )
    return Table("", ("group", "L", "Geant4", "what it is", "what is wrong"), rows, left=(0, 3, 4))


def _level(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def metrics_table(validation: Validation) -> Table:
    """The human numbers, with those of full-simulation showers where measured."""
    own = validation.null.metrics if validation.null else {}
    rows = []
    # Of fewer good showers nothing is measured: S has the worst values then.
    measurable = len(validation.sides.generated) >= MIN_EVENTS
    for key, text, form in HUMAN_METRICS:
        if key in validation.score.metrics and (measurable or key == "bad_fraction"):
            value, null = validation.score.metrics[key], own.get(key)
            rows.append((text, form.format(value), "" if null is None else form.format(null)))
    return Table("", ("", "generated", "Geant4"), tuple(rows))


def crosschecks_table(validation: Validation) -> Table:
    """Numbers beside S, each with what the full simulation gives against itself."""
    rows = []
    for name, found in validation.crosschecks.items():
        kind, _, range_ = name.partition(" ")
        label = CROSSCHECKS.get(kind, name).format(range_)
        null = "" if found.null is None else measured(found.null, found.null_spread)
        rows.append((label, measured(found.value, found.error), null))
    name = f"cross-check, {validation.crosschecked:,} showers"
    return Table("", (name, "generated", "Geant4"), tuple(rows))


def particles_table(validation: Validation) -> Table:
    """One row per particle type, each type against its own kind; none where there is one type."""
    rows = []
    for name, alone in validation.particles.items():
        score = alone.score
        own = number(score.floor, score.floor_sd)
        answer = "\n".join([headline(alone)[1], *map(sentence, alone.findings)])
        rows.append((name, f"{alone.events:,}", number(score.value, score.error), own, answer))
    return Table("", ("particle", "showers", "S", "Geant4", "verdict"), tuple(rows), left=(0, 4))


def document(validation: Validation) -> dict[str, Any]:
    """Everything that was measured, as plain data."""
    score, null = validation.score, validation.null
    generated, full = validation.generated, validation.full
    return {
        "S": score.value,
        "error": score.error,
        "floor": score.floor,
        "floor_sd": score.floor_sd,
        "verdict": headline(validation)[1],
        "groups": score.groups,
        "metrics": score.metrics,
        "findings": [
            {**encode(f), "sigmas": f.sigmas, "text": sentence(f)} for f in validation.findings
        ],
        "crosschecks": encode(validation.crosschecks),
        "null": encode(null) if null else None,
        "events": {
            "generated": validation.events,
            "empty": generated.empty,
            "not_finite": generated.not_finite,
            "negative": generated.negative,
            "reference": full.events,
            "judged": len(validation.reference),
            "crosschecked": validation.crosschecked,
        },
        "files": {"generated": validation.generated_name, "reference": validation.full_name},
        "geometry": validation.reference.geometry.name,
        "notes": list(validation.notes),
        "particles": {
            name: {
                "S": alone.score.value,
                "error": alone.score.error,
                "floor": alone.score.floor,
                "floor_sd": alone.score.floor_sd,
                "verdict": headline(alone)[1],
                "groups": alone.score.groups,
                "events": alone.events,
                "findings": [sentence(f) for f in alone.findings],
            }
            for name, alone in validation.particles.items()
        },
    }
