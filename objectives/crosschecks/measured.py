"""A number of two samples, its error, and what full simulation against itself gives.

Notation:

    T(a, b)   statistic of a sample and the full simulation
    G         parts of the delete-a-group jackknife
    null      mean of T(x, b) over samples x of the full simulation, disjoint from b

The null belongs to the one sample b in use, as the generated sample's value does: what b
has by chance is in both, and ``null_spread`` is how far a perfect generator may lie from
``null``. The samples x must have as many events as a, since most statistics fall with
their number; :func:`pieces` cuts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from objectives.samples import Sample
from objectives.showers import Rows
from search_spaces.errors import DataError

Array64 = NDArray[np.float64]

#: Parts of the jackknife, and the fewest events that are worth a number.
PARTS, MIN_EVENTS = 8, 20
#: Most samples of the full simulation that a null is made of.
MAX_PIECES = 8
#: Seed of every choice of events.
SEED = 20_013


class Events(Protocol):
    """What has events that can be chosen from."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Rows, /) -> Self: ...


E = TypeVar("E", bound=Events)


@dataclass(frozen=True)
class Measured:
    """A number with its error and null.

    Attributes:
        value: of the generated sample against the full simulation.
        error: its standard deviation; the function that made it says from what.
        null: mean of the same number of full-simulation samples, None without any.
        null_spread: their standard deviation, None for fewer than two.
    """

    value: float
    error: float
    null: float | None = None
    null_spread: float | None = None


def measure(
    statistic: Callable[[E, E], float],
    generated: E,
    real: E,
    null: Sequence[E] = (),
    error: float | None = None,
) -> Measured:
    """A statistic with its null, and by default with the error of :func:`jackknife`."""
    value = statistic(generated, real)
    values = [statistic(x, real) for x in null]
    return Measured(
        value,
        jackknife(statistic, generated, real) if error is None else error,
        float(np.mean(values)) if values else None,
        float(np.std(values, ddof=1)) if len(values) > 1 else None,
    )


def jackknife(statistic: Callable[[E, E], float], a: E, b: E) -> float:
    """Standard deviation of T(a, b) from its values without a part of both samples.

    Efron and Stein, Ann. Statist. 9 (1981) 586: (G - 1)/G times the sum of squares. Of
    quadratic distances near their null it is up to twice too large: there the
    ``null_spread`` tells more.
    """
    left, right = _parts(len(a)), _parts(len(b))
    values = [statistic(a[left != i], b[right != i]) for i in range(PARTS)]
    return float(np.sqrt((PARTS - 1) * np.var(values)))


def pieces(sample: E, n: int) -> list[E]:
    """Disjoint samples of n events, at most ``MAX_PIECES``; none if there are fewer events."""
    order = shuffled(len(sample))
    count = min(len(sample) // max(n, 1), MAX_PIECES)
    return [sample[order[i * n : (i + 1) * n]] for i in range(count)]


def shuffled(n: int) -> NDArray[np.intp]:
    """The same random order of n events in every call: files may be sorted by energy."""
    return np.random.default_rng(SEED).permutation(n)


def check(generated: Sample, real: Sample, null: Sequence[Sample] = ()) -> None:
    """Raise :class:`DataError` unless the samples can be compared."""
    for name, sample in (("generated", generated), ("real", real), *(("null", x) for x in null)):
        if len(sample) < MIN_EVENTS:
            raise DataError(
                f"a cross-check needs at least {MIN_EVENTS} {name} events, got {len(sample)}; "
                "give more showers"
            )
        if sample.values.shape[1:] != real.values.shape[1:]:
            raise DataError(
                f"{name} events must have the {real.values.shape[1]} columns of the real ones, "
                f"got {sample.values.shape[1]}; use the same observables"
            )
        _check_events(name, sample)


def _check_events(name: str, sample: Sample) -> None:
    lost = int((~np.isfinite(sample.values).all(axis=1)).sum())
    if lost:
        raise DataError(
            f"every value of the {name} events must be finite, got {lost} events that are not; "
            "give bad events the largest pull instead"
        )
    energy, theta = sample.conditions.energy, sample.conditions.theta
    lost = int((~((energy > 0) & (energy < np.inf) & np.isfinite(theta))).sum())
    if lost:
        raise DataError(
            f"the {name} events must have an energy > 0 GeV and a finite theta, got {lost} events "
            "that do not; put bad events at conditions of the reference"
        )


def _parts(n: int) -> NDArray[np.intp]:
    part = np.empty(n, dtype=np.intp)
    part[shuffled(n)] = np.arange(n) % PARTS
    return part
