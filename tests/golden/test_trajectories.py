"""Trajectories at a fixed seed: a change of behaviour must be meant, and be seen in review.

Record them again with ``python tests/golden/test_trajectories.py``, and say in the commit
message why they changed.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaopt.strategies.base import Observation, State
from metaopt.strategies.registry import STRATEGIES, make_strategy
from search_spaces.parameters import Categorical, Condition, Float, Int, Point
from search_spaces.space import Baseline, SearchSpace

FILE = Path(__file__).with_name("trajectories.json")
TRIALS = 20
SPACE = SearchSpace(
    "golden",
    "toy",
    "default",
    (
        Float("rate", 1e-5, 1e-1, log=True),
        Float("power", 0.2, 1.0),
        Int("layers", 1, 4),
        Int("kernel", 2, 7, when=Condition.parse("layers >= 3")),
        Categorical("activation", ("relu", "elu", "tanh")),
    ),
    (Baseline("published", {"rate": 1e-3, "power": 1.0, "layers": 2, "activation": "relu"}),),
)


def evaluate(number: int, p: Point) -> tuple[State, float]:
    rate = math.log10(float(p["rate"]))
    if rate > -1.8:
        return State.FAILED, 2.8
    s = 0.3 * (rate + 3.4) ** 2 + (float(p["power"]) - 0.7) ** 2 + 0.05 * abs(int(p["layers"]) - 3)
    s += {"relu": 0.1, "elu": 0.0, "tanh": 0.3}[str(p["activation"])]
    return (State.PRUNED if number % 6 == 5 else State.COMPLETE), s


def trajectory(name: str) -> list[dict[str, Any]]:
    """Proposed points of a study with two trials running, and their lineage."""
    strategy = make_strategy(name, {})
    history: list[Observation] = []
    steps: list[dict[str, Any]] = []
    for number in range(TRIALS):
        done, running = history[:-2], [o.point for o in history[-2:]]
        rng = np.random.default_rng([1, number])
        (proposal,) = strategy.propose(SPACE, done, running, 1, rng)
        state, s = evaluate(number, proposal.point)
        metrics = {"ms_per_shower": 2.0 ** int(proposal.point["layers"])}
        history.append(Observation(number, proposal.point, state, s, 9, (), proposal.note, metrics))
        steps.append({"point": dict(proposal.point), "note": dict(proposal.note)})
    return steps


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_trajectory_is_as_recorded(name: str) -> None:
    recorded = json.loads(FILE.read_text())[name]
    for number, (got, want) in enumerate(zip(trajectory(name), recorded, strict=True)):
        same = got["note"] == want["note"] and same_point(got["point"], want["point"])
        assert same, (
            f"trial {number} of {name!r} was {want}, is {got}; if that is meant, record it: "
            "python tests/golden/test_trajectories.py"
        )


def same_point(got: Point, want: Point) -> bool:
    """Equal, numbers to 1e-6: linear algebra differs in the last digits between machines."""
    return got.keys() == want.keys() and all(
        got[k] == pytest.approx(v, rel=1e-6) if isinstance(v, float) else got[k] == v
        for k, v in want.items()
    )


if __name__ == "__main__":
    FILE.write_text(json.dumps({n: trajectory(n) for n in sorted(STRATEGIES)}, indent=1) + "\n")
