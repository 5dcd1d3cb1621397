"""Recombination and mutation of genes by parameter type.

*Genes* are a value for every parameter, inactive ones included. DEAP's uniform crossover
is used as it is (see :mod:`metaopt.strategies.genetic`); its other operators know floats
or bits only, so those of mixed genes are here, driven by the proposal's own generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_spaces.parameters import Categorical, Float, Int, Parameter, Value
from search_spaces.space import SearchSpace

#: How far beyond its parents a blended number may lie, as a share of their distance.
BEYOND = 0.25


def blend(
    space: SearchSpace,
    genes: list[Value],
    first: Sequence[Value],
    second: Sequence[Value],
    rng: np.random.Generator,
) -> None:
    """Draw every number in which two parents differ between them, or a little beyond.

    The blend crossover of Eshelman and Schaffer (Foundations of Genetic Algorithms 2,
    1993, p. 187) in the unit interval of each parameter. Choices stay as they are.

    Args:
        space: gives the parameters, in the order of all genes.
        genes: of the child, changed in place.
        first: genes of one parent.
        second: genes of the other.
        rng: of every draw.
    """
    for i, p in enumerate(space.parameters):
        if not isinstance(p, Categorical) and first[i] != second[i]:
            low, high = sorted((p.to_unit(first[i]), p.to_unit(second[i])))
            u = float(rng.uniform(-BEYOND, 1.0 + BEYOND))
            genes[i] = p.from_unit(low + u * (high - low))  # beyond a bound, the bound


def mutate(
    space: SearchSpace, genes: dict[str, Value], rate: float, sigma: float, rng: np.random.Generator
) -> list[str]:
    """Change each gene with probability ``rate``, in place.

    Args:
        space: gives the parameters.
        genes: a value for every parameter.
        rate: probability per gene that can vary.
        sigma: width of the Gaussian step, in units of the parameter's range.
        rng: of every draw.

    Returns:
        The names of the mutated parameters.
    """
    hit = [
        p for p, u in zip(space.varying, rng.random(len(space.varying)), strict=True) if u < rate
    ]
    for p in hit:
        genes[p.name] = step_value(p, genes[p.name], sigma, rng)
    return [p.name for p in hit]


def step_value(p: Parameter, value: Value, sigma: float, rng: np.random.Generator) -> Value:
    """Another value of ``p``: a Gaussian step, at least one grid step, or another choice."""
    if isinstance(p, Categorical):
        rest = [choice for choice in p.choices if choice != value]
        return rest[int(rng.integers(len(rest)))] if rest else value
    moved = p.from_unit(_reflect(p.to_unit(value) + sigma * float(rng.normal())))
    return moved if moved != value else _grid_step(p, value, rng)


def _reflect(u: float) -> float:
    """Fold into [0, 1]: clipping would pile offspring up on the bounds."""
    u = abs(u) % 2.0
    return 2.0 - u if u > 1.0 else u


def _grid_step(p: Float | Int, value: Value, rng: np.random.Generator) -> Value:
    """One step up or down, inward at a bound: otherwise a coarse grid would freeze the gene."""
    step = (p.step or 0.0) * (1 if rng.random() < 0.5 else -1)
    if not p.low <= float(value) + step <= p.high:
        step = -step
    return p.clip(float(value) + step)
