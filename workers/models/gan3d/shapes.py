"""Grid sizes after every layer, exact for any geometry, without TensorFlow.

One generator layer turns s cells of an axis into

    s' = u s + P - k + 1,        0 <= P <= 2 (k - 1)

with up-sampling u, kernel k and P zeros in total, P // 2 of them in front. The
bound makes every output cell see at least one input cell. :func:`_solve` chooses
the P of all layers so that the last size is the calorimeter's, at the least sum
of squared distances from the preferred ones: nothing is cropped, and the
published kernels on the published geometry get the published padding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from search_spaces.errors import InfeasibleError
from workers.models.gan3d.params import Axes, Layer, Params

AXES = "xyz"
#: Average pooling before the heads of the discriminator.
POOL = 2
#: Cells per axis between which the published layers make sense.
CELLS = (8, 128)

Ints = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One convolution in place: zeros in total per axis, and the grid after it."""

    layer: Layer
    channels: int
    pads: Axes
    grid: Axes


@dataclass(frozen=True)
class Plan:
    """Both networks for one geometry.

    Attributes:
        seed_grid: cells of the generator's reshaped dense layer.
        generator: hidden layers, then the last one.
        discriminator: its layers.
        pooled: cells after the average pooling.
    """

    seed_grid: Axes
    generator: tuple[Step, ...]
    discriminator: tuple[Step, ...]
    pooled: Axes


def plan(params: Params, shape: Axes) -> Plan:
    """Sizes of both networks for a calorimeter of ``shape`` cells.

    Raises:
        InfeasibleError: no padding gives this shape, a grid vanishes, or an axis has fewer
            than 8 or more than 128 cells.
    """
    if any(not CELLS[0] <= n <= CELLS[1] for n in shape):
        raise InfeasibleError(
            f"the networks need {CELLS[0]} to {CELLS[1]} cells along each axis, got {list(shape)}; "
            f"merge cells, or use another family"
        )
    if params.noise_size < 1:
        raise InfeasibleError(
            f"the latent vector needs room for noise beside the conditions, "
            f"got latent_size={params.generator.latent_size}; raise it"
        )
    seed, steps = _generator(params, shape)
    critic = _discriminator(params, shape)
    x, y, z = (n // POOL for n in critic[-1].grid)
    return Plan(seed, steps, critic, (x, y, z))


def before_after(pads: Axes) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Zeros (in front, behind) of each axis; the odd one is behind, as for Keras' "same"."""
    x, y, z = ((p // 2, p - p // 2) for p in pads)
    return x, y, z


def _generator(params: Params, shape: Axes) -> tuple[Axes, tuple[Step, ...]]:
    layers = (*params.generator.layers, params.generator.last)
    solved = [
        _axis(layers, axis, params.generator.seed_grid[axis], params.shape[axis], shape[axis])
        for axis in range(3)
    ]
    seed: Axes = (solved[0][0], solved[1][0], solved[2][0])
    grid, channels = seed, params.generator.seed_filters
    steps = []
    for i, layer in enumerate(layers):
        pads: Axes = (solved[0][1][i], solved[1][1][i], solved[2][1][i])
        x, y, z = (
            s * u + p - k + 1
            for s, u, p, k in zip(grid, layer.upsample, pads, layer.kernel, strict=True)
        )
        grid = (x, y, z)
        steps.append(Step(layer, channels, pads, grid))
        channels = layer.filters
    return seed, tuple(steps)


def _axis(
    layers: Sequence[Layer], axis: int, seed: int, published: int, cells: int
) -> tuple[int, Ints]:
    """Seed size and zeros per layer along one axis.

    The seed is the published one, in proportion for another geometry, or the nearest to
    it for which padding can be solved.
    """
    up = tuple(layer.upsample[axis] for layer in layers)
    kernels = tuple(layer.kernel[axis] for layer in layers)
    changes = tuple(_scaled(layer.change[axis], cells, published) for layer in layers)
    wanted = max(2, -(-seed * cells // published))
    for size in sorted(range(2, 2 * wanted + 1), key=lambda s: (abs(s - wanted), s)):
        pads = _solve(size, up, kernels, changes, cells)
        if pads is not None:
            return size, pads
    raise InfeasibleError(
        f"no padding of the generator's kernels {list(kernels)} ({AXES[axis]}) brings a seed of 2 "
        f"to {2 * wanted} cells, up-sampled {math.prod(up)} times, to {cells} cells; "
        f"give larger kernels along {AXES[axis]}"
    )


def _scaled(change: int, cells: int, published: int) -> int:
    return change if cells == published else round(change * cells / published)


@lru_cache(maxsize=4096)
def _solve(seed: int, up: Ints, kernels: Ints, changes: Ints, cells: int) -> Ints | None:
    """Zeros per layer of the cheapest way from ``seed`` to ``cells``, or None.

    Dynamic programme over layers; a state is a size, its value (cost, zeros so far).
    """
    bounds = _bounds(up, kernels, cells)
    states: dict[int, tuple[int, Ints]] = {seed: (0, ())}
    for u, k, change, (low, high) in zip(up, kernels, changes, bounds, strict=True):
        after: dict[int, tuple[int, Ints]] = {}
        for size, (cost, pads) in states.items():
            grown = u * size - k + 1
            for pad in range(max(0, low - grown), min(2 * (k - 1), high - grown) + 1):
                value = (cost + (pad - (k - 1) - change) ** 2, (*pads, pad))
                if grown + pad not in after or value < after[grown + pad]:
                    after[grown + pad] = value
        states = after
    return states[cells][1] if cells in states else None


@lru_cache(maxsize=4096)
def _bounds(up: Ints, kernels: Ints, cells: int) -> tuple[tuple[int, int], ...]:
    """Sizes after each layer from which the later layers can still reach ``cells``."""
    low = high = cells
    bounds = [(low, high)]
    for u, k in zip(up[:0:-1], kernels[:0:-1], strict=True):
        low, high = max(1, -(-(low - k + 1) // u)), (high + k - 1) // u
        bounds.append((low, high))
    return tuple(reversed(bounds))


def _discriminator(params: Params, shape: Axes) -> tuple[Step, ...]:
    grid, channels = shape, 1
    steps = []
    for number, layer in enumerate(params.discriminator.layers, start=1):
        pads = _preferred(layer, params.shape, shape)
        x, y, z = (s + p - k + 1 for s, p, k in zip(grid, pads, layer.kernel, strict=True))
        grid = (x, y, z)
        if min(grid) < POOL:
            raise InfeasibleError(
                f"the discriminator's layer {number} leaves a grid of {x} x {y} x {z} cells, and "
                f"its pooling needs at least {POOL}; use fewer layers"
            )
        steps.append(Step(layer, channels, pads, grid))
        channels = layer.filters
    return tuple(steps)


def _preferred(layer: Layer, published: Axes, shape: Axes) -> Axes:
    x, y, z = (
        min(max(k - 1 + _scaled(c, n, p), 0), 2 * (k - 1))
        for k, c, n, p in zip(layer.kernel, layer.change, shape, published, strict=True)
    )
    return x, y, z
