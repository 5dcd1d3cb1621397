"""Mutation of genes by parameter type.

*Genes* are a value for every parameter, inactive ones included. DEAP's crossover is
used as it is (see :mod:`metaopt.strategies.genetic`); its mutations know floats or bits
only, so the mutation of mixed genes is here, driven by the proposal's own generator.
"""

from __future__ import annotations

import numpy as np

from search_spaces.parameters import Categorical, Float, Int, Parameter, Value
from search_spaces.space import SearchSpace


def mutate(
    space: SearchSpace, genes: list[Value], rate: float, sigma: float, rng: np.random.Generator
) -> list[str]:
    """Change each gene with probability ``rate``, in place.

    Args:
        space: gives the parameters, in the order of ``genes``.
        genes: one value per parameter.
        rate: probability per gene.
        sigma: width of the Gaussian step, in units of the parameter's range.
        rng: of every draw.

    Returns:
        The names of the mutated parameters.
    """
    hit = np.flatnonzero(rng.random(len(genes)) < rate)
    for i in hit:
        genes[i] = step_value(space.parameters[i], genes[i], sigma, rng)
    return [space.names[i] for i in hit]


def step_value(p: Parameter, value: Value, sigma: float, rng: np.random.Generator) -> Value:
    """Another value of ``p``: a Gaussian step, at least one grid step, or another choice."""
    if isinstance(p, Categorical):
        rest = [choice for choice in p.choices if choice != value]
        return rest[int(rng.integers(len(rest)))] if rest else value
    moved = p.from_unit(_reflect(p.to_unit(value) + sigma * float(rng.normal())))
    if moved != value or p.low == p.high:
        return moved
    return _grid_step(p, value, rng)


def _reflect(u: float) -> float:
    """Fold into [0, 1]: clipping would pile offspring up on the bounds."""
    u = abs(u) % 2.0
    return 2.0 - u if u > 1.0 else u


def _grid_step(p: Float | Int, value: Value, rng: np.random.Generator) -> Value:
    """One step up or down, inward at a bound: otherwise a coarse grid would freeze the gene."""
    step = (p.step or 0.0) * (1 if rng.random() < 0.5 else -1)
    if not p.low <= float(value) + step <= p.high:
        step = -step
    moved = p.clip(float(value) + step)
    return moved if p.contains(moved) else value
