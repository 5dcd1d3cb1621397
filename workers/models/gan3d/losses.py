r"""The loss terms and the observables that they compare, differentiable, on any Keras backend.

==================  ======================================================  ==========
term                definition                                              truth
==================  ======================================================  ==========
real_fake           binary cross-entropy of the logit                       the label
primary_energy      MAPE of the head that regresses Ep / 100 GeV            condition
particle            cross-entropy of the head that tells the particle type  condition
angle               mean absolute error of the measured angle [rad]         real event
deposited_energy    MAPE of the sum of cells [GeV]                          real event
bins                mean absolute error of the energy in 7 bins of cell     real event
                    energy, in per cent of the deposited energy
==================  ======================================================  ==========

MAPE = 100 mean |y - yhat| / max(|y|, 1e-7) with the *truth* y in the denominator. A
network image is x = (scale E)^power; observables are computed from E [GeV].

The published fifth term counted the cells in each bin. A count has zero gradient and
cannot train a generator, so that the energy in the bins stands in its place. An
empty bin of the real event would make its relative error unbounded: each bin's error
is therefore relative to the whole deposited energy.
"""

from __future__ import annotations

import itertools
import math

from keras import ops

from workers.models.gan3d.convolution import Tensor
from workers.models.gan3d.cylinder import from_mesh, to_mesh
from workers.models.gan3d.mesh import Mesh
from workers.models.gan3d.params import Transform

#: Edges of the published bins of cell energy [GeV]: 1.0 to 0.06 MeV.
BIN_EDGES = (1.0e-3, 0.6e-3, 0.4e-3, 0.25e-3, 0.16e-3, 0.06e-3)
#: The published angle of an event without energy [rad].
EMPTY_ANGLE = 100.0
#: Floor of a squared distance between centroids [cells^2].
FLOOR = 1e-7


def to_image(transform: Transform, cells: Tensor, threshold: float, mesh: Mesh) -> Tensor:
    """Network images (n, x, y, z, 1) of cells [GeV]: threshold, mesh, scale, power."""
    kept = to_mesh(mesh, ops.where(cells < threshold, 0.0, cells)) * transform.scale
    return ops.expand_dims(_power(kept, transform.power), -1)


def to_cells(transform: Transform, image: Tensor, mesh: Mesh) -> Tensor:
    """Cells (n, x, y, z) [GeV] of network images: the inverse of :func:`to_image`."""
    energies = _power(ops.squeeze(image, -1), 1.0 / transform.power) * (1.0 / transform.scale)
    return from_mesh(mesh, energies)


def _power(x: Tensor, exponent: float) -> Tensor:
    return x if exponent == 1.0 else ops.power(x, exponent)


def real_fake(label: Tensor, logit: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits (n,) for labels (n,)."""
    return ops.mean(ops.relu(logit) - logit * label + ops.softplus(-ops.abs(logit)))


def mape(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean absolute error in per cent of the truth, both (n,)."""
    return 100.0 * ops.mean(ops.abs(truth - prediction) / ops.maximum(ops.abs(truth), 1e-7))


def cross_entropy(truth: Tensor, logits: Tensor) -> Tensor:
    """Mean cross-entropy of logits (n, types) for types (n,)."""
    chosen = ops.one_hot(truth, logits.shape[-1], dtype=logits.dtype)
    return -ops.mean(ops.sum(chosen * ops.log_softmax(logits), axis=-1))


def deposited_energy(cells: Tensor) -> Tensor:
    """Sum of cells (n,) [GeV]."""
    return ops.sum(cells, axis=(1, 2, 3))


def angle_error(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean absolute difference of angles (n,) [rad], over real events that have an angle."""
    known = ops.cast(truth < EMPTY_ANGLE, truth.dtype)
    return ops.sum(known * ops.abs(truth - prediction)) / ops.maximum(ops.sum(known), 1.0)


def energy_in_bins(cells: Tensor) -> Tensor:
    """Energy (n, 7) [GeV] of the cells inside each bin of cell energy, highest bin first."""
    edges = (math.inf, *BIN_EDGES, 0.0)
    return ops.stack(
        [
            ops.sum(ops.where((cells > low) & (cells <= high), cells, 0.0), axis=(1, 2, 3))
            for high, low in itertools.pairwise(edges)
        ],
        axis=-1,
    )


def bins_error(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean difference of energies in bins (n, 7), in per cent of the deposited energy."""
    total = ops.maximum(ops.sum(truth, axis=-1, keepdims=True), 1e-7)
    return 100.0 * ops.mean(ops.abs(truth - prediction) / total)


def measured_angle(cells: Tensor, pitch: tuple[float, float, float]) -> Tensor:
    """The angle of incidence (n,) [rad] seen in cells (n, x, y, z), published definition.

    Lines from the barycentre to every layer's centroid, in cells of the depth's pitch,
    averaged with the depth as weight. The shower tilts along y. An event without
    energy has the angle 100.

    Args:
        cells: energies, any unit.
        pitch: cell size per axis [mm]; only ratios matter.
    """
    x, y, z = (
        (ops.arange(n, dtype=cells.dtype) + 0.5) * (p / pitch[2])
        for n, p in zip(cells.shape[1:], pitch, strict=True)
    )
    per_layer = ops.sum(cells, axis=(1, 2))
    filled = per_layer > 0
    layer_energy = ops.where(filled, per_layer, 1.0)
    moment_x = ops.sum(ops.sum(cells, axis=2) * x[:, None], axis=1)
    moment_y = ops.sum(ops.sum(cells, axis=1) * y[:, None], axis=1)
    total = ops.sum(per_layer, axis=1, keepdims=True)
    total = ops.where(total > 0, total, 1.0)
    mean_x = ops.sum(moment_x, axis=1, keepdims=True) / total
    mean_y = ops.sum(moment_y, axis=1, keepdims=True) / total
    dz = z - ops.sum(per_layer * z, axis=1, keepdims=True) / total
    dx, dy = moment_x / layer_energy - mean_x, moment_y / layer_energy - mean_y
    distance = ops.sqrt(ops.maximum(dx * dx + dz * dz, FLOOR))
    slope = ops.where(dz < 0, -dy, dy) / distance
    theta = 0.5 * math.pi - ops.arctan(slope)
    weight = ops.where(filled, z, 0.0)
    total_weight = ops.sum(weight, axis=1)
    mean = ops.sum(weight * theta, axis=1) / ops.maximum(total_weight, FLOOR)
    return ops.where(total_weight > 0, mean, EMPTY_ANGLE)
