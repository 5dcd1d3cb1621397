"""Named observables of each shower: the features that the objective compares.

Notation:

    I[t, l]   energy of the cell in transverse column t and layer l     [GeV]
    E_l       energy of layer l, sum_t I[t, l]                          [GeV]
    Etot      energy of the shower, sum_l E_l                           [GeV]
    Ep, theta primary energy, angle of incidence                        [GeV], [rad]
    x, y, r   transverse coordinates, distance to the barycentre        [cells]
    z         depth, the layer index                                    [layers]

One transverse cell is the geometric mean of the pitches in x and y. Every sum
over cells is a product with the columns of a :class:`CellTable`, so that another
geometry family needs another table, not other observables.

Both sides are read out alike: negative cells and cells below the geometry's
threshold count as zero. Everything is float32, on both sides: mixing types
makes equal samples differ in the last bit, which a classifier sees.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry

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


@dataclass(frozen=True)
class CellTable:
    """Where the cells are: one row per transverse column, one per layer.

    Attributes:
        x, y: transverse coordinates (t,) [cells], about the centre of the grid.
        z: depths (l,) [layers].
        slope_unit: transverse cells per layer to mm per mm.
    """

    x: Array64
    y: Array64
    z: Array64
    slope_unit: float

    @classmethod
    def of(cls, geometry: Geometry) -> CellTable:
        """The table of a regular grid."""
        (nx, ny, nz), (px, py, pz) = geometry.shape, geometry.cells.pitch
        cell = float(np.sqrt(px * py))
        x, y = np.meshgrid(_centres(nx) * px / cell, _centres(ny) * py / cell, indexing="ij")
        return cls(x.ravel(), y.ravel(), np.arange(nz, dtype=np.float64), cell / pz)

    @cached_property
    def layer_weights(self) -> Array:
        """Rows 1 and y (2, t): what is summed over each layer."""
        return np.stack([np.ones_like(self.y), self.y]).astype(np.float32)

    @cached_property
    def thirds(self) -> Array64:
        """Membership (l, 3) of each layer in the thirds of the depth (8, 8, 9 of 25 layers)."""
        n = len(self.z)
        edges = [n // 3, 2 * n // 3]
        return np.eye(3)[np.digitize(np.arange(n), edges)]


@dataclass(frozen=True)
class Features:
    """Observables by name.

    Attributes:
        names: of the k columns.
        values: (n, k) float32; rows of bad events are zero.
        bad: (n,) whether the event counts as bad.
    """

    names: tuple[str, ...]
    values: Array
    bad: Mask

    def column(self, name: str) -> Array:
        """One observable (n,)."""
        return self.values[:, self.names.index(name)]


def feature_names(geometry: Geometry) -> tuple[str, ...]:
    """Names of the columns of :func:`features`, in order."""
    layers = tuple(f"layer_{i}" for i in range(geometry.shape[2]))
    return CORE + layers + tuple(f"spectrum_{i}" for i in SPECTRUM)


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
    flat = cells.reshape(len(cells), -1)
    if flat.shape[1] == 0:
        return np.ones(len(cells), dtype=np.bool_)
    with np.errstate(invalid="ignore"):  # NaN fails every comparison, which is the point
        lowest, highest = flat.min(axis=1), flat.max(axis=1)
        bad: Mask = ~((lowest >= -eps) & (highest > 0) & (highest < np.inf))
    return bad


def features(showers: Showers, geometry: Geometry) -> Features:
    """All observables of all showers.

    Args:
        showers: n showers; their cells may hold anything.
        geometry: of the showers; its threshold is applied.

    Returns:
        n rows: 18 core observables, log10 of the layers' shares of Ep, and the number
        of cells in powers of two of energy.

    Raises:
        DataError: if the grid is not the geometry's.
    """
    if showers.cells.shape[1:] != geometry.shape:
        raise DataError(
            f"cells must be {list(geometry.shape)} for geometry {geometry.name!r}, got "
            f"{list(showers.cells.shape[1:])}; generate for the reference's geometry"
        )
    table, names = CellTable.of(geometry), feature_names(geometry)
    step = max(1, CHUNK_CELLS // int(np.prod(geometry.shape)))
    values = np.zeros((len(showers), len(names)), dtype=np.float32)
    bad = np.ones(len(showers), dtype=np.bool_)
    for start in range(0, len(showers), step):
        rows = slice(start, start + step)
        values[rows], bad[rows] = _chunk(showers[rows], geometry, table)
    return Features(names, values, bad)


def _centres(n: int) -> Array64:
    return np.arange(n, dtype=np.float64) - 0.5 * (n - 1)


def _chunk(showers: Showers, geometry: Geometry, table: CellTable) -> tuple[Array, Mask]:
    """Features and bad mask of a few showers."""
    n, threshold = len(showers), geometry.threshold
    cells = np.asarray(showers.cells, dtype=np.float32)
    bad = bad_events(cells, threshold)
    with np.errstate(all="ignore"):  # what overflows is marked as bad below
        keep = cells >= max(threshold, float(np.finfo(np.float32).tiny))
        keep[bad] = False
        cells = np.where(keep, cells, np.float32(0)).reshape(n, len(table.x), len(table.z))
        shape = _shapes(cells, table)
        columns = [*shape[:-1], *_counts(cells, threshold), shape[-1]]
        rows = _assemble(columns, np.float64(1) * showers.energy, np.float64(1) * showers.theta)
        values = rows.astype(np.float32)
    bad |= ~np.isfinite(values).all(axis=1) | (shape[0][:, 0] <= 0)
    values[bad] = 0.0
    return values, bad


def _shapes(cells: Array, table: CellTable) -> list[Array64]:
    """Etot, moments, radial shares, thirds, layer energies and slope of (n, t, l) cells."""
    sums = np.matmul(table.layer_weights, cells).astype(np.float64)  # (n, 2, l)
    layers, y_layers = sums[:, 0], sums[:, 1]
    total = layers.sum(axis=1, keepdims=True)
    column = cells.sum(axis=2).astype(np.float64) / total  # (n, t): shares of Etot
    mx, my = column @ table.x[:, None], column @ table.y[:, None]
    dx2, dy2 = (table.x - mx) ** 2, (table.y - my) ** 2
    sx2, sy2 = _mean(column, dx2), _mean(column, dy2)
    r = np.sqrt(dx2 + dy2)
    mz = layers @ table.z[:, None] / total
    dz = table.z - mz
    sz2 = _mean(layers / total, dz**2)
    # Energy-weighted least squares through the layers' barycentres; one layer has no slope.
    slope = table.slope_unit * _mean(y_layers / total, dz) / np.maximum(sz2, 1e-12)
    radial = [_mean(column, r), np.sqrt(sx2 + sy2)]
    shares = [_mean(column, r < CORE_RADIUS), _mean(column, r > HALO_RADIUS)]
    thirds = (layers / total) @ table.thirds
    widths = [np.sqrt(sx2), np.sqrt(sy2), np.sqrt(sz2)]
    return [total, mx, my, mz, *widths, *radial, *shares, thirds, layers, slope]


def _mean(weights: Array64, values: Array64 | Mask) -> Array64:
    """Row-wise sum of weights x values, as a column (n, 1)."""
    return np.asarray(np.einsum("ij,ij->i", weights, values)[:, None], dtype=np.float64)


def _counts(cells: Array, threshold: float) -> list[Array64]:
    """Hits above both thresholds, hottest cell [GeV], cells per power of two, of (n, t, l)."""
    n = len(cells)
    flat = cells.reshape(n, -1)
    filled = np.flatnonzero(flat)
    event, energy = filled // flat.shape[1], flat.ravel()[filled]
    high = HIGH_THRESHOLD * (threshold or DEFAULT_THRESHOLD)
    hits = np.bincount(event, minlength=n)
    hits_high = np.bincount(event[energy >= high], minlength=n)
    # A float32's biased exponent is its power of two; the low bins are not of interest.
    bins = (energy.view(np.int32) >> 23) - 127 - SPECTRUM[0]
    inside = bins >= 0
    index = event[inside] * len(SPECTRUM) + np.minimum(bins[inside], len(SPECTRUM) - 1)
    spectrum = np.bincount(index, minlength=n * len(SPECTRUM)).reshape(n, -1)
    hottest = flat.max(axis=1, keepdims=True)
    return [
        np.asarray(c, dtype=np.float64)
        for c in (hits[:, None], hits_high[:, None], hottest, spectrum)
    ]


def _assemble(columns: list[Array64], energy: Array64, theta: Array64) -> Array64:
    """The feature matrix from sums: ratios, logarithms and the angle residual."""
    total, *moments, thirds, layers, hits, hits_high, hottest, spectrum, slope = columns
    primary = energy[:, None]
    angle = 0.5 * np.pi - np.arctan(slope) - theta[:, None]
    shares = np.log10(layers / primary + SHARE_FLOOR)
    core = [total / primary, *moments, thirds, hits, hits_high, hottest / total, angle]
    return np.concatenate([*core, shares, spectrum], axis=1)
