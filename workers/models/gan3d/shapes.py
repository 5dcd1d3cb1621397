"""Grid sizes after every layer, exact for any geometry, without TensorFlow.

One generator layer turns s cells of an axis into

    s' = u s + P - k + 1,        0 <= P <= 2 (k - 1)

with up-sampling u, kernel k and P zeros in total, P // 2 of them in front. The
bound makes every output cell see at least one input cell. :func:`_solve` chooses
the P of all layers so that the last size is the calorimeter's, at the least sum
of squared distances from the preferred ones: nothing is cropped, and the
published kernels on the published geometry get the published padding.

Along a periodic axis every convolution keeps the size, P = k - 1, with cells from the other
end in the place of zeros; the up-sampling factors are those that divide the number of cells.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from search_spaces.errors import InfeasibleError
from workers.models.gan3d.mesh import CELLS, Mesh
from workers.models.gan3d.params import Axes, Layer, Params

AXES = "xyz"
#: Average pooling before the heads of the discriminator.
POOL = 2

Ints = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One convolution in place.

    Attributes:
        layer: what is convolved; its up-sampling along a periodic axis is the plan's own.
        channels: of the input.
        pads: zeros in total per axis; along a periodic axis, cells from the other end.
        grid: after the convolution.
        periodic: whether the ends of the second axis meet.
    """

    layer: Layer
    channels: int
    pads: Axes
    grid: Axes
    periodic: bool = False


@dataclass(frozen=True)
class Plan:
    """Both networks for one geometry.

    Attributes:
        seed_grid: cells of the generator's reshaped dense layer.
        generator: hidden layers, then the last one.
        discriminator: its layers.
        pooled: cells after the average pooling.
        mesh: the calorimeter's cells as both networks see them.
    """

    seed_grid: Axes
    generator: tuple[Step, ...]
    discriminator: tuple[Step, ...]
    pooled: Axes
    mesh: Mesh


def plan(params: Params, shape: Axes) -> Plan:
    """Sizes of both networks for a regular grid of ``shape`` cells: see :func:`plan_on`."""
    return plan_on(params, Mesh.regular(shape))


def plan_on(params: Params, mesh: Mesh) -> Plan:
    """Sizes of both networks for a calorimeter with a mesh.

    Raises:
        InfeasibleError: no padding gives this shape, a grid vanishes, or an axis has fewer
            than 8 or more than 128 cells.
    """
    if any(not CELLS[0] <= n <= CELLS[1] for n in mesh.shape):
        raise InfeasibleError(
            f"the networks need {CELLS[0]} to {CELLS[1]} cells along each axis, "
            f"got {list(mesh.shape)}; merge cells, or use another family"
        )
    if params.noise_size < 1:
        raise InfeasibleError(
            f"the latent vector needs room for noise beside the conditions, "
            f"got latent_size={params.generator.latent_size}; raise it"
        )
    seed, steps = _generator(params, mesh)
    critic = _discriminator(params, mesh)
    x, y, z = (n // POOL for n in critic[-1].grid)
    return Plan(seed, steps, critic, (x, y, z), mesh)


def before_after(pads: Axes) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Zeros (in front, behind) of each axis; the odd one is behind, as for Keras' "same"."""
    x, y, z = ((p // 2, p - p // 2) for p in pads)
    return x, y, z


def _generator(params: Params, mesh: Mesh) -> tuple[Axes, tuple[Step, ...]]:
    layers = (*params.generator.layers, params.generator.last)
    if mesh.periodic:
        layers = _around(layers, mesh.shape[1])
    solved = [
        _turn(layers, n)
        if mesh.periodic and axis == 1
        else _axis(layers, axis, params.generator.seed_grid[axis], params.shape[axis], n)
        for axis, n in enumerate(mesh.shape)
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
        steps.append(Step(layer, channels, pads, grid, mesh.periodic))
        channels = layer.filters
    return seed, tuple(steps)


def _turn(layers: Sequence[Layer], cells: int) -> tuple[int, Ints]:
    """Seed size and padding per layer along a periodic axis: every convolution keeps the size."""
    seed = cells // math.prod(layer.upsample[1] for layer in layers)
    return seed, tuple(layer.kernel[1] - 1 for layer in layers)


def _around(layers: Sequence[Layer], cells: int) -> tuple[Layer, ...]:
    """The layers with up-sampling factors along y whose product divides the number of cells.

    Only then does a seed that is turned by a cell give a shower that is turned. Each factor is
    as near to its own as that allows, in ratios; of equally near ones the later are the larger,
    which costs least.
    """
    published = [layer.upsample[1] for layer in layers]
    places = [i for i, u in enumerate(published) if u > 1]
    choices = [range(1, 2 * published[i] + 1) for i in places]

    def distance(factors: Ints) -> tuple[float, Ints]:
        ratios = (math.log(f / published[i]) for f, i in zip(factors, places, strict=True))
        return round(sum(ratio**2 for ratio in ratios), 9), factors

    divisors = [n for n in range(1, cells // 2 + 1) if cells % n == 0]
    whole = (f for f in itertools.product(*choices) if math.prod(f) in divisors)
    nearest = min(whole, key=distance)
    factors = dict(zip(places, nearest, strict=True))
    return tuple(
        replace(layer, upsample=(layer.upsample[0], factors.get(i, 1), layer.upsample[2]))
        for i, layer in enumerate(layers)
    )


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


def _discriminator(params: Params, mesh: Mesh) -> tuple[Step, ...]:
    grid, channels = mesh.shape, 1
    steps = []
    for number, layer in enumerate(params.discriminator.layers, start=1):
        pads = _preferred(layer, params.shape, mesh)
        x, y, z = (s + p - k + 1 for s, p, k in zip(grid, pads, layer.kernel, strict=True))
        grid = (x, y, z)
        if min(grid) < POOL:
            raise InfeasibleError(
                f"the discriminator's layer {number} leaves a grid of {x} x {y} x {z} cells, and "
                f"its pooling needs at least {POOL}; use fewer layers"
            )
        steps.append(Step(layer, channels, pads, grid, mesh.periodic))
        channels = layer.filters
    return tuple(steps)


def _preferred(layer: Layer, published: Axes, mesh: Mesh) -> Axes:
    x, y, z = (
        min(max(k - 1 + _scaled(c, n, p), 0), 2 * (k - 1))
        for k, c, n, p in zip(layer.kernel, layer.change, mesh.shape, published, strict=True)
    )
    return x, layer.kernel[1] - 1 if mesh.periodic else y, z
