"""Training by several workers: means over the whole batch, although each sees a share of it.

Notation:

    B, b   showers of a batch, and of this worker's share of it
    g      mean gradients over a worker's share: sum of b/B g over workers is that of the batch

=========================  ================================================================
gradients, loss terms      of the whole batch, in every step
batch normalisation        on the statistics of the share; the moving ones are, after every
                           step, the mean of all workers' (of variances: without the part
                           between shares, 1 in b of the whole)
noise, flipped labels      those of one worker: drawn for the batch, and shared out
dropout                    masks of each worker's own
weights, optimisers        alike in all workers: all apply the same gradients, and begin each
                           epoch with those of the first
=========================  ================================================================

With a loss that is a mean over showers and without dropout and batch statistics, a step is that of
one worker up to the order of sums. The angle's term, a mean over showers that have an angle, is
exact only where all have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from workers.models.gan3d.convolution import Tensor
from workers.models.gan3d.networks import Model
from workers.models.team import Team


class Share(NamedTuple):
    """Which showers of a batch are this worker's: the whole batch's number, and the first.

    A tuple, so that compiled functions take it apart.
    """

    batch: Tensor
    first: Tensor

    def of(self, values: Tensor, n: Tensor) -> Tensor:
        """This worker's n of values (k, B, ...) drawn for the batch."""
        return values[:, self.first : self.first + n]


def averaged(
    team: Team | None, network: Model, gradients: Sequence[Tensor], terms: Tensor, weight: Tensor
) -> tuple[list[Tensor], Tensor]:
    """Gradients and loss terms of the whole batch; the network's moving statistics follow.

    One message for all of them: its time is mostly that of setting out.

    Args:
        team: the workers; None leaves all as it is.
        network: whose update it is, after its forward pass.
        gradients: of its trainable variables, on this worker's share.
        terms: of the loss (k,).
        weight: b/B.
    """
    if team is None:
        return list(gradients), terms
    moving = [v for v in network.non_trainable_variables if _is_real(v)]
    given = [*gradients, terms, *(v.value for v in moving)]
    total = _total(team, weight * tf.concat([tf.reshape(t, [-1]) for t in given], axis=0))
    parts = tf.split(total, [int(np.prod(t.shape)) for t in given])
    means = [tf.reshape(part, t.shape) for part, t in zip(parts, given, strict=True)]
    n = len(gradients)
    for variable, mean in zip(moving, means[n + 1 :], strict=True):
        variable.assign(mean)
    return means[:n], means[n]


def _total(team: Team, values: Tensor) -> Tensor:
    """The sum over workers, in a compiled step."""
    total = tf.numpy_function(team.total, [values], tf.float32)
    total.set_shape(values.shape)
    return total


def agree(team: Team, variables: Sequence[Any]) -> None:
    """Give all workers the variables of the first, bit for bit.

    Processors of different kinds may differ in last bits, which would add up over steps.
    """
    real = [v for v in variables if _is_real(v)]
    arrays = [v.numpy() for v in real]
    flat = np.concatenate([a.ravel() for a in arrays]).astype(np.float32)
    total = team.total(flat if team.rank == 0 else np.zeros_like(flat))
    parts = np.split(total, np.cumsum([a.size for a in arrays])[:-1])
    for variable, part, array in zip(real, parts, arrays, strict=True):
        variable.assign(part.reshape(array.shape))


def _is_real(variable: Any) -> bool:
    """Counters are whole numbers, and alike in all workers or meant to differ."""
    return "int" not in str(variable.dtype)
