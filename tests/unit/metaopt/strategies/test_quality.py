"""Strategies that learn beat one that does not, on a function that none was tuned on.

A 10-dimensional mixed function with a region that diverges, 60 trials, mean of 2 seeds.
Random search passes none of the bounds, so a strategy that stopped learning fails here.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from metaopt.strategies.base import Observation, State
from metaopt.strategies.registry import make_strategy
from search_spaces.parameters import Categorical, Condition, Float, Int, Point
from search_spaces.space import SearchSpace

SEEDS = range(2)
TRIALS = 60

SPACE = SearchSpace(
    "quality",
    "toy",
    "default",
    (
        Float("g_rate", 1e-5, 1e-1, log=True),
        Float("d_rate", 1e-5, 1e-1, log=True),
        Float("weight_e", 0.01, 10.0, log=True),
        Float("weight_a", 0.01, 10.0, log=True),
        Float("power", 0.2, 1.0),
        Int("layers", 1, 6),
        Int("filters", 4, 128, log=True),
        Int("kernel", 3, 9, step=2, when=Condition.parse("layers >= 3")),
        Categorical("optimiser", ("adam", "rmsprop", "sgd")),
        Categorical("activation", ("relu", "leaky", "elu", "tanh")),
    ),
)


def evaluate(p: Point) -> float | None:
    """S of a configuration; None where the training diverges. About 0 at best."""
    g, d = math.log10(float(p["g_rate"])), math.log10(float(p["d_rate"]))
    best = {"adam": -3.0, "rmsprop": -3.5, "sgd": -2.0}[str(p["optimiser"])]
    if g > best + 0.8 or abs(g - d) > 2.2:
        return None
    s = 0.3 * (g - best) ** 2 + 0.2 * (d - g - 0.3) ** 2
    s += 0.15 * math.log10(float(p["weight_e"]) / 0.1) ** 2
    s += 0.1 * math.log10(float(p["weight_a"])) ** 2
    s += 1.5 * (float(p["power"]) - 0.75) ** 2
    s += 0.03 * (int(p["layers"]) - 4) ** 2 + 0.02 * (int(p.get("kernel", 3)) - 5) ** 2
    s += 0.04 * math.log2(int(p["filters"]) / 48) ** 2
    s += {"adam": 0.0, "rmsprop": 0.08, "sgd": 0.2}[str(p["optimiser"])]
    s += {"relu": 0.1, "leaky": 0.0, "elu": 0.06, "tanh": 0.3}[str(p["activation"])]
    return math.tanh(s)


def search(name: str, seed: int) -> tuple[float, float]:
    """Best score and share of failed trials of one study."""
    strategy = make_strategy(name, {})
    history: list[Observation] = []
    for number in range(TRIALS):
        rng = np.random.default_rng([seed, number])
        (proposal,) = strategy.propose(SPACE, history, (), 1, rng)
        score = evaluate(proposal.point)
        state = State.FAILED if score is None else State.COMPLETE
        told = 2.8 if score is None else score
        history.append(Observation(number, proposal.point, state, told, 9, (), proposal.note))
    failed = sum(o.state is State.FAILED for o in history)
    return min(o.score for o in history), failed / TRIALS


@cache
def results(name: str) -> tuple[float, float]:
    """Mean best score, and share of failed trials."""
    studies = [search(name, seed) for seed in SEEDS]
    return float(np.mean([s for s, _ in studies])), float(np.mean([f for _, f in studies]))


@pytest.mark.parametrize(("name", "share"), [("genetic", 0.65), ("bayesian", 0.3)])
def test_better_than_random(name: str, share: float) -> None:
    assert results(name)[0] < share * results("random")[0]


@pytest.mark.parametrize("name", ["genetic", "bayesian"])
def test_leaves_the_diverging_region(name: str) -> None:
    assert results("random")[1] > 0.35
    assert results(name)[1] < 0.35


if __name__ == "__main__":
    for each in ("random", "genetic", "bayesian"):
        print(each, *(f"{value:.3f}" for value in results(each)))
