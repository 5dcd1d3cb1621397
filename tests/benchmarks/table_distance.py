"""What a table of trials does to a strategy: how far its answers lie from its questions.

    python tests/benchmarks/table_distance.py results/trials-small.jsonl.gz --seeds 20

A proposal is answered with the nearest row that was not tried before. Prints the mean
distance of the two in the unit cube for each strategy, and what `bayesian` finds when it
may choose among the rows themselves, by the same expected improvement.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from metaopt.bench.clock import Setting, simulate
from metaopt.bench.problem import Training
from metaopt.bench.registry import make_labelled
from metaopt.bench.table import TrialTable, load_table
from metaopt.strategies.base import Observation, Proposal, Strategy
from metaopt.strategies.bayesian import Bayesian
from metaopt.strategies.pruning import NoPruning
from metaopt.strategies.surrogate import Surrogate
from search_spaces.parameters import Point
from search_spaces.space import Key, SearchSpace

STRATEGIES = ("random", "genetic", "tpe", "bayesian")


@dataclass
class Watched:
    """A table that notes how far each answer lies from its question."""

    table: TrialTable
    distances: list[float] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.table, name)

    def settle(self, point: Point, taken: Set[Key]) -> Point:
        found = self.table.settle(point, taken)
        asked, got = self.table.space.encode([point, found])
        self.distances.append(float(np.linalg.norm(asked - got)))
        return found

    def train(self, point: Point, seed: int) -> Training:
        return self.table.train(point, seed)

    def truth(self, point: Point) -> float:
        return self.table.truth(point)


@dataclass(frozen=True)
class AmongRows:
    """``bayesian``, but its candidates are the rows of the table."""

    rows: tuple[Point, ...]

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        plain = Bayesian()
        if len(history) + len(pending) < plain.initial:
            return plain.propose(space, history, pending, n, rng)
        surrogate = Surrogate.of(space, history).believing(pending)
        known = {space.key(o.point) for o in history} | {space.key(p) for p in pending}
        free = [row for row in self.rows if space.key(row) not in known]
        return [Proposal(free[int(np.argmax(surrogate.log_improvement(free)))])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=60)
    options = parser.parse_args()
    table = load_table(options.table)
    rows = tuple(rows[0].point for rows in table.configurations)
    found: dict[str, Strategy] = {name: make_labelled(name) for name in STRATEGIES}
    found["bayesian among the rows"] = AmongRows(rows)
    print("| strategy | mean distance | best S, mean | best row found |\n|---|---|---|---|")
    best = min(table.truth(row) for row in rows)
    with threadpool_limits(1):
        for name, strategy in found.items():
            watched = Watched(table)
            setting = Setting(options.trials, 1)
            ends = []
            for seed in range(options.seeds):
                made = simulate(watched, strategy, NoPruning(), setting, seed)  # type: ignore[arg-type]
                ends.append(min(made.ended, key=lambda e: (e.score, e.number)).truth)
            error = statistics.stdev(ends) / len(ends) ** 0.5
            hits = sum(end <= best for end in ends)
            distance = statistics.mean(watched.distances)
            mean = f"{statistics.mean(ends):.4f} ± {error:.4f}"
            print(f"| {name} | {distance:.2f} | {mean} | {hits} of {len(ends)} |", flush=True)


if __name__ == "__main__":
    main()
