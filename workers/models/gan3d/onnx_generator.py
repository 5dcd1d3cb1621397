"""A generator as an ONNX graph: from energy, angle, particle type and noise to cells in GeV.

The graph is written from the layers themselves; nothing is traced. Inside, an array is
(showers, layers, channels, x, y): see :mod:`windows`. The dense layer and the first convolution
are both linear, with nothing in between: where their product is small, it takes their place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.models.base import GraphPrecision
from workers.models.gan3d.params import ENERGY_UNIT, SLOPE, Axes, Params
from workers.models.gan3d.shapes import Plan, Step
from workers.models.gan3d.windows import Windows, convolved, windows
from workers.models.onnx_graph import Graph

Array = NDArray[np.float32]

#: Largest product of the dense layer and the first convolution [bytes].
MOST_BYTES = 48 * 2**20
#: The last convolution: its nodes stay as they are when others are quantised.
LAST = "last"


def write_generator(
    file: Path,
    params: Params,
    plan: Plan,
    weights: Mapping[str, Array],
    precision: GraphPrecision,
) -> None:
    """Write the graph of a generator.

    Inputs and output are those of :class:`~workers.models.base.Deployable`.

    Args:
        file: new file.
        params: the configuration.
        plan: its grids.
        weights: arrays by ``layer/variable``.
        precision: of weights and hidden layers; noise, conditions and cells are float32.

    Raises:
        MissingExtraError: the package onnx is not installed.
        OSError: the file cannot be written.
    """
    made = _Generator(params, plan, weights, precision)
    cells = made.cells(made.image(made.latent()))
    made.graph.write(file, "generator", cells, ("n", *plan.mesh.cells))


class _Generator:
    """The parts of the graph."""

    def __init__(
        self, params: Params, plan: Plan, weights: Mapping[str, Array], precision: GraphPrecision
    ) -> None:
        self.params = params
        self.plan = plan
        self.weights = weights
        self.graph = Graph(precision)

    def latent(self) -> str:
        """(n, latent_size), as :func:`networks.latent_vectors` has it."""
        g, p = self.graph, self.params
        energy = g.op("Div", g.input("energy", np.float32, ["n"]), g.number(ENERGY_UNIT))
        columns = [g.op("Unsqueeze", energy, g.ints(1))]
        if p.angle:
            theta = g.input("theta", np.float32, ["n"])
            columns.append(g.op("Unsqueeze", theta, g.ints(1)))
        if p.particles > 1:
            place = g.cast(g.input("particle", np.int32, ["n"]), np.int64)
            zero_one = g.exact(np.array([0, 1], np.float32))
            columns.append(g.op("OneHot", place, g.ints(p.particles), zero_one))
        noise = g.input("noise", np.float32, ["n", p.noise_size])
        if p.generator.conditioning == "hadamard":
            latent = g.op("Mul", noise, columns[0])
        else:
            latent = g.op("Concat", *columns, noise, axis=1)
        return latent if g.kind == np.float32 else g.cast(latent, g.kind)

    def image(self, latent: str) -> str:
        """(n, z, 1, x, y), in transformed units."""
        x, cells = self._seed(latent)
        steps = list(enumerate(self.plan.generator, start=1))
        if self._composed:
            x = self._normalised(self._activated(x, 1), 1)
            del steps[0]
        for number, step in steps:
            x = self._normalised(self._convolution(x, number, step, cells), number)
            cells = step.grid
        return x

    def cells(self, image: str) -> str:
        """(n, x, y, z) [GeV]: as :func:`losses.to_cells` has it, in float32."""
        g, transform = self.graph, self.params.transform
        x = g.op("Transpose", g.op("Squeeze", image, g.ints(2)), perm=[0, 2, 3, 1])
        x = x if g.kind == np.float32 else g.cast(x, np.float32)
        if transform.power != 1.0:
            x = g.op("Pow", x, g.number(1.0 / transform.power))
        x = self._from_mesh(x)
        return g.op("Mul", x, g.number(1.0 / transform.scale), name="cells")

    def _from_mesh(self, x: str) -> str:
        """The calorimeter's cells: as :func:`cylinder.from_mesh` has it, absent ones zero."""
        g, mesh = self.graph, self.plan.mesh
        if mesh.present is not None:
            x = g.op("Mul", x, g.exact(mesh.present))
        if (mesh.shape[0], mesh.shape[2]) != (mesh.cells[0], mesh.cells[2]):
            ends = g.ints(mesh.cells[0], mesh.cells[2])
            x = g.op("Slice", x, g.ints(0, 0), ends, g.ints(1, 3))
        if mesh.joined is not None:
            x = g.op("Transpose", x, perm=[0, 3, 1, 2])
            x = g.op("MatMul", x, g.exact(mesh.joined.transpose(0, 2, 1)))
            x = g.op("Transpose", x, perm=[0, 2, 3, 1])
        return x

    @property
    def _composed(self) -> bool:
        """Whether one matrix takes the place of the dense layer and the first convolution."""
        first, latent = self.plan.generator[0], self.params.generator.latent_size
        outputs = math.prod(first.grid) * first.layer.filters
        taps = math.prod(first.layer.kernel) * first.channels
        plain = first.layer.upsample == (1, 1, 1) and len(self.plan.generator) > 1
        return plain and latent < taps and 4 * latent * outputs < MOST_BYTES

    def _seed(self, latent: str) -> tuple[str, Axes]:
        """The dense layer (n, z, channels, x, y), or the first convolution; with the grid."""
        g, grid = self.graph, self.plan.seed_grid
        kernel, bias = self.weights["seed/kernel"], self.weights["seed/bias"]
        rows = np.concatenate([kernel, bias[None]]).reshape(len(kernel) + 1, *grid, -1)
        if self._composed:
            step = self.plan.generator[0]
            rows, grid = convolved(step, self.weights["g1/kernel"], rows), step.grid
            rows[-1] += self.weights["g1/bias"]
        rows = rows.transpose(0, 3, 4, 1, 2)
        flat = rows.reshape(len(rows), -1)
        x = g.op("Gemm", latent, g.array(flat[:-1]), g.array(flat[-1]), name="seed")
        return g.op("Reshape", x, g.ints(-1, *rows.shape[1:])), grid

    def _name(self, number: int) -> str:
        return LAST if number == len(self.plan.generator) else f"g{number}"

    def _activated(self, x: str, number: int) -> str:
        if self._name(number) == LAST or self.params.generator.activation == "relu":
            return self.graph.op("Relu", x)
        return self.graph.op("LeakyRelu", x, alpha=SLOPE)

    def _normalised(self, x: str, number: int) -> str:
        """Batch normalisation by the moving statistics, where there is one."""
        g, settings, name = self.graph, self.params.generator, self._name(number)
        if number >= len(settings.layers):
            return x
        gamma, beta, mean, variance = (
            self.weights[f"{name}_norm/{v}"]
            for v in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + np.float32(settings.norm_epsilon))
        x = g.op("Mul", x, g.array(scale[:, None, None]))
        return g.op("Add", x, g.array((beta - mean * scale)[:, None, None]))

    def _convolution(self, x: str, number: int, step: Step, cells: Axes) -> str:
        """(n, z, filters, x, y) of the step's grid, activated."""
        g, name = self.graph, self._name(number)
        form = windows(step, self.weights[f"{name}/kernel"], cells)
        (px, py, pz), (qx, qy, qz), filters = form.phases, form.count, step.layer.filters
        pads = list(form.pads)
        if step.periodic:
            x, cells = self._wrapped(x, *pads[1], cells)
            pads[1] = (0, 0)
        x = self._windows(x, form, step.channels, cells)
        bias = self.weights.get(f"{name}/bias", np.zeros(filters, np.float32))
        x = g.op(
            "Conv",
            x,
            g.array(form.weight),
            g.array(np.tile(np.repeat(bias, px * py), pz)),
            name=name,
            pads=[pads[axis][side] for side in (0, 1) for axis in (0, 1)],
        )
        x = self._activated(x, number)  # next to the convolution, with which it is computed
        if px == py > 1:  # the same as below, in a faster operator
            x = g.op("Reshape", x, g.ints(-1, filters * px * py, qx, qy))
            x = g.op("DepthToSpace", x, blocksize=px, mode="CRD")
        elif px * py > 1:
            x = g.op("Reshape", x, g.ints(-1, filters, px, py, qx, qy))
            x = g.op("Transpose", x, perm=[0, 1, 4, 2, 5, 3])
        full = (qx * px, qy * py, qz * pz)
        x = g.op("Reshape", x, g.ints(-1, full[2], filters, *full[:2]))
        if full == step.grid:
            return x
        ends = g.ints(step.grid[2], *step.grid[:2])
        return g.op("Slice", x, g.ints(0, 0, 0), ends, g.ints(1, 3, 4))

    def _wrapped(self, x: str, front: int, back: int, cells: Axes) -> tuple[str, Axes]:
        """As :func:`convolution.wrapped`, with y last; and the grid with what is around it."""
        g, n = self.graph, cells[1]
        places = np.arange(-front, n + back) % n
        return g.op("Gather", x, g.ints(*places), axis=4), (cells[0], len(places), cells[2])

    def _windows(self, x: str, form: Windows, channels: int, cells: Axes) -> str:
        """(n * windows, taps * channels, x, y): consecutive layers as channels."""
        g, (front, back), n = self.graph, form.pads[2], form.count[2]
        if front or back:
            x = g.op("Pad", x, g.ints(0, front, 0, 0, 0, 0, back, 0, 0, 0))
        last = (n - 1) * form.stride + 1
        taps = [
            g.op("Slice", x, g.ints(t), g.ints(t + last), g.ints(1), g.ints(form.stride))
            for t in range(form.taps)
        ]
        x = g.op("Concat", *taps, axis=2) if len(taps) > 1 else x
        return g.op("Reshape", x, g.ints(-1, form.taps * channels, *cells[:2]))
