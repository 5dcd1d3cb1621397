"""Whether two parts of a data set can stand for each other.

Notation:

    a, b      validation and test events: n and m of them
    w_g       mean Wasserstein-1 distance of the pulls of group g        [sigma]
    z_g       w_g in standard deviations about its mean, over random divisions of the n + m
    M         max_g z_g

Splits of one production differ only by chance. Where they do not (a file of another
detector, energies in file order, a damaged part), every score is off by the difference,
and the floor hides it. If events are exchangeable, the M of the given division is as
likely as that of any other to be the largest: the test is exact for any number of
events, which a threshold on S is not, as S is skewed near its floor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectives.reference import Reference
from objectives.samples import Sample
from objectives.showers import Showers
from search_spaces.errors import DataError
from search_spaces.threads import one_thread

Array64 = NDArray[np.float64]

#: Random divisions: honest data are refused once in 401 studies.
DIVISIONS = 400
#: Events of each part that are compared.
MAX_EVENTS = 2000
DIVISION_SEED = 20_013


@one_thread
def check_exchangeable(reference: Reference, other: Showers, part: str = "test") -> None:
    """Raise :class:`DataError` unless showers can stand for the reference's validation events.

    Args:
        reference: built from other showers of the same data set.
        other: at least 20 full-simulation showers.
        part: what they are called in an error.
    """
    rng = np.random.default_rng(DIVISION_SEED)
    ours = _some(reference.target.sample, rng)
    theirs = _some(reference.pulls(reference.sample_of(other, part)), rng)
    w = _distances(ours, theirs, list(reference.target.columns.values()), rng)
    z = (w - w.mean(axis=0)) / np.maximum(w.std(axis=0), 1e-12)
    largest = z.max(axis=1)
    if largest[0] > largest[1:].max():
        group = list(reference.target.columns)[int(z[0].argmax())]
        raise DataError(
            f"validation and {part} events must be exchangeable, but they differ in {group!r} by "
            f"{z[0].max():.1f} standard deviations, more than in {DIVISIONS} random divisions; "
            f"check that all files are of one production"
        )


def _some(sample: Sample, rng: np.random.Generator) -> Array64:
    """The pulls (n, k) of at most ``MAX_EVENTS`` events."""
    return sample.values[rng.permutation(len(sample))[:MAX_EVENTS]].astype(np.float64)


def _distances(
    a: Array64, b: Array64, groups: list[NDArray[np.intp]], rng: np.random.Generator
) -> Array64:
    """W (1 + divisions, g): of the given division, then of random ones.

    W1 is the area between two distribution functions, whose steps are at the same places
    for every division.
    """
    both = np.concatenate([a, b])
    order = np.argsort(both, axis=0)
    gaps = np.diff(np.take_along_axis(both, order, axis=0), axis=0)
    steps = np.repeat([1 / len(a), -1 / len(b)], [len(a), len(b)])
    rows = []
    for division in range(1 + DIVISIONS):
        shuffled = steps if division == 0 else rng.permutation(steps)
        difference = np.cumsum(shuffled[order], axis=0)[:-1]
        w = np.einsum("ik,ik->k", np.abs(difference), gaps)
        rows.append([w[columns].mean() for columns in groups])
    return np.array(rows)
