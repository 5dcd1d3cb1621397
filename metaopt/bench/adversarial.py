"""A 15-dimensional problem that behaves like the search for a 3DGAN.

Made up, but with the traits that such searches have: layers that exist only in deeper
networks; two learning rates that must fit each other, the optimiser and the batch; a
balance of generator and discriminator; two fifths of the space that diverge; curves that
sink and rise again where the discriminator is too strong. Its optimum lies off the middle
of every range, where some optimisers begin. No strategy was tuned on it.

Notation: g, d are log10 of the learning rates of generator and discriminator, c_g and
c_d log2 of their capacities (filters times layers), b = log2(batch / 64).
"""

from __future__ import annotations

import math

from metaopt.bench.synthetic import Response, Synthetic
from search_spaces.parameters import Categorical, Condition, Float, Int, Point
from search_spaces.space import SearchSpace

EPOCHS = 9

SPACE = SearchSpace(
    "gan15",
    "toy",
    "default",
    (
        Int("g_layers", 2, 4),
        Int("g_filters", 4, 64, log=True),
        Int("g3_filters", 4, 32, log=True, when=Condition.parse("g_layers >= 3")),
        Int("g4_kernel", 3, 7, when=Condition.parse("g_layers >= 4")),
        Int("d_layers", 2, 5),
        Int("d_filters", 4, 64, log=True),
        Int("latent", 8, 256, log=True),
        Categorical("activation", ("leaky", "relu", "elu")),
        Categorical("optimiser", ("adam", "rmsprop", "sgd")),
        Float("beta", 0.0, 0.95, when=Condition.parse("optimiser == adam")),
        Float("g_rate", 1e-5, 1e-1, log=True),
        Float("d_rate", 1e-5, 1e-1, log=True),
        Float("energy_weight", 0.01, 10.0, log=True),
        Int("batch", 8, 256, log=True),
        Float("power", 0.3, 1.0),
    ),
)

#: log10 of the best learning rate at batch 64, and what the optimiser costs at its best.
OPTIMISERS = {"adam": (-3.8, 0.0), "rmsprop": (-3.5, 0.06), "sgd": (-2.2, 0.25)}
ACTIVATIONS = {"leaky": 0.0, "relu": 0.12, "elu": 0.05}


def response(point: Point) -> Response:
    """What a configuration of the space is like; S between about 0.2 and 2.6."""
    g, d = _log(point, "g_rate"), _log(point, "d_rate")
    best, cost = OPTIMISERS[str(point["optimiser"])]
    best += 0.1 * math.log2(int(point["batch"]) / 64)
    lead = d - g - 0.4
    loss = cost + ACTIVATIONS[str(point["activation"])]
    loss += 0.22 * (g - best) ** 2 + 0.18 * lead**2
    loss += _architecture(point) + _weights(point)
    return Response(
        score=0.2 + 2.4 * (1.0 - math.exp(-loss / 1.6)),
        seconds=_seconds(point),
        # Small steps and deep networks, often good in the end, are slow.
        pace=0.1 + 0.1 * max(best - g + 1.0, 0.0) + 0.2 * (int(point["g_layers"]) - 2),
        ripple=0.15 + 0.2 * max(g - best, 0.0),
        dip=0.4 * max(lead, 0.0),
        fails_at=_failure(g - best, lead, point),
    )


def _architecture(point: Point) -> float:
    """What capacity, its balance, the latent size and the deeper layers cost."""
    g_capacity = math.log2(int(point["g_filters"]) * int(point["g_layers"]))
    d_capacity = math.log2(int(point["d_filters"]) * int(point["d_layers"]))
    loss = 0.03 * (g_capacity - d_capacity - 0.5) ** 2
    loss += 0.5 * math.exp(-0.35 * (g_capacity - 3.0))
    loss += 0.03 * (math.log2(int(point["latent"])) - 4.5) ** 2
    if "g3_filters" in point:
        loss += 0.04 * (math.log2(int(point["g3_filters"])) - 4.3) ** 2 - 0.12
    if "g4_kernel" in point:
        loss += 0.03 * (int(point["g4_kernel"]) - 4) ** 2 - 0.04
    return loss


def _weights(point: Point) -> float:
    """What loss weight, data transform and momentum cost; the first two depend on each other."""
    power = float(point["power"])
    weight = _log(point, "energy_weight") + 1.2 + 1.5 * (power - 0.85)
    momentum = float(point.get("beta", 0.25))
    return 0.12 * weight**2 + 1.2 * (power - 0.85) ** 2 + 0.3 * (momentum - 0.25) ** 2


def _failure(step: float, lead: float, point: Point) -> int | None:
    """The epoch of divergence: steps too large for the depth, or one player far ahead."""
    depth = 0.25 * (int(point["g_layers"]) + int(point["d_layers"]) - 5)
    excess = max(step - 1.5 + depth, abs(lead) - 2.2)
    return None if excess <= 0 else max(1, round((1.0 - excess) * EPOCHS / 2))


def _seconds(point: Point) -> float:
    """Of one epoch: layers and filters cost, and so do small batches."""
    g = int(point["g_filters"]) * int(point["g_layers"])
    d = int(point["d_filters"]) * int(point["d_layers"])
    return (2.0 + 0.05 * (g + d)) * (1.0 + 8.0 / int(point["batch"]))


def _log(point: Point, name: str) -> float:
    return math.log10(float(point[name]))


def gan15(noise: float = 0.0) -> Synthetic:
    """The problem; ``noise`` is the standard deviation of the final S between seeds."""
    return Synthetic("gan15", SPACE, response, EPOCHS, noise)
