"""How much work a training shower is, and how long it takes after a short calibration.

Notation:

    s      a convolution in the form in which it is computed (:mod:`forms`)
    P, T   positions of its grid, taps of its kernel
    c, f   input channels and filters, in whole vectors of LANES numbers
    M      multiplications of one pass of all convolutions, sum_s P T c f
    A      numbers that the layers between convolutions read and write
    W      weights that an update moves

A backward pass multiplies as often for the gradient of the inputs and once more for that
of the weights. The time of a training shower is taken as

    t = a M + b A + d W / batch

with the rates a, b, d of the machine, which are the non-negative least-squares fit to
the measured times of a few small networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from workers.models.gan3d.forms import ConvolutionForm
from workers.models.gan3d.params import Params
from workers.models.gan3d.shapes import Plan, Step
from workers.models.gan3d.static import discriminator_costs, generator_costs

Array = NDArray[np.float64]

#: float32 numbers that one vector instruction works on; kernels pad channels to it.
LANES = 16


@dataclass(frozen=True)
class Workload:
    """Of one training shower: multiplications, numbers moved, and weights per shower."""

    multiplications: float
    moved: float
    updated: float

    @property
    def row(self) -> Array:
        """The three numbers."""
        return np.array([self.multiplications, self.moved, self.updated])


def workload(params: Params, plan: Plan, *, pairs: bool) -> Workload:
    """The work of one training shower in the loop of :mod:`step`.

    Fakes; the discriminator forward and backward on real showers and on fakes, without the
    gradient of its input; ``g_steps`` times the generator forward and backward, and the
    discriminator forward and backward to its input only.
    """
    steps = params.training.g_steps
    g, d = (_passes(s, pairs=pairs) for s in (plan.generator, plan.discriminator))
    first = _passes(plan.discriminator[:1], pairs=pairs)
    multiplications = g + 2 * (3 * d - first) + steps * (3 * g + 2 * d)
    g_moved, d_moved = _moved(plan.generator), _moved(plan.discriminator)
    moved = g_moved + 2 * 3 * d_moved + steps * (3 * g_moved + 3 * d_moved)
    g_weights = generator_costs(params, plan).parameters
    d_weights = discriminator_costs(params, plan).parameters
    updated = (steps * g_weights + 2 * d_weights) / params.training.batch_size
    return Workload(multiplications, moved, updated)


@dataclass(frozen=True)
class Rates:
    """Seconds per multiplication, per number moved, per weight updated."""

    multiplication: float
    moved: float
    updated: float

    @classmethod
    def fit(cls, loads: Sequence[Workload], seconds: Sequence[float]) -> Rates:
        """The rates that explain measured seconds per shower best, in relative terms."""
        rows = np.stack([load.row for load in loads]) / np.asarray(seconds)[:, None]
        scale = rows.max(axis=0)
        rates, _ = nnls(rows / scale, np.ones(len(rows)))
        a, b, d = (float(rate) for rate in rates / scale)
        return cls(a, b, d)

    def seconds(self, load: Workload) -> float:
        """Seconds per training shower."""
        return float(load.row @ [self.multiplication, self.moved, self.updated])


def _passes(steps: Sequence[Step], *, pairs: bool) -> float:
    """Multiplications of one forward pass of convolutions, channels in whole vectors."""
    total = 0.0
    for step in steps:
        form = ConvolutionForm.of(step, pairs=pairs)
        kx, ky, kz = step.layer.kernel
        if form.unfold:
            taps, channels, filters = kx * ky, kz, step.layer.filters
            positions = math.prod(step.grid)
        else:
            shapes = [form.axis(axis).selection.shape[:2] for axis in range(3)]
            phases, taps = (math.prod(n) for n in zip(*shapes, strict=True))
            channels, filters = step.channels * form.pack, step.layer.filters * phases
            positions = math.prod(
                -(-n // shape[0]) for n, shape in zip(step.grid, shapes, strict=True)
            )
        total += positions * taps * _lanes(channels) * _lanes(filters)
    return total


def _lanes(channels: int) -> int:
    return LANES * -(-channels // LANES)


def _moved(steps: Sequence[Step]) -> float:
    """Numbers that padding, bias, activation, normalisation and dropout touch in one pass."""
    return float(sum(math.prod(step.grid) * step.layer.filters for step in steps))
