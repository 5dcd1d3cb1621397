"""Parametrised electromagnetic showers, after Grindhammer and Peters, hep-ex/0001020.

Fast, and not a full simulation: its output is labelled as parametrised wherever it goes.

Notation:

    E, Ec    energy of the shower [GeV], critical energy [MeV];  y = E/Ec
    Z        effective atomic number
    t        depth along the axis                                  [radiation lengths]
    T, a     depth of the maximum, shape: dE/dt ~ (bt)^(a-1) exp(-bt), b = (a-1)/T
    tau      t scaled by the mean depth of the shower
    RC, RT   radii of core and tail;  p: share of the core         [Moliere radii]
    F_S, e   layers per radiation length, e/mip: corrections of a sampling calorimeter
    c        stochastic term of the sampling                       [sqrt(GeV)]

The energy of a layer is that of the smooth profile, fluctuated by the sampling, and falls on its
cells in spots. A gap enters through its mass only, so that showers in wide gaps of air are too
narrow. Photons convert into a pair, which shares their energy evenly, after 9/7 radiation lengths
on average.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from search_spaces.geometry import Geometry
from workers.simulation.detector import PIVOT, Detector
from workers.simulation.medium import Medium, medium
from workers.simulation.primaries import Primary

Array = NDArray[np.float32]
Array64 = NDArray[np.float64]

#: Particles that have a parametrisation.
PARTICLES = ("e-", "e+", "gamma")
#: Mean depth at which a photon converts [radiation lengths].
CONVERSION = 9 / 7
#: Below this ln y the paper's fluctuations are not defined.
MIN_LOG_Y = 3.0
#: Below this energy [GeV] the radial profile is that at this energy.
MIN_ENERGY = 0.1
#: Depth of the maximum and shape are kept above these, where a profile still has a maximum.
MIN_MAXIMUM, MIN_SHAPE = 0.5, 1.1


@dataclass(frozen=True)
class Profile:
    """Longitudinal profile of one shower: maximum T, shape a, and the scale of tau."""

    maximum: float
    shape: float
    scale: float

    def inside(self, depths: Array64, maximum: float = 1.0, shape: float = 1.0) -> Array64:
        """Share of the energy between depths (n + 1,), with T and a scaled; (n,)."""
        a, t = self.shape * shape, self.maximum * maximum
        shares: Array64 = np.diff(gammainc(a, (a - 1) / t * np.maximum(depths, 0.0)))
        return shares


class GFlashEngine:
    """Showers of one calorimeter.

    Args:
        geometry: of the showers.

    Raises:
        GeometryError: it cannot be simulated.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.detector = Detector.of(geometry)
        self.medium = medium(geometry)
        self.tuning = geometry.gflash
        layers = self.detector.cells.shape[2]
        pitch = self.detector.cells.pitch[2]
        self._fronts = pitch * np.arange(layers + 1)
        # Of several merged layers the mean sensor stands in their middle.
        sensor = self.detector.sensor
        inside = sensor.front_mm + 0.5 * sensor.mm
        inside += 0.5 * (self.detector.merged - 1) * self.detector.layer_mm
        self._sensors = self._fronts[:-1] + inside

    def simulate(self, primaries: Iterable[Primary]) -> Iterator[tuple[Array, float]]:
        """Cells (x, y, z) [GeV] in sensors and CPU seconds of each shower."""
        for primary in primaries:
            began = time.process_time()
            cells = self.shower(primary)
            yield cells, time.process_time() - began

    def shower(self, primary: Primary) -> Array:
        """Cells (x, y, z) [GeV] of one shower; depends on the primary and its stream alone."""
        cells = np.zeros(math.prod(self.detector.cells.shape))
        if primary.particle != "gamma":
            self._deposit(cells, primary, primary.energy, 0.0)
        else:
            start = CONVERSION * primary.rng.standard_exponential()
            share = primary.rng.random()
            for energy in (share * primary.energy, (1 - share) * primary.energy):
                self._deposit(cells, primary, energy, start)
        return cells.reshape(self.detector.cells.shape).astype(np.float32)

    def _deposit(self, cells: Array64, primary: Primary, energy: float, start: float) -> None:
        """Add the shower of an electron that begins at a depth [radiation lengths]."""
        rng, medium, tuning = primary.rng, self.medium, self.tuning
        profile = profile_of(energy, medium, rng)
        along = math.hypot(1.0, primary.slope)
        depths = np.asarray(self._fronts * (along / medium.radiation_mm) - start)
        seen = energy * profile.inside(depths)
        if medium.sampling_term:
            variance = medium.sampling_term**2
            seen = rng.gamma(np.maximum(seen, 1e-12) / variance, variance)
        spots = tuning.spot_scale * spots_of(energy, medium, profile, depths)
        n = np.where(seen > 0, np.maximum(spots.astype(np.int64), 1), 0)
        middles = np.maximum(0.5 * (depths[1:] + depths[:-1]), 0.0)
        radii = _Radii.of(energy, medium, profile.scale * middles)
        layer = np.repeat(np.arange(len(n)), n)
        across, along_y = radii.draw(layer, rng)
        mm = tuning.radial_scale * medium.moliere_mm
        x = primary.x + mm * across
        # A cylinder about the tilted axis, cut by the plane of a layer, is longer along y.
        y = primary.y + mm * along * along_y
        y += primary.slope * (self._sensors - PIVOT * self.detector.depth_mm)[layer]
        weights = medium.sampling_fraction * seen / np.maximum(n, 1)
        self._fill(cells, x, y, layer, weights[layer])

    def _fill(
        self, cells: Array64, x: Array64, y: Array64, layer: NDArray[np.int64], energy: Array64
    ) -> None:
        (nx, ny, nz), (px, py, _) = self.detector.cells.shape, self.detector.cells.pitch
        ix = np.floor(x / px + 0.5 * nx).astype(np.int64)
        iy = np.floor(y / py + 0.5 * ny).astype(np.int64)
        hit = (ix >= 0) & (ix < nx) & (iy >= 0) & (iy < ny)
        places = ((ix * ny + iy) * nz + layer)[hit]
        cells += np.bincount(places, energy[hit], minlength=len(cells))


