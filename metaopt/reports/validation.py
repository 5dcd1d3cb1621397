"""Generated showers compared with the full simulation: the score, its reasons, the plots' sums.

The record is made by :func:`compare` from what one pass over each sample leaves, and is all
that tables, words and pages are made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from metaopt.reports.conditions import covered, unlike
from metaopt.reports.findings import Finding, findings
from metaopt.reports.sides import Side, Sides
from objectives.crosschecks import Measured, Summary, crosscheck
from objectives.crosschecks.measured import MIN_EVENTS, shuffled
from objectives.objective import Score, judge
from objectives.observables import Features
from objectives.reference import Reference
from objectives.samples import Sample
from objectives.views import Observed, View
from search_spaces.geometry import Geometry

#: Cross-checks of showers at unequal conditions that tell the conditions.
UNCONDITIONAL = (
    *("auc", "legacy_moments_profiles", "legacy_sampling_fraction"),
    "legacy_parameter_scan",
)


@dataclass(frozen=True, eq=False)
class FullSimulation:
    """The full simulation's side of a comparison.

    Attributes:
        reference: pulls and floors, and the showers that generated ones are compared with.
        judged: what one pass left of each of those showers.
        null: the same of showers in the place of generated ones, if there are any to spare.
        fitted: showers that the reference was fitted to; may be none.
        view: sums over all of them.
    """

    reference: Reference
    judged: Observed
    null: Observed | None
    fitted: Sample
    view: View


@dataclass(frozen=True, eq=False)
class Validation:
    """A comparison of generated showers with the full simulation.

    Attributes:
        generated_name, full_name: what is compared, for people.
        reference: what the generated showers are judged by.
        score: S and its breakdown.
        null: that of full-simulation showers, if measured.
        sides: features of the good showers.
        generated, full: sums over the showers of both sides.
        findings: what is significantly wrong.
        crosschecks: numbers beside S, each with its null; none for few showers.
        crosschecked: how many generated showers they are of: as many as there are for the null.
        notes: what the reader should know, in sentences.
        particles: the same of each particle type alone, by name, where there are several.
    """

    generated_name: str
    full_name: str
    reference: Reference
    score: Score
    null: Score | None
    sides: Sides
    generated: View
    full: View
    findings: tuple[Finding, ...]
    crosschecks: dict[str, Measured]
    crosschecked: int = 0
    notes: tuple[str, ...] = ()
    particles: Mapping[str, Validation] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """Number of generated showers, the bad ones included."""
        return self.generated.events + self.generated.bad


def compare(
    names: tuple[str, str], generated: Observed, view: View, full: FullSimulation
) -> Validation:
    """Judge generated showers, and find out what is wrong with them.

    Args:
        names: of the generated showers and of the full simulation.
        generated: what one pass left of each generated shower, the features being those of
            ``full.reference.features``.
        view: sums over the generated showers.
        full: the other side.
    """
    reference, null = full.reference, full.null
    held = [full.judged] if null is None else [full.judged, null]
    score = judge(generated.features, reference)
    sides = Sides(
        Side.of(_good([generated], reference), reference),
        Side.of(_good(held, reference), reference),
        Side.of(full.fitted, reference),
        reference.geometry,
    )
    notes = _notes(sides)
    crosschecks, crosschecked = _crosschecks(generated, full, apart=bool(notes))
    found = findings(sides, score.groups)
    if notes:
        found = tuple(f for f in found if f.kind != "correlation")
    own = None
    if null is not None:
        # As many as are judged, where there are: the numbers depend on how many there are.
        rows = shuffled(len(null))[: len(generated)]
        own = judge(null.features[rows], reference)
    return Validation(
        generated_name=names[0],
        full_name=names[1],
        reference=reference,
        score=score,
        null=own,
        sides=sides,
        generated=view,
        full=full.view,
        findings=(*unusable(view), *found),
        crosschecks=crosschecks,
        crosschecked=crosschecked,
        notes=notes,
    )


def _good(parts: list[Observed], reference: Reference) -> Sample:
    """The reference's features of the good showers of some parts."""
    seen = Features.joined([part.features for part in parts])
    return seen.sample(reference.names)[~seen.bad]


def _crosschecks(
    generated: Observed, full: FullSimulation, apart: bool
) -> tuple[dict[str, Measured], int]:
    """Cross-checks of as many generated showers as there are for the null, drawn at random.

    Showers at unusable conditions, which count as not finite, have nothing to be compared at.
    Where the conditions are ``apart``, full-simulation showers of the generated ones' range are
    compared with, since neither responses nor pulls are alike all over the reference's.
    """
    reference = full.reference
    sample, real = (_summary(part, reference) for part in (generated, full.judged))
    null = None if full.null is None else _summary(full.null, reference)
    sample = sample[sample.profiles.conditions.usable]
    if apart:
        real = _near(real, sample, reference.geometry)
        null = None if null is None else _near(null, sample, reference.geometry)
    sample = sample[shuffled(len(sample))[: len(sample) if null is None else len(null)]]
    if min(len(sample), len(real)) < MIN_EVENTS:
        return {}, 0
    with np.errstate(over="ignore"):  # generated showers may hold anything
        found = crosscheck(sample, real, reference, null)
    kept = {k: v for k, v in found.items() if not (apart and k in UNCONDITIONAL)}
    return kept, len(sample)


def _near(part: Summary, generated: Summary, geometry: Geometry) -> Summary:
    """The showers in the range of the generated ones' conditions."""
    return part[covered(part.profiles.conditions, generated.profiles.conditions, geometry)]


def _summary(part: Observed, reference: Reference) -> Summary:
    return Summary.seen(part.features, part.profiles, reference)


def unusable(generated: View) -> Iterator[Finding]:
    """Bad showers: each one is counted, so there is no error."""
    total = generated.events + generated.bad
    for kind in ("empty", "not_finite", "negative"):
        if count := getattr(generated, kind):
            yield Finding("showers", "share", kind, count / total, 0.0)


def _notes(sides: Sides) -> tuple[str, ...]:
    if len(sides.generated) < MIN_EVENTS:
        return ()
    generated, full = (side.sample.conditions for side in (sides.generated, sides.whole))
    return unlike(generated, full, sides.geometry)
