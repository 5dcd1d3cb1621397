"""All numbers beside S in one call, from showers that are read in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from objectives.crosschecks.classifier import classifier_auc
from objectives.crosschecks.frechet import frechet_extrapolated, frechet_of_pulls
from objectives.crosschecks.kernel import kernel_of_pulls
from objectives.crosschecks.legacy import legacy_scores
from objectives.crosschecks.measured import Measured, pieces
from objectives.crosschecks.profiles import Profiles
from objectives.crosschecks.response import response_checks
from objectives.crosschecks.separation import mean_separation
from objectives.observables import Features
from objectives.pulls import CLIP
from objectives.reference import Reference
from objectives.samples import Sample
from objectives.showers import Rows, Showers

#: A sample is at least this large when it is extrapolated in 1/N.
EXTRAPOLATED_EVENTS = 1000


@dataclass(frozen=True, eq=False)
class Summary:
    """What the cross-checks need of n showers, in their order.

    Attributes:
        features: of the reference's names, in their own units; 0 for bad events.
        pulls: of the features; 25 sigma for bad events, which are never dropped.
        profiles: along the axes.
    """

    features: Sample
    pulls: Sample
    profiles: Profiles

    @classmethod
    def of(cls, showers: Showers, reference: Reference) -> Summary:
        """Of showers at usable conditions; their cells may hold anything.

        Raises:
            DataError: if the grid is not the reference's.
        """
        profiles = Profiles.of(showers, reference.geometry)
        return cls.seen(reference.features(showers), profiles, reference)

    @classmethod
    def seen(cls, found: Features, profiles: Profiles, reference: Reference) -> Summary:
        """Of what one pass over the showers left of them."""
        features = found.sample(reference.names)
        pulls = reference.pulls(features)
        pulls.values[found.bad] = CLIP
        return cls(features, pulls, profiles)

    @classmethod
    def joined(cls, parts: Sequence[Summary]) -> Summary:
        """Of all showers of at least one part."""
        profiles = Profiles.joined([p.profiles for p in parts])
        features, pulls = (
            Sample(np.concatenate([getattr(p, name).values for p in parts]), profiles.conditions)
            for name in ("features", "pulls")
        )
        return cls(features, pulls, profiles)

    def __len__(self) -> int:
        return len(self.profiles)

    def __getitem__(self, rows: Rows) -> Summary:
        return Summary(self.features[rows], self.pulls[rows], self.profiles[rows])


def crosscheck(
    generated: Summary, real: Summary, reference: Reference, null: Summary | None = None
) -> dict[str, Measured]:
    """Every cross-check that the geometry and the number of showers allow.

    About a second for 2000 showers and a fifth of that for each piece of the null, besides
    the reading of the showers.

    Args:
        generated: n showers.
        real: full-simulation showers that took part neither in a search nor in
            ``reference``: the test split.
        reference: which observables there are, and their pulls.
        null: other full-simulation showers, disjoint from both; they are cut into pieces of
            n. With fewer than n there is no null.

    Returns:
        By name: ``separation``, ``frechet``, with a thousand showers or more
        ``frechet_extrapolated``, ``kernel``, ``auc``, the names of
        :func:`~objectives.crosschecks.response.response_checks` and of
        :func:`~objectives.crosschecks.legacy.legacy_scores`.

    Raises:
        DataError: for fewer than 20 showers.
    """
    from threadpoolctl import threadpool_limits  # has no types

    others = [] if null is None else pieces(null, len(generated))
    with threadpool_limits(1):  # small matrices, and trials that run beside this
        found = _of_samples(generated, real, others)
        response = [_response(x, reference) for x in (generated, real, *others)]
        found |= response_checks(response[0], response[1], response[2:])
        profiles = generated.profiles, real.profiles, reference.geometry
        return found | legacy_scores(*profiles, [x.profiles for x in others])


def _of_samples(
    generated: Summary, real: Summary, others: Sequence[Summary]
) -> dict[str, Measured]:
    """The cross-checks of pulls and features."""
    pulls = generated.pulls, real.pulls, [x.pulls for x in others]
    found = {"separation": mean_separation(*pulls), "frechet": frechet_of_pulls(*pulls)}
    if min(len(generated), len(real)) >= EXTRAPOLATED_EVENTS:
        found["frechet_extrapolated"] = frechet_extrapolated(*pulls)
    features = generated.features, real.features, [x.features for x in others]
    return found | {"kernel": kernel_of_pulls(*pulls), "auc": classifier_auc(*features)}


def _response(summary: Summary, reference: Reference) -> Sample:
    column = reference.names.index("sampling_fraction")
    return Sample(summary.features.values[:, [column]], summary.features.conditions)
