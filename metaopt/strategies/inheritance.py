"""What a child inherits beside its parents' points: the note of a genetic trial.

The note holds the parents and operators for people, and for the children of the trial its
inactive genes (json) and step sizes. So the strategy needs no memory of its own, and a
note of another strategy, or none, does no harm.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from metaopt.strategies.base import Observation
from search_spaces.parameters import Point, Value
from search_spaces.space import SearchSpace


def inherited_genes(space: SearchSpace, o: Observation, rng: np.random.Generator) -> list[Value]:
    """A value for every parameter: the point's, else the carried one, else a random one."""
    carried = _inactive(o)
    random_genes = space.genes(rng.random(len(space.parameters)))
    genes = []
    for p in space.parameters:
        value: Any = o.point.get(p.name, carried.get(p.name))
        genes.append(value if p.contains(value) else random_genes[p.name])
    return genes


def _inactive(o: Observation) -> Mapping[str, Any]:
    """The values that a trial's note carries; none where another strategy wrote something else."""
    try:
        carried = json.loads(o.note.get("inactive", "{}"))
    except ValueError:
        return {}
    return carried if isinstance(carried, dict) else {}


def inherited_step(o: Observation, name: str, default: float) -> float:
    """A positive number of a trial's note; ``default`` where there is none."""
    try:
        value = float(o.note.get(name, default))
    except ValueError:
        return default
    return value if 0 < value < math.inf else default


def genetic_note(
    parents: Sequence[int],
    operators: Sequence[str],
    steps: Mapping[str, float],
    genes: Mapping[str, Value],
    point: Point,
) -> dict[str, str]:
    """The note of a child.

    Args:
        parents: their trial numbers.
        operators: what was done to their genes, in order.
        steps: the child's own step sizes.
        genes: a value for every parameter.
        point: the active ones.
    """
    note = {"parents": ", ".join(map(str, parents)), "operators": " + ".join(operators)}
    note |= {name: f"{value:.4g}" for name, value in steps.items()}
    inactive = {name: value for name, value in genes.items() if name not in point}
    return note | ({"inactive": json.dumps(inactive)} if inactive else {})
