"""A comparison in numbers.

Ranks are taken among the strategies that met on one problem with one seed, 1 for the
lowest final S, the mean rank for ties. Their error counts the scatter between seeds only:
the problems are what they are, not a sample of all problems.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from metaopt.bench.comparison import Comparison
from metaopt.bench.results import Result
from search_spaces.space import Array


@dataclass(frozen=True)
class Target:
    """What random search reaches on a problem with many full trials.

    Attributes:
        score: median over seeds of its final S without noise.
        compute: median over seeds of its worker seconds.
    """

    problem: str
    trials: int
    score: float
    compute: float


@dataclass(frozen=True)
class Line:
    """A strategy on a problem.

    Attributes:
        median, lower, upper: of the final S without noise, with its quartiles.
        rank, rank_error: mean over seeds, and its standard error; NaN for one seed.
        cost: median over seeds of the worker seconds to the target's score, as a share of
            the target's compute; infinity where half of the studies never came there.
        reached: share of the studies that came there.
        failed, pruned: share of the trials.
        idle: share of the workers' time without work.
        controller_seconds: CPU time of the controller per trial.
    """

    problem: str
    strategy: str
    median: float
    lower: float
    upper: float
    rank: float
    rank_error: float
    cost: float
    reached: float
    failed: float
    pruned: float
    idle: float
    controller_seconds: float


@dataclass(frozen=True)
class Overall:
    """A strategy over all problems, each of which counts alike.

    Attributes:
        rank, rank_error: mean over problems of the mean rank, and its error from the seeds.
        cost: geometric mean of the costs; infinity if one of them is.
        reached: share of the studies that came to their target.
        idle: mean over problems of the share of the workers' time without work.
        controller_seconds: mean over problems of the CPU time of the controller per trial.
    """

    strategy: str
    rank: float
    rank_error: float
    cost: float
    reached: float
    idle: float
    controller_seconds: float


def targets(comparison: Comparison) -> list[Target]:
    """The yardstick of each problem."""
    found = []
    for problem in comparison.design.problems:
        long = [r for r in comparison.yardstick if r.problem == problem]
        score = float(np.median([r.final for r in long]))
        compute = float(np.median([r.compute for r in long]))
        found.append(Target(problem, long[0].trials, score, compute))
    return found


def lines(comparison: Comparison) -> list[Line]:
    """Every strategy on every problem, the best rank first within a problem."""
    found: list[Line] = []
    for target in targets(comparison):
        met = [r for r in comparison.results if r.problem == target.problem]
        ranks = _ranks(met, comparison.design.strategies)
        of_problem = [
            _line([r for r in met if r.strategy == name], ranks[i], target)
            for i, name in enumerate(comparison.design.strategies)
        ]
        found += sorted(of_problem, key=lambda line: line.rank)
    return found


def overall(comparison: Comparison) -> list[Overall]:
    """Every strategy over all problems, the best rank first."""
    found = lines(comparison)
    by_name = [
        _overall([line for line in found if line.strategy == name])
        for name in comparison.design.strategies
    ]
    return sorted(by_name, key=lambda line: line.rank)


def _ranks(met: Sequence[Result], strategies: Sequence[str]) -> Array:
    """Ranks of shape (strategies, seeds)."""
    finals = [[r.final for r in met if r.strategy == name] for name in strategies]
    return np.asarray(rankdata(np.array(finals), axis=0), dtype=np.float64)


def _line(studies: Sequence[Result], ranks: Array, target: Target) -> Line:
    lower, median, upper = np.quantile([r.final for r in studies], [0.25, 0.5, 0.75])
    costs = [r.compute_to(target.score) / target.compute for r in studies]
    trials = sum(r.trials for r in studies)
    return Line(
        problem=target.problem,
        strategy=studies[0].strategy,
        median=float(median),
        lower=float(lower),
        upper=float(upper),
        rank=float(ranks.mean()),
        rank_error=_standard_error(ranks),
        cost=_median(costs),
        reached=float(np.isfinite(costs).mean()),
        failed=sum(r.failed for r in studies) / trials,
        pruned=sum(r.pruned for r in studies) / trials,
        idle=float(np.mean([r.idle for r in studies])),
        controller_seconds=float(np.mean([r.controller_seconds for r in studies])),
    )


def _overall(found: Sequence[Line]) -> Overall:
    errors = np.array([line.rank_error for line in found])
    costs = [line.cost for line in found]
    return Overall(
        strategy=found[0].strategy,
        rank=float(np.mean([line.rank for line in found])),
        rank_error=float(np.sqrt((errors**2).sum()) / len(found)),
        cost=math.exp(float(np.mean(np.log(costs)))),
        reached=float(np.mean([line.reached for line in found])),
        idle=float(np.mean([line.idle for line in found])),
        controller_seconds=float(np.mean([line.controller_seconds for line in found])),
    )


def _median(costs: Sequence[float]) -> float:
    """The upper median: of an even number the later one, so that infinity stays what it is."""
    return sorted(costs)[len(costs) // 2]


def _standard_error(ranks: Array) -> float:
    n = len(ranks)
    return float(ranks.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan
