"""In which form a convolution is computed, without TensorFlow.

Along one axis the up-sampled, padded convolution is

    y[o] = sum_t w[t] x[(o + t - b) // u],        o = u q + r

with factor u, zeros in front b and kernel index t; x is zero outside. For every
phase r this is a convolution of the *small* grid with taps c = (r + t - b) // u,
whose weights are sums of w. All phases together are one convolution with u times
as many filters (sub-pixel form): the 6x6x8 kernel after 6x6x6 up-sampling costs
12 multiplications per output in the place of 288.

The same formula with u = 1 and cells taken in pairs along z (channels are
contiguous with z, so that a pair is a reshape) gives a convolution with twice the
filters: with 8 filters or fewer, half of a CPU's vector lanes would be idle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.models.gan3d.shapes import Step

Selection = NDArray[np.float32]

#: Filters up to which pairs along z pay on a CPU, and the most extra multiplications.
NARROW = 8
MOST_WASTE = 1.34


@dataclass(frozen=True, eq=False)
class AxisForm:
    """One axis of the sub-pixel form.

    Attributes:
        selection: zeros and ones (phase, tap, cell of a pack, kernel index).
        front: zeros in front of the small grid.
    """

    selection: Selection
    front: int


@dataclass(frozen=True, eq=False)
class ConvolutionForm:
    """How one step is computed.

    Attributes:
        step: layer, zeros and grid.
        pack: cells along z that are taken together.
        unfold: whether the taps along z become channels.
    """

    step: Step
    pack: int
    unfold: bool

    @classmethod
    def of(cls, step: Step, *, pairs: bool) -> ConvolutionForm:
        """The cheapest form; ``pairs`` allows those that fill the vector lanes of a CPU."""
        narrow = pairs and step.layer.upsample == (1, 1, 1) and step.layer.filters <= NARROW
        k = step.layer.kernel[2]
        pack = 2 if narrow and 2 * (k // 2 + 1) <= MOST_WASTE * k else 1
        return cls(step, pack, unfold=pairs and step.channels == 1)

    @property
    def plain(self) -> bool:
        """Whether it is a convolution as the layer says."""
        return self.pack == 1 and self.step.layer.upsample == (1, 1, 1)

    def axis(self, axis: int) -> AxisForm:
        """The sub-pixel form along x, y or z."""
        layer, pack = self.step.layer, self.pack if axis == 2 else 1
        u, k, before = layer.upsample[axis], layer.kernel[axis], self.step.pads[axis] // 2
        front = -(-before // u)
        shift = front * u - before
        taps = -(-(u * pack + k - 1 + shift) // (u * pack))
        selection = np.zeros((u * pack, taps, pack, k), np.float32)
        for phase in range(u * pack):
            for t in range(k):
                tap, cell = divmod((phase + t + shift) // u, pack)
                selection[phase, tap, cell, t] = 1.0
        return AxisForm(selection, front)
