"""Strategies on problems, each from several seeds, in parallel processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from metaopt.bench.clock import Setting, Simulation, simulate
from metaopt.bench.registry import make_labelled, make_labelled_pruning, make_problem
from metaopt.bench.results import Result, summarise
from metaopt.population.options import PopulationTraining
from search_spaces.errors import ConfigError

#: The yardstick: what random search reaches with so many trials, none of them pruned.
YARDSTICK, YARDSTICK_TRIALS = "random", 200
#: The peer that brings its own pruning: a study of plain Optuna.
HYPERBAND = "tpe-hyperband"


@dataclass(frozen=True)
class Design:
    """What is compared.

    Attributes:
        problems: names, as of :func:`metaopt.bench.registry.make_problem`.
        strategies: labels, as of :func:`metaopt.bench.registry.make_labelled`, and
            ``tpe-hyperband`` (:mod:`metaopt.bench.hyperband`), on one worker only.
        setting: of every study.
        seeds: studies of each strategy on each problem; they begin at ``seed``.
        pruning: label of the pruning rule.

    Raises:
        InputError: anything that could not be run; before the first study.
    """

    problems: tuple[str, ...]
    strategies: tuple[str, ...]
    setting: Setting = field(default_factory=Setting)
    seeds: int = 10
    seed: int = 0
    pruning: str = "none"

    def __post_init__(self) -> None:
        if self.seeds < 1 or self.seed < 0 or not self.problems or not self.strategies:
            raise ConfigError(
                "a comparison needs at least one problem, strategy and seed, and seed >= 0; got "
                f"{len(self.problems)}, {len(self.strategies)}, {self.seeds} and {self.seed}"
            )
        for names in (self.problems, self.strategies):
            if len(set(names)) != len(names):
                raise ConfigError(f"problems and strategies must differ, got {', '.join(names)}")
        for label in self.strategies:
            if label != HYPERBAND:
                if isinstance(make_labelled(label), PopulationTraining):
                    raise ConfigError(
                        f"a problem answers whole trials, and {label} is one training of several "
                        "members; compare populations with real ones (metaopt run)"
                    )
            elif self.setting.workers > 1:
                raise ConfigError(f"{label} needs workers = 1, got {self.setting.workers}")
        for problem in map(make_problem, self.problems):
            if problem.size is not None and problem.size < self.setting.trials:
                raise ConfigError(
                    f"{problem.name} has {problem.size} configurations, got "
                    f"{self.setting.trials} trials; ask for fewer"
                )
        make_labelled_pruning(self.pruning)


@dataclass(frozen=True)
class Study:
    """One study of a comparison."""

    problem: str
    strategy: str
    setting: Setting
    pruning: str
    seed: int

    def run(self) -> Result:
        """Simulate it on one thread: sums then do not depend on the machine's cores."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            made = self._simulated()
        return summarise(self.problem, self.strategy, self.seed, made)

    def _simulated(self) -> Simulation:
        problem = make_problem(self.problem)
        if self.strategy == HYPERBAND:
            from metaopt.bench import hyperband  # imports Optuna: a second

            return hyperband.simulate(problem, self.setting.trials, self.seed)
        strategy, pruning = make_labelled(self.strategy), make_labelled_pruning(self.pruning)
        return simulate(problem, strategy, pruning, self.setting, self.seed)


@dataclass(frozen=True)
class Comparison:
    """All results, in order of problem, strategy and seed, and those of the yardstick."""

    design: Design
    results: tuple[Result, ...]
    yardstick: tuple[Result, ...]


def compare(
    design: Design, processes: int = 1, tell: Callable[[int, int], None] = lambda *_: None
) -> Comparison:
    """Run every study of a design.

    Args:
        design: what is compared.
        processes: studies at once; the results do not depend on it.
        tell: is told how many studies are done, of how many.
    """
    studies, yardstick = _studies(design), _yardstick(design)
    results = _run_all([*studies, *yardstick], processes, tell)
    return Comparison(design, tuple(results[: len(studies)]), tuple(results[len(studies) :]))


def _studies(design: Design) -> list[Study]:
    return [
        Study(problem, strategy, design.setting, design.pruning, seed)
        for problem in design.problems
        for strategy in design.strategies
        for seed in range(design.seed, design.seed + design.seeds)
    ]


def _yardstick(design: Design) -> list[Study]:
    """Long random searches on each problem."""
    settings = {
        name: Setting(_yardstick_trials(name), design.setting.workers) for name in design.problems
    }
    return [
        Study(name, YARDSTICK, setting, "none", seed)
        for name, setting in settings.items()
        for seed in range(design.seed, design.seed + design.seeds)
    ]


def _yardstick_trials(problem: str) -> int:
    """At most half of a table: all of it holds the best there is, which nobody can beat."""
    size = make_problem(problem).size
    return YARDSTICK_TRIALS if size is None else min(YARDSTICK_TRIALS, max(size // 2, 1))


def _run_all(
    studies: Sequence[Study], processes: int, tell: Callable[[int, int], None]
) -> list[Result]:
    results: list[Result | None] = [None] * len(studies)
    with _pool(processes) as run:
        for done, (place, result) in enumerate(run(studies), start=1):
            results[place] = result
            tell(done, len(studies))
    return [result for result in results if result is not None]


@contextmanager
def _pool(processes: int) -> Iterator[Callable[[Sequence[Study]], Iterator[tuple[int, Result]]]]:
    """Runs studies here, or in other processes; gives places and results as they come."""
    if processes == 1:
        yield lambda studies: ((i, study.run()) for i, study in enumerate(studies))
        return
    # Not forked: a library's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:

        def run(studies: Sequence[Study]) -> Iterator[tuple[int, Result]]:
            places: dict[Any, int] = {pool.submit(s.run): i for i, s in enumerate(studies)}
            return ((places[made], made.result()) for made in as_completed(places))

        yield run
