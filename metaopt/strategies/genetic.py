"""Steady-state genetic search on DEAP's operators.

There are no generations: each proposal rebuilds the population (the best 8 points so
far, which is what "replace the worst" leads to) from the history and makes one child.
No worker waits for a generation to end, and a restarted controller goes on as before.

DEAP's operators draw from Python's global ``random`` module. They run between a
seeding from the proposal's own generator and a restore of the module's state, so
that a proposal is a pure function and leaves nothing behind.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from deap import base, tools

from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.design import design_point, next_baseline
from metaopt.strategies.points import fresh_sample, in_turn
from metaopt.strategies.variation import mutate
from search_spaces.errors import ConfigError
from search_spaces.parameters import Point, Value
from search_spaces.space import SearchSpace

#: Families tried before a child is replaced by a uniform feasible point.
MAX_TRIES = 50
#: The global generator is shared by threads; one proposal at a time may borrow it.
_RANDOM_LOCK = threading.Lock()


class _Score(base.Fitness):  # type: ignore[misc]  # DEAP is untyped
    """S is minimised. A plain subclass: ``deap.creator`` is a global registry."""

    weights = (-1.0,)


@dataclass
class _Member:
    """An individual of the population; ``fitness`` is the name that DEAP expects."""

    number: int
    genes: list[Value]
    fitness: _Score


@dataclass(frozen=True)
class Genetic:
    """Steady-state genetic strategy.

    Attributes:
        population: how many of the best points may be parents; also the size of the
            initial design, baselines included.
        tournament: members compared to choose one parent.
        crossover: probability that a child has two parents.
        mutations: mean number of mutated genes; the rate per gene is at least 0.1.
        sigma: width of a mutation, in units of the parameter's range.

    Raises:
        ConfigError: an option out of range.
    """

    population: int = 8
    tournament: int = 3
    crossover: float = 0.7
    mutations: float = 1.2
    sigma: float = 0.2

    def __post_init__(self) -> None:
        if self.population < 2 or self.tournament < 1:
            raise ConfigError(
                "population >= 2 and tournament >= 1 must hold, got "
                f"population={self.population}, tournament={self.tournament}"
            )
        if not 0 <= self.crossover <= 1 or self.mutations <= 0 or self.sigma <= 0:
            raise ConfigError(
                "0 <= crossover <= 1, mutations > 0 and sigma > 0 must hold, got "
                f"crossover={self.crossover}, mutations={self.mutations}, sigma={self.sigma}"
            )

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """See :meth:`metaopt.strategies.base.Strategy.propose`."""
        parents = self._population(space, history, rng)

        def step(waiting: Sequence[Point], known: set[str]) -> Proposal:
            baseline = next_baseline(space, known)
            if baseline is not None:
                return baseline
            if len(history) + len(waiting) < self.population or len(parents) < 2:
                points = [o.point for o in history] + list(waiting)
                return design_point(space, points, known, self.population, rng)
            return self._child(space, parents, known, rng)

        return in_turn(space, history, pending, n, step)

    def _population(
        self, space: SearchSpace, history: Sequence[Observation], rng: np.random.Generator
    ) -> list[_Member]:
        """The best distinct points, failed ones only where no other exist.

        A pruned trial competes with its last score. Its budget is lower, so the score
        is more often too high than too low: a trial that pruning stopped displaces a
        complete one only by being better after less training.
        """
        alive = [o for o in history if o.state is not State.FAILED] or list(history)
        best: dict[str, Observation] = {}
        for o in sorted(alive, key=lambda o: (o.score, o.number)):
            best.setdefault(space.key(o.point), o)
        chosen = list(best.values())[: self.population]
        return [_Member(o.number, _genes(space, o, rng), _Score((o.score,))) for o in chosen]

    def _child(
        self,
        space: SearchSpace,
        parents: Sequence[_Member],
        known: set[str],
        rng: np.random.Generator,
    ) -> Proposal:
        for _ in range(MAX_TRIES):
            family, genes = self._mate(parents, rng)
            rate = max(self.mutations / len(genes), 0.1)
            mutated = mutate(space, genes, rate, self.sigma, rng)
            by_name = dict(zip(space.names, genes, strict=True))
            point = space.activate(by_name)
            # A child equal to a known point or infeasible is drawn anew, family and all.
            if space.key(point) not in known and space.is_feasible(point):
                return Proposal(point, _note(family, mutated, by_name, point))
        return Proposal(fresh_sample(space, known, rng), {"operators": "random"})

    def _mate(
        self, parents: Sequence[_Member], rng: np.random.Generator
    ) -> tuple[list[int], list[Value]]:
        """Numbers of the parents, and the genes of their child before mutation."""
        with _global_random(int(rng.integers(2**63))):
            first, second = tools.selTournament(parents, 2, tournsize=self.tournament)
            genes, other = list(first.genes), list(second.genes)
            if first is second or random.random() >= self.crossover:  # noqa: S311
                return [first.number], genes
            tools.cxUniform(genes, other, indpb=0.5)
            return [first.number, second.number], genes


@contextmanager
def _global_random(seed: int) -> Iterator[None]:
    with _RANDOM_LOCK:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


def _genes(space: SearchSpace, o: Observation, rng: np.random.Generator) -> list[Value]:
    """A value for every parameter: the point's, else the carried one, else a random one."""
    carried = json.loads(o.note.get("inactive", "{}"))
    random_genes = space.genes(rng.random(len(space.parameters)))
    genes = []
    for p in space.parameters:
        value = o.point.get(p.name, carried.get(p.name))
        genes.append(value if p.contains(value) else random_genes[p.name])
    return genes


def _note(
    family: Sequence[int], mutated: Sequence[str], genes: dict[str, Value], point: Point
) -> dict[str, str]:
    """Lineage for people, and the inactive genes, which children inherit."""
    operators = ["crossover"] if len(family) > 1 else []
    operators += [f"mutation({', '.join(mutated)})"] if mutated else []
    note = {"parents": ", ".join(map(str, family)), "operators": " + ".join(operators)}
    inactive = {name: value for name, value in genes.items() if name not in point}
    return note | ({"inactive": json.dumps(inactive)} if inactive else {})