def profile_of(energy: float, medium: Medium, rng: np.random.Generator | None) -> Profile:
    """The profile of one shower; the mean one where there is no random generator.

    Args:
        energy: of the electron [GeV].
        medium: of the calorimeter.
        rng: for the correlated fluctuations of ln T and ln a.
    """
    log_y = max(math.log(1e3 * energy / medium.critical_mev), MIN_LOG_Y)
    maximum = log_y - 0.812 + medium.maximum_shift
    shape = 0.81 + (0.458 + 2.26 / medium.z) * log_y
    if medium.homogeneous:
        spread_t, spread_a = 1 / (-1.4 + 1.26 * log_y), 1 / (-0.58 + 0.86 * log_y)
        correlation = 0.705 - 0.023 * log_y
    else:
        maximum -= 0.55 / medium.frequency + 0.69 * (1 - medium.e_over_mip)
        shape -= 0.476 / medium.frequency
        spread_t, spread_a = 1 / (-2.5 + 1.25 * log_y), 1 / (-0.82 + 0.79 * log_y)
        correlation = 0.784 - 0.023 * log_y
    maximum, shape = max(maximum, MIN_MAXIMUM), max(shape, MIN_SHAPE)
    mean_shape = shape
    if rng is not None:
        g1, g2 = rng.standard_normal(2)
        both, apart = math.sqrt((1 + correlation) / 2) * g1, math.sqrt((1 - correlation) / 2) * g2
        maximum = max(maximum * math.exp(spread_t * (both + apart)), MIN_MAXIMUM)
        shape = max(shape * math.exp(spread_a * (both - apart)), MIN_SHAPE)
    scale = (shape - 1) / (shape * maximum) * mean_shape / (mean_shape - 1)
    return Profile(maximum, shape, scale)


def spots_of(energy: float, medium: Medium, profile: Profile, depths: Array64) -> Array64:
    """Mean number of energy spots between depths (n + 1,) [radiation lengths]; (n,)."""
    if medium.homogeneous:
        total = 93 * math.log(medium.z) * energy**0.876
        inside = profile.inside(depths, 0.698 + 0.00212 * medium.z, 0.639 + 0.00334 * medium.z)
    else:
        total = 10.3 / medium.sampling_term * energy**0.959
        inside = profile.inside(depths, 0.813 + 0.0019 * medium.z, 0.844 + 0.0026 * medium.z)
    spots: Array64 = total * inside
    return spots


@dataclass(frozen=True, eq=False)
class _Radii:
    """Radial profile of each layer: core, tail and the share of the core (n,)."""

    core: Array64
    tail: Array64
    share: Array64

    @classmethod
    def of(cls, energy: float, medium: Medium, tau: Array64) -> _Radii:
        z, log_e = medium.z, math.log(max(energy, MIN_ENERGY))
        core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * z) * tau
        tail = np.exp(-2.59 * (tau - 0.645)) + np.exp((0.3585 + 0.0421 * log_e) * (tau - 0.645))
        tail *= 0.659 - 0.00309 * z
        q = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_e)
        share = (2.632 - 0.00094 * z) * np.exp(q - np.exp(q))
        if not medium.homogeneous:
            f, lost = medium.frequency, 1 - medium.e_over_mip
            core += 0.0397 / f * np.exp(-tau) - 0.0203 * lost
            tail -= 0.14 * lost + 0.495 / f * np.exp(-tau)
            share += lost * (0.348 - 0.642 / f * np.exp(-((tau - 1) ** 2)))
        return cls(np.maximum(core, 1e-3), np.maximum(tail, 1e-3), np.clip(share, 0, 1))

    def draw(self, layer: NDArray[np.int64], rng: np.random.Generator) -> tuple[Array64, Array64]:
        """Points about the axis, in Moliere radii: across the tilt and along it."""
        which, u, turn = rng.random((3, len(layer)))
        radius = np.where(which < self.share[layer], self.core[layer], self.tail[layer])
        radius *= np.sqrt(u / (1 - u))
        return radius * np.sin(2 * math.pi * turn), radius * np.cos(2 * math.pi * turn)
