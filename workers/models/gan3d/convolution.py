"""Up-sampling, padding and convolution in one layer, in its cheapest form.

Along a periodic axis the cells of the other end stand in the place of zeros. This is exact in
every form: an up-sampled grid that is turned by whole small cells is a small grid that is turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from keras import layers, ops

from workers.models.gan3d.forms import ConvolutionForm
from workers.models.gan3d.shapes import Step, before_after

#: Keras ships no types.
Tensor: TypeAlias = Any
#: Zeros in front of and behind the grid.
Margin: TypeAlias = tuple[int, int]


class Convolution(layers.Layer):  # type: ignore[misc]
    """The convolution of one :class:`~workers.models.gan3d.shapes.Step`.

    Its variables are those of a Keras ``Conv3D``: kernel (x, y, z, in, out) and bias.

    Args:
        step: layer, zeros and grid.
        initializer: of the kernel.
        bias: whether there is one.
        pairs: whether narrow layers may take cells in pairs (for CPUs).
        dtype: Keras policy of the layer.
        name: of the layer.
    """

    def __init__(
        self,
        step: Step,
        initializer: Any,
        *,
        bias: bool,
        pairs: bool,
        dtype: str,
        name: str,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.step = step
        self.initializer = initializer
        self.has_bias = bias
        self.form = ConvolutionForm.of(step, pairs=pairs)
        axes = [self.form.axis(axis) for axis in range(3)]
        self.selections = [axis.selection for axis in axes]
        self.fronts = [axis.front for axis in axes]

    def build(self, _: Any) -> None:
        """Make the kernel and the bias."""
        layer = self.step.layer
        shape = (*layer.kernel, self.step.channels, layer.filters)
        self.kernel = self.add_weight(shape=shape, initializer=self.initializer, name="kernel")
        if self.has_bias:
            self.bias = self.add_weight(shape=(layer.filters,), initializer="zeros", name="bias")

    def compute_output_shape(self, inputs: Sequence[int | None]) -> tuple[int | None, ...]:
        """(n, x, y, z, filters)."""
        return (inputs[0], *self.step.grid, self.step.layer.filters)

    def call(self, x: Tensor) -> Tensor:
        """The convolution of x (n, x, y, z, channels)."""
        if self.form.unfold:
            y = self._unfolded(x)
        else:
            y = self._plain(x) if self.form.plain else self._phases(x)
        return y + self.bias if self.has_bias else y

    def _plain(self, x: Tensor) -> Tensor:
        return self._convolve(x, self.kernel, before_after(self.step.pads))

    def _unfolded(self, x: Tensor) -> Tensor:
        """One input channel: the taps along z become channels, so that lanes are full."""
        kx, ky, kz = self.step.layer.kernel
        along_x, along_y, along_z = before_after(self.step.pads)
        x, n = _padded(x, ((0, 0), (0, 0), along_z)), self.step.grid[2]
        size = (ops.shape(x)[0], *x.shape[1:3], n, 1)
        taps = [ops.slice(x, (0, 0, 0, t, 0), size) for t in range(kz)]
        kernel = ops.reshape(self.kernel, (kx, ky, 1, kz, self.step.layer.filters))
        return self._convolve(ops.concatenate(taps, axis=-1), kernel, (along_x, along_y, (0, 0)))

    def _phases(self, x: Tensor) -> Tensor:
        """The sub-pixel form: a convolution per phase, then phases back into the grid."""
        pack, channels = self.form.pack, self.step.channels
        if pack > 1:
            x = _padded(x, ((0, 0), (0, 0), _to_packs(self.fronts[2], x.shape[3], pack)))
            x = ops.reshape(x, (-1, *x.shape[1:3], x.shape[3] // pack, pack * channels))
        phases = [selection.shape[0] for selection in self.selections]
        grid = [-(-n // p) for n, p in zip(self.step.grid, phases, strict=True)]
        fronts = (*self.fronts[:2], self.fronts[2] // pack)
        margins = [
            (front, q + selection.shape[1] - 1 - cells - front)
            for front, q, selection, cells in zip(
                fronts, grid, self.selections, x.shape[1:4], strict=True
            )
        ]
        y = self._convolve(x, self._effective_kernel(), margins)
        filters = self.step.layer.filters
        if phases[0] * phases[1] > 1:
            y = ops.reshape(y, (-1, *grid, *phases, filters))
            y = ops.transpose(y, (0, 1, 4, 2, 5, 3, 6, 7))
        full = tuple(q * p for q, p in zip(grid, phases, strict=True))
        y = ops.reshape(y, (-1, *full, filters))
        nx, ny, nz = self.step.grid
        if full == self.step.grid:
            return y
        # Not y[:, :nx, ...]: the gradient of a slice is a pad, that of an index is slow.
        return ops.slice(y, (0, 0, 0, 0, 0), (ops.shape(y)[0], nx, ny, nz, filters))

    def _convolve(self, x: Tensor, kernel: Tensor, margins: Sequence[Margin]) -> Tensor:
        """The convolution with margins around the grid."""
        if self.step.periodic:
            x, margins = wrapped(x, *margins[1]), (margins[0], (0, 0), margins[2])
        return _convolve(x, kernel, margins)

    def _effective_kernel(self) -> Tensor:
        """(taps x, y, z, cells of a pack * channels, phases x, y, z * filters)."""
        selections, channels = self.selections, self.step.channels
        kx, ky, kz = self.step.layer.kernel
        # Three contiguous matrix products, (phase, tap, cell) x kernel index, from z to x.
        # Zeros and ones, so that they are the same numbers in any precision.
        x, y, z = (
            ops.cast(np.reshape(s, (-1, s.shape[-1])), self.compute_dtype) for s in selections
        )
        w = ops.matmul(z[None], ops.reshape(self.kernel, (kx * ky, kz, -1)))
        w = ops.matmul(y[None], ops.reshape(w, (kx, ky, -1)))
        w = ops.matmul(x, ops.reshape(w, (kx, -1)))
        (px, tx), (py, ty), (pz, tz) = (s.shape[:2] for s in selections)
        w = ops.reshape(w, (px, tx, py, ty, pz, tz, self.form.pack * channels, -1))
        w = ops.transpose(w, (1, 3, 5, 6, 0, 2, 4, 7))
        return ops.reshape(w, (tx, ty, tz, self.form.pack * channels, -1))


def wrapped(x: Tensor, front: int, back: int) -> Tensor:
    """Cells x (n, x, y, z, channels), those of the other end along y around them.

    Slices, as the gradient of an index is slow.
    """
    n = x.shape[2]
    first = [x[:, :, n - front % n :]] if front % n else []
    last = [x[:, :, : back % n]] if back % n else []
    parts = [*first, *[x] * (front // n + 1 + back // n), *last]
    return ops.concatenate(parts, axis=2) if len(parts) > 1 else x


def _to_packs(front: int, cells: int, pack: int) -> Margin:
    """Zeros around ``cells`` that leave whole packs of zeros in front and whole packs in all."""
    start = front % pack
    return start, -(start + cells) % pack


def _padded(x: Tensor, margins: Sequence[Margin]) -> Tensor:
    return ops.pad(x, [(0, 0), *margins, (0, 0)])


def _convolve(x: Tensor, kernel: Tensor, margins: Sequence[Margin]) -> Tensor:
    """The convolution with zeros around the grid; "same", which is faster, where it is that."""
    if all(
        (f, b) == ((k - 1) // 2, k // 2) for (f, b), k in zip(margins, kernel.shape, strict=False)
    ):
        return ops.conv(x, kernel, padding="same")
    return ops.conv(_padded(x, margins), kernel, padding="valid")
