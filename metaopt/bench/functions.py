"""Hartmann's function in six dimensions, and a mixed space laid over it.

f(x) = - sum_i alpha_i exp(- sum_j A_ij (x_j - P_ij)^2) on [0, 1]^6, with six local minima
and the global one f* = -3.32237 (Dixon and Szegoe, Towards Global Optimisation 2, 1978;
the constants as in Picheny et al., Struct. Multidiscip. Optim. 48 (2013) 607). The score
here is f - f*, the regret: 0 at best, 3.32 at worst.
"""

from __future__ import annotations

import math

import numpy as np

from metaopt.bench.synthetic import Response, Synthetic
from search_spaces.parameters import Categorical, Float, Int, Point
from search_spaces.space import Array, SearchSpace

ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
A = np.array(
    [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ]
)
P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
MINIMUM = -3.32237


def hartmann(x: Array) -> float:
    """The regret f(x) - f* of a point x in [0, 1]^6."""
    inner = (A * (x - P) ** 2).sum(axis=1)
    return float(-(ALPHA * np.exp(-inner)).sum() - MINIMUM)


CUBE = SearchSpace(
    "hartmann6", "toy", "default", tuple(Float(f"x{j}", 0.0, 1.0) for j in range(1, 7))
)

MIXED = SearchSpace(
    "hartmann-mixed",
    "toy",
    "default",
    (
        Int("layers", 1, 6),
        Int("kernel", 2, 9),
        Int("filters", 1, 12),
        Float("rate", 1e-4, 1e-1, log=True),
        Float("power", 0.0, 1.0),
        Float("dropout", 0.0, 1.0),
        Categorical("activation", ("relu", "elu", "tanh")),
    ),
)
#: Each activation shifts one axis, so that its best numbers are not those of another, and
#: costs something of its own.
SHIFTS = {"relu": (3, 0.0, 0.0), "elu": (3, 0.15, 0.1), "tanh": (4, -0.1, 0.3)}


def cube_response(point: Point) -> Response:
    """Hartmann's function; an epoch takes 5 to 20 seconds."""
    x = np.array([float(point[name]) for name in CUBE.names])
    return _response(hartmann(x), x)


def mixed_response(point: Point) -> Response:
    """Hartmann's function of whole numbers, a logarithm, real numbers and a choice."""
    axis, shift, cost = SHIFTS[str(point["activation"])]
    x = np.array([MIXED[name].to_unit(point[name]) for name in MIXED.names[:6]])
    x[axis] += shift
    return _response(hartmann(x) + cost, x)


def _response(score: float, x: Array) -> Response:
    # Larger networks train longer and, here, more slowly.
    size = min(max(float(x[0]), 0.0), 1.0)
    return Response(score, seconds=5.0 * math.exp(1.4 * size), pace=0.15 + 0.3 * size)


def hartmann6(noise: float = 0.0) -> Synthetic:
    """Six real parameters."""
    return Synthetic("hartmann6", CUBE, cube_response, noise=noise)


def hartmann_mixed(noise: float = 0.0) -> Synthetic:
    """Three whole numbers, a logarithmic and two plain real ones, and a choice."""
    return Synthetic("hartmann-mixed", MIXED, mixed_response, noise=noise)
