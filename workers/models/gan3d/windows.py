"""A generator's convolutions as two-dimensional ones, for ONNX Runtime; without TensorFlow.

ONNX Runtime computes convolutions in two dimensions at the machine's speed, those in three by
copying every cell once per tap of the kernel. A shower is therefore a batch of its layers along
the depth, and a convolution takes *windows* of consecutive layers as channels:

    y[o] = sum_t w[t] x[(o + t - b) // u],        o = g u q + r,   0 <= r < g u

as in :mod:`forms`, but for g cells of the small grid at once: window q holds the layers from
g q on, and all g u phases r are filters of one convolution. With a larger g more of a vector's
lanes are full, where there are few filters, and more taps are zero; the cheapest g is taken.
Along x and y the phases are those of :mod:`forms`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.models.gan3d.params import Axes
from workers.models.gan3d.shapes import Step, before_after

Array = NDArray[np.float32]

#: float32 numbers in a vector, in blocks of which ONNX Runtime computes filters; channels
#: come in multiples of ALIGNED.
LANES, ALIGNED = 16, 4
#: Most cells of the small grid that a window serves.
MOST_CELLS = 32


@dataclass(frozen=True, eq=False)
class Windows:
    """One convolution.

    Attributes:
        weight: (phases z * filters * phases x * y, taps z * channels, taps x, taps y).
        phases: along x, y and z.
        count: windows along z, and cells of the small grid along x and y, as (x, y, z).
        taps: layers of a window.
        stride: layers between two windows.
        pads: zeros in front of and behind each axis (along a periodic one, cells from the other
            end); those behind z may be missing windows' ends.
    """

    weight: Array
    phases: Axes
    count: Axes
    taps: int
    stride: int
    pads: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def windows(step: Step, kernel: Array, cells: Axes) -> Windows:
    """The form of a step on a grid of ``cells``, with its kernel (x, y, z, in, out)."""
    group = min(range(1, MOST_CELLS + 1), key=lambda g: _cost(step, g))
    x, y, z = (_selection(step, axis, group if axis == 2 else 1) for axis in range(3))
    weight = np.einsum("atk,bul,cvm,klmio->coabvitu", x, y, z, kernel, optimize=True)
    px, py, pz = phases = (len(x), len(y), len(z))
    count = tuple(-(-n // p) for n, p in zip(step.grid, phases, strict=True))
    strides, taps = (1, 1, group), (x.shape[1], y.shape[1], z.shape[1])
    pads = tuple(
        (front, max((q - 1) * stride + t - n - front, 0))
        for front, q, stride, t, n in zip(
            (_front(step, axis) for axis in range(3)), count, strides, taps, cells, strict=True
        )
    )
    weight = weight.reshape(pz * weight.shape[1] * px * py, -1, *taps[:2])
    return Windows(weight.astype(np.float32), phases, count, taps[2], group, pads)  # type: ignore[arg-type]


def convolved(step: Step, kernel: Array, x: Array) -> Array:
    """What a step without up-sampling makes of x (n, x, y, z, channels), but for its bias."""
    along_x, along_y, along_z = before_after(step.pads)
    if step.periodic:
        x = np.pad(x, ((0, 0), (0, 0), along_y, (0, 0), (0, 0)), mode="wrap")
        along_y = (0, 0)
    x = np.pad(x, ((0, 0), along_x, along_y, along_z, (0, 0)))
    nx, ny, nz = step.grid
    kx, ky, kz = step.layer.kernel
    y = np.zeros((len(x), *step.grid, step.layer.filters), np.float32)
    for i, j in np.ndindex(kx, ky):
        slab = x[:, i : i + nx, j : j + ny]
        taps = np.concatenate([slab[:, :, :, k : k + nz] for k in range(kz)], axis=-1)
        y += taps @ kernel[i, j].reshape(-1, step.layer.filters)
    return y


def _front(step: Step, axis: int) -> int:
    """Zeros in front of the small grid."""
    return -(-(step.pads[axis] // 2) // step.layer.upsample[axis])


def _selection(step: Step, axis: int, group: int) -> Array:
    """Zeros and ones (phase, tap, kernel index) along one axis."""
    u, k = step.layer.upsample[axis], step.layer.kernel[axis]
    shift = _front(step, axis) * u - step.pads[axis] // 2
    taps = -(-(u * group + k - 1 + shift) // u)
    if axis == 2:
        while taps * step.channels % ALIGNED:
            taps += 1
    selection = np.zeros((u * group, taps, k), np.float32)
    for phase in range(u * group):
        for t in range(k):
            selection[phase, (phase + t + shift) // u, t] = 1.0
    return selection


def _cost(step: Step, group: int) -> int:
    """Multiplications of windows for ``group`` cells, filters in whole vectors."""
    (ux, uy, uz), filters = step.layer.upsample, step.layer.filters
    lanes = LANES * -(-filters * ux * uy * uz * group // LANES)
    count = -(-step.grid[2] // (uz * group))
    return count * lanes * int(_selection(step, 2, group).shape[1])
