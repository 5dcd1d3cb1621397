"""Parameters, multiply-accumulates and memory of a planned network, without TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workers.models.gan3d.mesh import Mesh
from workers.models.gan3d.params import Params
from workers.models.gan3d.shapes import Plan, Step

#: float32.
BYTES = 4


@dataclass(frozen=True)
class Costs:
    """Of one network: parameters (moving statistics included), MAC and activations per shower."""

    parameters: int
    macs: int
    activations: int


def generator_costs(params: Params, plan: Plan) -> Costs:
    """Exact parameters and multiply-accumulates of the generator."""
    g = params.generator
    seed = math.prod(plan.seed_grid) * g.seed_filters
    parameters = (g.latent_size + 1) * seed
    parameters += _convolutions(plan.generator) - (0 if g.last_bias else 1)
    parameters += 4 * sum(layer.filters for layer in g.layers[:-1])
    mask = _mask(plan)
    macs = g.latent_size * seed + _macs(plan.generator) + mask
    return Costs(parameters, macs, seed + _activations(plan.generator) + mask)


def discriminator_costs(params: Params, plan: Plan) -> Costs:
    """Exact parameters and multiply-accumulates of the discriminator with its heads."""
    flat = math.prod(plan.pooled) * plan.discriminator[-1].layer.filters
    outputs = 2 + (params.particles if params.particles > 1 else 0)
    parameters = _convolutions(plan.discriminator) + outputs * (flat + 1)
    parameters += 4 * sum(step.layer.filters for step in plan.discriminator[1:])
    mask = _mask(plan)
    macs = _macs(plan.discriminator) + outputs * flat + mask
    return Costs(parameters, macs, _activations(plan.discriminator) + mask)


def metrics(params: Params, plan: Plan) -> Mapping[str, float]:
    """Static numbers of both networks by name."""
    g, d = generator_costs(params, plan), discriminator_costs(params, plan)
    return {
        "generator_parameters": float(g.parameters),
        "discriminator_parameters": float(d.parameters),
        "generator_gmac": g.macs / 1e9,
        "discriminator_gmac": d.macs / 1e9,
        "training_gmac": training_macs(params, g, d) / 1e9,
        "training_mib": training_bytes(params, g, d) / 2**20,
    }


def training_macs(params: Params, g: Costs, d: Costs) -> int:
    """Multiply-accumulates per shower of one pass of the published loop.

    A backward pass costs one forward pass for the gradient of the inputs and one for that
    of the weights; a generator step needs only the former from the discriminator.
    """
    steps = params.training.g_steps
    return g.macs + 2 * 3 * d.macs + steps * (3 * g.macs + 2 * d.macs)


def training_bytes(params: Params, g: Costs, d: Costs) -> int:
    """Memory of a training step: activations kept for the gradient, weights, optimisers.

    The generator step is the largest: all activations of both networks are kept. Gradients
    take the place of activations that are done with: the measured peaks of the presets are 0.9
    to 1.0 of this.
    """
    activations = params.training.batch_size * (g.activations + d.activations)
    return BYTES * (activations + 3 * (g.parameters + d.parameters))


def summary(params: Params, plan: Plan) -> str:
    """The architecture as text, layer by layer."""
    g, d = generator_costs(params, plan), discriminator_costs(params, plan)
    g_in = params.generator.latent_size
    lines = [
        *_cells(plan.mesh),
        f"generator: {g.parameters:,} parameters, {g.macs / 1e9:.3f} GMAC per shower",
        f"  dense {g_in} -> {_grid(plan.seed_grid)} x {params.generator.seed_filters}",
        *map(_line, plan.generator),
        f"discriminator: {d.parameters:,} parameters, {d.macs / 1e9:.3f} GMAC per shower",
        *map(_line, plan.discriminator),
        f"  average pooling -> {_grid(plan.pooled)} x {plan.discriminator[-1].layer.filters}",
        "  heads: real/fake, primary energy" + (", particle" if params.particles > 1 else ""),
    ]
    return "\n".join(lines)


def _mask(plan: Plan) -> int:
    """Cells that a mask is multiplied with, where the calorimeter lacks some of the mesh."""
    return 0 if plan.mesh.present is None else math.prod(plan.mesh.shape)


def _cells(mesh: Mesh) -> Iterator[str]:
    """What networks see, where it is not the calorimeter's own grid."""
    if mesh.shape != mesh.cells or mesh.present is not None:
        there = math.prod(mesh.shape) if mesh.present is None else int(mesh.present.sum())
        yield f"mesh: {_grid(mesh.shape)}, {there:,} cells of it in the calorimeter"


def _grid(grid: Sequence[int]) -> str:
    return "x".join(map(str, grid))


def _line(step: Step) -> str:
    layer = step.layer
    up = "" if layer.upsample == (1, 1, 1) else f"up-sampling {_grid(layer.upsample)}, "
    return (
        f"  {up}{_margins(step)}convolution "
        f"{_grid(layer.kernel)} -> {_grid(step.grid)} x {layer.filters}"
    )


def _margins(step: Step) -> str:
    x, y, z = step.pads
    zeros = (x, 0, z) if step.periodic else step.pads
    around = f"{y} cells around, " if step.periodic and y else ""
    return around + (f"zeros {_grid(zeros)}, " if sum(zeros) else "")


def _weights(step: Step) -> int:
    return math.prod(step.layer.kernel) * step.channels * step.layer.filters


def _convolutions(steps: Sequence[Step]) -> int:
    return sum(_weights(step) + step.layer.filters for step in steps)


def _macs(steps: Sequence[Step]) -> int:
    return sum(_weights(step) * math.prod(step.grid) for step in steps)


def _activations(steps: Sequence[Step]) -> int:
    """Numbers kept per shower: the padded input, the convolution's output and its activation."""
    total = 0
    for step in steps:
        padded = [n + k - 1 for n, k in zip(step.grid, step.layer.kernel, strict=True)]
        total += math.prod(padded) * step.channels + 2 * math.prod(step.grid) * step.layer.filters
    return total
