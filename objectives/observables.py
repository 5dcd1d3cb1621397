"""Named observables of each shower: the features that the objective compares.

Notation:

    I[t, l]   energy of the cell in transverse column t and layer l     [GeV]
    E_l       energy of layer l, sum_t I[t, l]                          [GeV]
    Etot      energy of the shower, sum_l E_l                           [GeV]
    Ep, theta primary energy, angle of incidence                        [GeV], [rad]
    x, y, r   transverse coordinates, distance to the barycentre        [cells]
    z         depth, the layer index                                    [layers]

Every sum over cells is a product with the columns of a
:class:`~objectives.cell_table.CellTable`, so that another geometry has another
table, not other observables. What a geometry cannot have does not vary, and is
left out of its reference: the slope of one layer, or its thirds.

Both sides are read out alike: negative cells, cells below the geometry's threshold
and cells that a layer does not have count as zero. Everything is float32, on both
sides: mixing types makes equal samples differ in the last bit, which a classifier sees.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectives.cell_table import CellTable
from objectives.samples import Sample
from objectives.showers import Conditions, Rows, Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from search_spaces.records import suggestion
from search_spaces.threads import one_thread

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Cells that are looked at together: bounds the working memory to about 100 MB.
CHUNK_CELLS = 4_000_000
#: The two hit thresholds of a geometry without its own [GeV].
DEFAULT_THRESHOLD = 1e-6
#: The second hit threshold in units of the first.
HIGH_THRESHOLD = 100.0
CORE_RADIUS, HALO_RADIUS = 1.5, 4.0
#: Added to a layer's share of Ep before the logarithm.
SHARE_FLOOR = 1e-6
#: Lower edges of the cell spectrum, as powers of two [GeV]; the last bin is open.
SPECTRUM = tuple(range(-16, 4))

CORE = (
    "sampling_fraction",
    *("mx", "my", "mz", "sx", "sy", "sz"),
    *("r_mean", "r_rms", "core", "halo"),
    *("third_1", "third_2", "third_3"),
    *("hits", "hits_high", "hottest", "angle"),
)
#: Share of Etot in cells where no shower of the reference has energy.
UNSEEN = "unseen"


@dataclass(frozen=True, eq=False)
class Features:
    """Observables by name, of showers that need not be kept.

    Attributes:
        names: of the k columns.
        values: (n, k) float32; rows of bad events are zero.
        bad: (n,) whether the event counts as bad.
        conditions: of the n showers.
    """

    names: tuple[str, ...]
    values: Array
    bad: Mask
    conditions: Conditions

    @classmethod
    def joined(cls, parts: Sequence[Features]) -> Features:
        """The features of all showers of at least one part, all with the same names."""
        values, bad = (np.concatenate([getattr(p, n) for p in parts]) for n in ("values", "bad"))
        conditions = Conditions.joined([p.conditions for p in parts])
        return cls(parts[0].names, values, bad, conditions)

    def __getitem__(self, rows: Rows) -> Features:
        return Features(self.names, self.values[rows], self.bad[rows], self.conditions[rows])

    def sample(self, names: Sequence[str]) -> Sample:
        """Some of the features, of good and bad events."""
        columns = [self.names.index(name) for name in names]
        return Sample(self.values[:, columns], self.conditions)

    def column(self, name: str) -> Array:
        """One observable (n,).

        Raises:
            DataError: there is none of that name.
        """
        if name not in self.names:
            raise DataError(f"no observable {name!r}; {suggestion(name, self.names)}")
        return self.values[:, self.names.index(name)]


def feature_names(geometry: Geometry) -> tuple[str, ...]:
    """Names of the columns of :func:`features`, in order."""
    layers = tuple(f"layer_{i}" for i in range(geometry.shape[2]))
    return (*CORE, *layers, *(f"spectrum_{i}" for i in SPECTRUM), UNSEEN)


def observables_digest(geometry: Geometry) -> str:
    """SHA-256 of the list of observables: scores with different lists do not compare."""
    constants = (CORE_RADIUS, HALO_RADIUS, SHARE_FLOOR, HIGH_THRESHOLD, DEFAULT_THRESHOLD)
    return hashlib.sha256(repr((feature_names(geometry), constants)).encode()).hexdigest()


def bad_events(cells: Array, eps: float = DEFAULT_THRESHOLD) -> Mask:
    """Which showers are unusable: any cell not finite or below ``-eps``, or no energy at all.

    Bad events are counted, never dropped: a generator must not hide its failures.

    Args:
        cells: (n, ...) [GeV].
        eps: how far below zero a cell may be [GeV]: what the readout threshold removes anyway.

    Returns:
        Mask (n,).
    """
    flat = cells.reshape(len(cells), math.prod(cells.shape[1:]))  # -1 fails for no showers
    if flat.shape[1] == 0:
        return np.ones(len(cells), dtype=np.bool_)
    with np.errstate(invalid="ignore"):  # NaN fails every comparison, which is the point
        lowest, highest = flat.min(axis=1), flat.max(axis=1)
        bad: Mask = ~((lowest >= -eps) & (highest > 0) & (highest < np.inf))
    return bad


@one_thread
def features(showers: Showers, geometry: Geometry, unseen: Mask | None = None) -> Features:
    """All observables of all showers.

    Args:
        showers: n showers; their cells may hold anything, and may be a memory map.
        geometry: of the showers; its threshold is applied.
        unseen: cells (x, y, z) where no shower of the reference has energy; none if None.

    Returns:
        n rows: 18 core observables, log10 of the layers' shares of Ep, the number of cells in
        powers of two of energy, and the share of energy in unseen cells.

    Raises:
        DataError: if the grid is not the geometry's.
    """
    showers.check_grid(geometry)
    table, names = CellTable.of(geometry), feature_names(geometry)
    unseen = np.zeros(geometry.shape, dtype=np.bool_) if unseen is None else unseen
    values = np.zeros((len(showers), len(names)), dtype=np.float32)
    bad = np.ones(len(showers), dtype=np.bool_)
    for rows in chunks(showers):
        values[rows], bad[rows] = _chunk(showers[rows], geometry, table, unseen)
    return Features(names, values, bad, showers.conditions)


def chunks(showers: Showers) -> Iterator[slice]:
    """Slices of as many showers as are looked at together."""
    step = max(1, CHUNK_CELLS // max(1, int(np.prod(showers.cells.shape[1:]))))
    for start in range(0, len(showers), step):
        yield slice(start, start + step)


def filled_cells(cells: Array, geometry: Geometry) -> Mask:
    """Which cells (n, x, y, z) of a shower are read out: at the threshold or above."""
    lowest = max(geometry.threshold, float(np.finfo(np.float32).tiny))
    filled: Mask = cells >= lowest
    return filled if geometry.present is None else filled & geometry.present


def _chunk(
    showers: Showers, geometry: Geometry, table: CellTable, unseen: Mask
) -> tuple[Array, Mask]:
    """Features and bad mask of a few showers."""
    cells, conditions = np.asarray(showers.cells, dtype=np.float32), showers.conditions
    bad = bad_events(cells, geometry.threshold)
    with np.errstate(all="ignore"):  # what overflows is marked as bad below
        keep = filled_cells(cells, geometry)
        keep[bad] = False
        cells = np.where(keep, cells, np.float32(0)).reshape(len(cells), -1)
        shape = _shapes(cells.reshape(len(cells), -1, len(table.z)), table)
        counts = _counts(cells, keep.reshape(cells.shape), geometry.threshold)
        hidden = (cells @ unseen.reshape(-1, 1).astype(np.float32)).astype(np.float64)
        rows = _assemble([*shape, *counts, hidden], conditions)
        values = rows.astype(np.float32)
    bad |= ~np.isfinite(values).all(axis=1) | (shape[0][:, 0] <= 0)
    values[bad] = 0.0
    return values, bad


def _shapes(cells: Array, table: CellTable) -> list[Array64]:
    """Etot, slope, thirds, layer energies, moments and radial shares of (n, t, l) cells."""
    layers, y_layers = table.layer_sums(cells)
    total = layers.sum(axis=1, keepdims=True)
    layers_share = layers / total
    mz = layers_share @ table.z[:, None]
    sz2 = _mean(layers_share, (table.z - mz) ** 2)
    depth = table.depth - layers_share @ table.depth[:, None]
    # Energy-weighted least squares through the layers' barycentres; one layer has no slope.
    slope = _mean(y_layers / total, depth) / np.maximum(_mean(layers_share, depth**2), 1e-12)
    column, (x, y, v) = table.columns(cells) / total, table.places
    mx, my = column @ x[:, None], column @ y[:, None]
    dx2, dy2 = (x - mx) ** 2 + v, (y - my) ** 2 + v
    sx2, sy2 = _mean(column, dx2), _mean(column, dy2)
    r = np.sqrt(dx2 + dy2)
    moments = [mx, my, mz, np.sqrt(sx2), np.sqrt(sy2), np.sqrt(sz2)]
    radial = [_mean(column, r), np.sqrt(sx2 + sy2)]
    shares = [_mean(column, r < CORE_RADIUS), _mean(column, r > HALO_RADIUS)]
    return [total, slope, layers_share @ table.thirds, layers, *moments, *radial, *shares]


def _mean(weights: Array64, values: Array64 | Mask) -> Array64:
    """Row-wise sum of weights x values, as a column (n, 1)."""
    return np.asarray(np.einsum("ij,ij->i", weights, values)[:, None], dtype=np.float64)


def _counts(cells: Array, filled: Mask, threshold: float) -> list[Array64]:
    """Hits above both thresholds, hottest cell [GeV], cells per power of two, of (n, c) cells."""
    n = len(cells)
    place = np.flatnonzero(filled)
    event, energy = place // cells.shape[1], cells.ravel()[place]
    high = HIGH_THRESHOLD * (threshold or DEFAULT_THRESHOLD)
    hits = np.bincount(event, minlength=n)
    hits_high = np.bincount(event[energy >= high], minlength=n)
    # A float32's biased exponent is its power of two; the low bins are not of interest.
    bins = (energy.view(np.int32) >> 23) - 127 - SPECTRUM[0]
    inside = bins >= 0
    index = event[inside] * len(SPECTRUM) + np.minimum(bins[inside], len(SPECTRUM) - 1)
    spectrum = np.bincount(index, minlength=n * len(SPECTRUM)).reshape(n, -1)
    hottest = cells.max(axis=1, keepdims=True)
    return [
        np.asarray(c, dtype=np.float64)
        for c in (hits[:, None], hits_high[:, None], hottest, spectrum)
    ]


def _assemble(columns: list[Array64], conditions: Conditions) -> Array64:
    """The feature matrix from sums: ratios, logarithms and the angle residual."""
    total, slope, thirds, layers, *moments, hits, hits_high, hottest, spectrum, hidden = columns
    primary = conditions.energy.astype(np.float64)[:, None]
    angle = 0.5 * np.pi - np.arctan(slope) - conditions.theta.astype(np.float64)[:, None]
    if layers.shape[1] == 1:
        angle = np.zeros_like(angle)  # no slope: a constant, which references leave out
    shares = np.log10(layers / primary + SHARE_FLOOR)
    core = [total / primary, *moments, thirds, hits, hits_high, hottest / total, angle]
    return np.concatenate([*core, shares, spectrum, hidden / total], axis=1)
