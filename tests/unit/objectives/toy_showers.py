"""A parametrised toy calorimeter whose showers are known: what the laws of S are tested on.

Longitudinal shape: the homogeneous parametrisation of Grindhammer and Peters,
hep-ex/0001020, with correlated fluctuations of ln T and ln alpha. Radial shape: a core and
a tail, each R^2/(pi (r^2 + R^2)^2), integrated exactly over square cells. Cells
fluctuate by a Poisson number of crossings of 0.15 MeV. Numpy and scipy only.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from objectives.showers import Conditions, Showers
from search_spaces.geometry import Cells, Cylinder, Geometry

Array64 = NDArray[np.float64]

Z, CRITICAL_GEV = 74, 8e-3
CELL_MM, LAYER_MM, LAYER_X0, MOLIERE_MM = 5.1, 8.0, 0.85, 14.0
CROSSING_GEV, SHAPE = 1.5e-4, 1.5
VISIBLE, STOCHASTIC, CONSTANT = 0.02, 0.12, 0.008


def geometry(n: int = 25, layers: int = 25, angle: bool = True) -> Geometry:
    return Geometry(
        name="toy",
        cells=Cells((n, n, layers), (CELL_MM, CELL_MM, LAYER_MM)),
        energy=(10.0, 500.0),
        theta=(60.0, 120.0) if angle else (90.0, 90.0),
    )


def rings(angle: bool = False) -> Geometry:
    """A cylinder for the 12 x 12 x 12 toy: full rings in front and behind, sectors between."""
    fine, coarse = (0.0, 6.0, 12.0, 18.0, 24.0, 44.0), (0.0, 12.0, 44.0)
    layers = [coarse, *[fine] * 10, coarse]
    cells = Cylinder(tuple(layers), (1, *[8] * 10, 1), LAYER_MM)
    return replace(geometry(12, 12, angle), cells=cells)


def rebinned(showers: Showers, grid: Geometry, cylinder: Geometry) -> Showers:
    """Showers of a grid in the cells of a cylinder that hold the grid cells' middles."""
    x, y = (0.5 * (e[1:] + e[:-1]) for e in (grid.edges(0), grid.edges(1)))
    radius, alpha = np.hypot(x[:, None], y), np.arctan2(y, x[:, None])
    cells = np.zeros((len(showers), *cylinder.shape), dtype=np.float32)
    for layer in range(grid.shape[2]):
        r, a = (np.digitize(v, cylinder.edges(i, layer)) - 1 for i, v in enumerate((radius, alpha)))
        for i, j in np.ndindex(r.shape):
            if r[i, j] < len(cylinder.edges(0, layer)) - 1:
                cells[:, r[i, j], a[i, j], layer] += showers.cells[:, i, j, layer]
    return Showers(cells, showers.conditions)


def showers(n: int, seed: int, calorimeter: Geometry) -> Showers:
    """n independent showers, uniform in the calorimeter's conditions."""
    rng = np.random.default_rng(seed)
    energy = rng.uniform(*calorimeter.energy, n)
    theta = rng.uniform(*calorimeter.theta_rad, n)
    return at(Conditions.of(energy, theta), rng, calorimeter)


def at(conditions: Conditions, rng: np.random.Generator, calorimeter: Geometry) -> Showers:
    """One shower for each condition."""
    pairs = zip(conditions.energy, conditions.theta, strict=True)
    cells = np.empty((len(conditions), *calorimeter.shape), dtype=np.float32)
    for i, (energy, theta) in enumerate(pairs):
        cells[i] = _shower(float(energy), float(theta), rng, calorimeter)
    return Showers(cells, conditions)


def _shower(energy: float, theta: float, rng: np.random.Generator, calorimeter: Geometry):
    log_y, g = np.log(energy / CRITICAL_GEV), rng.standard_normal(6)
    profile, tau = _longitudinal(log_y, theta, g[:2], calorimeter.shape[2])
    cot, depth = 1 / np.tan(theta), np.arange(len(profile))
    entry = 0.15 * rng.standard_normal(2) * CELL_MM
    mean_depth = (depth * profile).sum() / profile.sum()
    axis = entry[1] + 0.45 * LAYER_MM * (depth - mean_depth) * cot
    shares = _transverse(log_y, tau, g[2:4], entry[0], axis, calorimeter)
    spread = np.hypot(STOCHASTIC / np.sqrt(energy), CONSTANT)
    total = VISIBLE * energy * (1 + spread * g[4])
    mean = total * shares * profile
    crossings = rng.poisson(mean / CROSSING_GEV)
    return rng.standard_gamma(SHAPE * crossings) * CROSSING_GEV / SHAPE


def _longitudinal(log_y: float, theta: float, g: Array64, layers: int):
    """Share of the energy in each layer, and tau = t/T of the layers' centres."""
    t_mean, a_mean = log_y - 0.812, 0.81 + (0.458 + 2.26 / Z) * log_y
    t_sd, a_sd = 1 / (-1.4 + 1.26 * log_y), 1 / (-0.58 + 0.86 * log_y)
    rho = 0.705 - 0.023 * log_y
    same, opposite = np.sqrt((1 + rho) / 2) * g[0], np.sqrt((1 - rho) / 2) * g[1]
    t_max = t_mean * np.exp(t_sd * (same + opposite))
    alpha = max(a_mean * np.exp(a_sd * (same - opposite)), 1.2)
    edges = np.arange(layers + 1) * LAYER_X0 / np.sin(theta)
    profile = np.diff(gammainc(alpha, (alpha - 1) / t_max * edges))
    return profile, 0.5 * (edges[1:] + edges[:-1]) / t_max


def _transverse(log_y: float, tau, g: Array64, x0: float, y0, calorimeter: Geometry):
    """Share (x, y, z) of each layer's energy in each cell."""
    late = np.minimum(tau, 4.0) - 0.9
    core = 1.2 * (0.0251 + 0.0026 * log_y + 0.15 * tau)
    tail = np.minimum(0.66 * (0.2 * np.exp(-2.6 * late) + np.exp(0.45 * late)), 4.0)
    q = (0.83 - tau) / 0.5
    p = np.clip(2.6 * np.exp(q - np.exp(q)), 0.15, 0.95) * (1 + 0.06 * g[1])
    p = np.clip(p, 0.0, 1.0)
    radii = np.stack([core, tail]) * MOLIERE_MM * np.exp(0.06 * g[0])
    x = (calorimeter.edges(0) - x0).astype(np.float32)
    y = (calorimeter.edges(1)[:, None] - y0).astype(np.float32)
    corners = _corner(
        x[None, :, None, None], y[None, None], radii.astype(np.float32)[:, None, None]
    )
    # Far from the axis single precision leaves differences a little below zero.
    both = np.maximum(np.diff(np.diff(corners, axis=1), axis=2), 0.0)
    return p * both[0] + (1 - p) * both[1]


def _corner(x, y, radius):
    """Integral of R^2/(pi (r^2 + R^2)^2) over the quadrant between 0 and (x, y)."""
    a, b = np.sqrt(x**2 + radius**2), np.sqrt(y**2 + radius**2)
    return (x / a * np.arctan(y / a) + y / b * np.arctan(x / b)) / (2 * np.pi)
