"""What plots need of the cells of a sample, accumulated block by block.

Notation:

    I[x, y, z]  energy of a cell                                        [GeV]
    Ep          primary energy                                          [GeV]
    p_i         sum of I/Ep over the other two axes, at index i of one axis
    h_b         number of cells of a shower in bin b of energy

Everything is a sum over showers, so that views of blocks add up to the view of the
file, and the memory does not grow with it. Energies are taken per Ep: samples whose
primary energies differ a little still compare. Cells are read out as for the
observables: below the geometry's threshold they count as zero. Bad showers are
counted, and enter nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from objectives.crosschecks.profiles import Profiles
from objectives.observables import Features, bad_events, chunks, filled_cells
from objectives.showers import Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]

#: Powers of two [GeV] that bound the cell spectrum; the outer bins are open.
SPECTRUM_POWERS = (-20, 4)
#: Bins per power of two, of equal width in energy: what the first bits of a mantissa give.
SPECTRUM_STEPS = 2


@dataclass(frozen=True, eq=False)
class View:
    """Sums over the showers of a sample.

    Attributes:
        events: number of good showers.
        not_finite, negative, empty: number of bad showers of each kind.
        cells: sum of I/Ep of each cell (x, y, z).
        hits: number of showers with energy in each cell (x, y, z).
        profiles: for each axis the sums of p_i and of its square (2, n).
        spectrum: sums of h_b and of its square (2, b).
    """

    events: int
    not_finite: int
    negative: int
    empty: int
    cells: Array64
    hits: NDArray[np.int64]
    profiles: tuple[Array64, Array64, Array64]
    spectrum: Array64

    def __add__(self, other: View) -> View:
        profiles = tuple(a + b for a, b in zip(self.profiles, other.profiles, strict=True))
        sums = {
            f.name: getattr(self, f.name) + getattr(other, f.name)
            for f in fields(self)
            if f.name != "profiles"
        }
        return View(**sums, profiles=profiles)  # type: ignore[arg-type]

    @property
    def bad(self) -> int:
        """Number of bad showers."""
        return self.not_finite + self.negative + self.empty

    def profile(self, axis: int) -> tuple[Array64, Array64]:
        """Mean share of the primary energy at each index of one axis, and its error."""
        return _mean(self.profiles[axis], self.events)

    def spectrum_per_shower(self) -> tuple[Array64, Array64]:
        """Mean number of cells per shower in each bin of energy, and its error."""
        return _mean(self.spectrum, self.events)

    def projection(self, axis: int) -> Array64:
        """Mean share of the primary energy, summed along one axis: the other two remain."""
        return np.asarray(self.cells.sum(axis=axis) / max(self.events, 1), dtype=np.float64)

    def projected_hits(self, axis: int) -> NDArray[np.int64]:
        """Number of hits, summed along one axis: what a projection's precision rests on."""
        return np.asarray(self.hits.sum(axis=axis), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Observed:
    """What one pass over a sample leaves of each shower: some hundred bytes.

    Attributes:
        features: of each shower, with its conditions.
        profiles: of each shower, for the historic scores.
    """

    features: Features
    profiles: Profiles

    @classmethod
    def joined(cls, parts: Sequence[Observed]) -> Observed:
        """Of all showers of at least one part."""
        features = Features.joined([p.features for p in parts])
        return cls(features, Profiles.joined([p.profiles for p in parts]))

    def __len__(self) -> int:
        return len(self.features.bad)


def observe(
    blocks: Iterable[Showers], geometry: Geometry, features: Callable[[Showers], Features]
) -> tuple[Observed, View]:
    """What is kept of each shower, and the view, of a sample that comes in blocks.

    Args:
        blocks: at least one, of showers whose cells may hold anything.
        geometry: of all of them.
        features: of a block, such as :meth:`objectives.reference.Reference.features`.

    Raises:
        DataError: if there are no blocks, or the grid is not the geometry's.
    """
    parts, total = [], None
    for block in blocks:
        parts.append(Observed(features(block), Profiles.of(block, geometry)))
        total = view(block, geometry) if total is None else total + view(block, geometry)
    if total is None:
        raise DataError("a sample needs at least 1 shower, got 0; give a file with showers")
    return Observed.joined(parts), total


def view(showers: Showers, geometry: Geometry) -> View:
    """The view of showers whose cells may hold anything.

    Raises:
        DataError: if the grid is not the geometry's.
    """
    showers.check_grid(geometry, "choose the geometry of these showers")
    parts = [_chunk(showers[rows], geometry) for rows in chunks(showers)]
    return reduce(add, parts) if parts else _chunk(showers, geometry)


def spectrum_edges() -> Array64:
    """Edges (b + 1,) of the cell spectrum [GeV]."""
    low, high = SPECTRUM_POWERS
    steps = np.arange(SPECTRUM_STEPS) / SPECTRUM_STEPS
    powers = 2.0 ** np.arange(low, high)
    return np.append((powers[:, None] * (1 + steps)).ravel(), 2.0**high)


def _mean(sums: Array64, n: int) -> tuple[Array64, Array64]:
    """Means and their errors from sums and sums of squares (2, k) over n showers."""
    mean, square = sums / max(n, 1)
    variance = np.maximum(square - mean**2, 0.0)
    return mean, np.sqrt(variance / max(n - 1, 1))


def _chunk(showers: Showers, geometry: Geometry) -> View:
    cells = np.asarray(showers.cells, dtype=np.float32)
    hit = filled_cells(cells, geometry)
    kinds = _bad_kinds(cells, hit, showers.conditions.usable, geometry.threshold)
    good = ~np.any(kinds, axis=0)
    hit[~good] = False
    filled = np.flatnonzero(hit)
    event, place = np.divmod(filled, max(int(np.prod(geometry.shape)), 1))
    values, n = cells.ravel()[filled], len(cells)
    x, y, z = np.unravel_index(place, geometry.shape)
    share = values / showers.energy.astype(np.float64)[event]
    return View(
        events=int(good.sum()),
        not_finite=int(kinds[0].sum()),
        negative=int(kinds[1].sum()),
        empty=int(kinds[2].sum()),
        cells=_sums(place, geometry.shape, share),
        hits=_sums(place, geometry.shape).astype(np.int64),
        profiles=(
            _moments(event, x, share, n, geometry.shape[0]),
            _moments(event, y, share, n, geometry.shape[1]),
            _moments(event, z, share, n, geometry.shape[2]),
        ),
        spectrum=_moments(event, _spectrum_bins(values), None, n, len(spectrum_edges()) - 1),
    )


def _bad_kinds(cells: Array, hit: Mask, known: Mask, threshold: float) -> tuple[Mask, Mask, Mask]:
    """Which showers are not finite, negative or empty (n,); each counts as one kind only.

    Unusable conditions, where ``known`` is false, count as not finite.
    """
    bad = bad_events(cells, threshold) | ~known | ~hit.any(axis=(1, 2, 3))
    not_finite, negative = np.zeros((2, len(cells)), dtype=np.bool_)
    rows = np.flatnonzero(bad)
    finite = np.isfinite(cells[rows]).all(axis=(1, 2, 3)) & known[rows]
    not_finite[rows] = ~finite
    negative[rows] = finite & (cells[rows] < -threshold).any(axis=(1, 2, 3))
    return not_finite, negative, bad & ~not_finite & ~negative


def _sums(place: Index, shape: tuple[int, int, int], weights: Array64 | None = None) -> Array64:
    """Sum of the weights, or the number, of the hits in each cell (x, y, z)."""
    size = int(np.prod(shape))
    return np.bincount(place, weights, minlength=size).astype(np.float64).reshape(shape)


def _moments(event: Index, bins: Index, weights: Array64 | None, n: int, size: int) -> Array64:
    """Sums over n showers of each shower's weight in a bin, and of its square: (2, size)."""
    flat = np.bincount(event * size + bins, weights, minlength=n * size)
    each = flat.reshape(n, size).astype(np.float64)
    return np.stack([each.sum(axis=0), (each**2).sum(axis=0)])


def _spectrum_bins(values: Array) -> Index:
    """Bin of each hit: the exponent and the first mantissa bit of a float32."""
    low, _ = SPECTRUM_POWERS
    index = (values.view(np.int32) >> 22) - SPECTRUM_STEPS * (127 + low)
    return np.asarray(np.clip(index, 0, len(spectrum_edges()) - 2), dtype=np.intp)
