"""Warm against cold start on another calorimeter: real trials, several seeds.

    python tests/benchmarks/warm_start.py results/trials-small.jsonl.gz --data pbwo4.h5 \
        --geometry pbwo4-10x10x8.toml --space tests/benchmarks/small.toml

The earlier study is a table of trials (``trial_table.py``) of another calorimeter. Each
seed is a search of its own: without it (cold), with its best points to begin with, and with
these and its scores (warm). Prints how
many trials each took to reach the best S that the cold search of the same seed found, and
the best S after some trials. Every trial is kept in ``--output``: run it again to go on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import trial_table

from metaopt.bench.table import load_table
from metaopt.preflight import Plan
from metaopt.strategies.base import Observation, State
from metaopt.strategies.bayesian import Bayesian
from metaopt.strategies.warm_start import transfer, transfer_scores

ARMS = ("cold", "points", "warm")
AFTER = (4, 8, 16)


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        plan = trial_table.planned(options, folder)
        done = load(options.output)
        for seed in range(options.seeds):
            for arm in ARMS:
                search(plan, options, done, arm, seed, folder)
    report(done, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("earlier", help="table of trials of the first calorimeter")
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--geometry", required=True)
    parser.add_argument("--space", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--showers", type=int, default=600, help="per epoch")
    parser.add_argument("--evaluation-showers", type=int, default=100, help="per score")
    parser.add_argument("--output", type=Path, default=Path("warm-start.jsonl"))
    return parser.parse_args()


def load(output: Path) -> list[dict[str, Any]]:
    return [json.loads(x) for x in output.read_text().splitlines()] if output.exists() else []


def search(
    plan: Plan,
    options: argparse.Namespace,
    done: list[dict[str, Any]],
    arm: str,
    seed: int,
    folder: str,
) -> None:
    """Run the rest of one search."""
    mine = [row for row in done if (row["arm"], row["search"]) == (arm, seed)]
    history = [observation(row, number) for number, row in enumerate(mine)]
    strategy = taught(plan, options.earlier, arm)
    for number in range(len(history), options.trials):
        rng = np.random.default_rng([seed, number])
        point = strategy.propose(plan.space, history, [], 1, rng)[0].point
        spec = trial_table.specification(plan, point, 1000 * seed + number, 0, folder)
        row = trial_table.record(spec) | {"arm": arm, "search": seed}
        trial_table.append(options.output, row)
        done.append(row)
        history.append(observation(row, number))
        print(f"{arm} {seed}: trial {number} S {row['score']:.3f}", file=sys.stderr)


def taught(plan: Plan, earlier: str, arm: str) -> Bayesian:
    if arm == "cold":
        return Bayesian()
    table = load_table(earlier)
    rows = [row for configuration in table.configurations for row in configuration[:1]]
    history = [
        Observation(i, row.point, State(row.outcome), row.score, table.epochs)
        for i, row in enumerate(rows)
    ]
    points = tuple(proposal.point for proposal in transfer(plan.space, [history]))
    scores = transfer_scores(plan.space, [history]) if arm == "warm" else []
    return Bayesian(warm=points, earlier=tuple(scores))


def observation(row: dict[str, Any], number: int) -> Observation:
    epochs = row["rungs"][-1]["epoch"] if row["rungs"] else 0
    return Observation(number, row["point"], State(row["outcome"]), row["score"], epochs)


def report(done: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """The table in Markdown."""
    best = {
        (arm, seed): np.minimum.accumulate(
            [row["score"] for row in done if (row["arm"], row["search"]) == (arm, seed)]
        )
        for arm in ARMS
        for seed in range(options.seeds)
    }
    heads = [f"S after {n}" for n in AFTER if n <= options.trials]
    print(f"| start | trials to the best S of the cold search | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 2) + "|")
    for arm in ARMS:
        taken = [first_at(best[arm, seed], best["cold", seed][-1]) for seed in range(options.seeds)]
        cells = [spread([best[arm, s][n - 1] for s in range(options.seeds)]) for n in AFTER]
        texts = [str(n) if n else f"> {options.trials}" for n in taken]
        print(f"| {arm} | {', '.join(texts)} | {' | '.join(cells)} |")


def first_at(best: Any, target: float) -> int:
    """After how many trials a search was at least that good; 0 if never."""
    reached = np.flatnonzero(best <= target)
    return int(reached[0]) + 1 if len(reached) else 0


def spread(values: list[float]) -> str:
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ± {error:.3f}"


if __name__ == "__main__":
    main()
