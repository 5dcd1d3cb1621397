"""Steady-state genetic search on DEAP's operators.

There are no generations: each proposal rebuilds the population (the best 8 points so
far, which is what "replace the worst" leads to) from the history and makes one child.
No worker waits for a generation to end, and a restarted controller goes on as before.
What "best" means is a :data:`Selection`: here the lowest scores, in
:mod:`metaopt.strategies.nsga2` two objectives.

A child comes about in three steps: genes of one or two parents, moves on the layers of
its networks, mutations. Of a few children the most promising one is trained
(:mod:`metaopt.strategies.screening`): on three functions with one and eight workers, ten
seeds, the mean rank of the search among six fell from 3.0 to 2.6.

With ``learning`` above 0, the width and the number of a child's mutations are its parents'
times a log-normal factor (Schwefel's self-adaptation; Beyer and Schwefel, Natural
Computing 1 (2002) 3, section 5). In the few generations of 100 to 200 trials that is no
better than fixed steps, so it is off by default.

DEAP's operators draw from Python's global ``random`` module. They run between a
seeding from the proposal's own generator and a restore of the module's state, so
that a proposal is a pure function and leaves nothing behind.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from deap import tools

from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.design import design_point, next_baseline
from metaopt.strategies.inheritance import genetic_note, inherited_genes, inherited_step
from metaopt.strategies.layers import Stack, stacks
from metaopt.strategies.points import in_turn, random_proposal
from metaopt.strategies.screening import most_promising
from metaopt.strategies.variation import blend, mutate
from metaopt.strategies.warm_start import next_warm
from search_spaces.errors import ConfigError
from search_spaces.parameters import Point, Value
from search_spaces.space import Key, SearchSpace

#: Families tried before a child is replaced by a uniform feasible point.
MAX_TRIES = 50
#: Range in which the width of a mutation adapts, in units of a parameter's range.
SIGMA_RANGE = (0.01, 0.5)
#: Fewest mutated genes on average, and the largest share of all: beyond, a child is a
#: copy or has nothing of its parents.
MIN_MUTATIONS, MAX_SHARE = 0.5, 0.5
#: The global generator is shared by threads; one proposal at a time may borrow it.
_RANDOM_LOCK = threading.Lock()


#: How good a member is: of those in a tournament, the one with the greatest is a parent.
Merit: TypeAlias = tuple[float, ...]
#: Chooses at most so many of the trials as parents, and says how good each of them is. The
#: trials have distinct points, in order of score.
Selection: TypeAlias = Callable[[Sequence[Observation], int], list[tuple[Observation, Merit]]]


@dataclass
class _Member:
    """An individual of the population."""

    number: int
    genes: list[Value]
    merit: Merit
    sigma: float
    mutations: float


def lowest_scores(trials: Sequence[Observation], size: int) -> list[tuple[Observation, Merit]]:
    """The first ``size`` trials, the better ones of the lower score."""
    return [(o, (-o.score,)) for o in trials[:size]]


@dataclass(frozen=True)
class Genetic:
    """Steady-state genetic strategy.

    Attributes:
        population: how many of the best points may be parents; also the size of the
            initial design, baselines included.
        tournament: members compared to choose one parent.
        crossover: probability that a child has two parents.
        structure: probability of a move on the layers, for each network that has any.
        mutations: mean number of mutated active genes.
        sigma: width of a mutation, in units of the parameter's range.
        learning: width of the log-normal factor by which a child's own ``mutations`` and
            ``sigma`` differ from its parents'; 0 keeps both fixed.
        candidates: children made for each that is trained; 1 trains whatever comes.
        warm: points to begin with after the baselines, such as those of
            :func:`metaopt.strategies.warm_start.transfer`.

    Raises:
        ConfigError: an option out of range.
    """

    population: int = 8
    tournament: int = 3
    crossover: float = 0.7
    structure: float = 0.2
    mutations: float = 1.2
    sigma: float = 0.2
    learning: float = 0.0
    candidates: int = 5
    warm: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        if self.population < 2 or self.tournament < 1 or self.candidates < 1:
            raise ConfigError(
                "population >= 2, tournament >= 1 and candidates >= 1 must hold, got "
                f"population={self.population}, tournament={self.tournament}, "
                f"candidates={self.candidates}"
            )
        if not (0 <= self.crossover <= 1 and 0 <= self.structure <= 1):
            raise ConfigError(
                "0 <= crossover <= 1 and 0 <= structure <= 1 must hold, got "
                f"crossover={self.crossover}, structure={self.structure}"
            )
        if self.mutations <= 0 or self.sigma <= 0 or self.learning < 0:
            raise ConfigError(
                "mutations > 0, sigma > 0 and learning >= 0 must hold, got "
                f"mutations={self.mutations}, sigma={self.sigma}, learning={self.learning}"
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
        return self.breed(lowest_scores, space, history, pending, n, rng)

    def breed(
        self,
        select: Selection,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """As :meth:`propose`, with the parents that ``select`` chooses."""
        parents = self._population(select, space, history, rng)
        networks = stacks(space)

        def step(waiting: Sequence[Point], known: set[Key]) -> Proposal:
            given = next_baseline(space, known) or next_warm(space, self.warm, known)
            if given is not None:
                return given
            if len(history) + len(waiting) < self.population or len(parents) < 2:
                points = [o.point for o in history] + list(waiting)
                return design_point(space, points, known, self.population, rng)
            children = [
                self._child(space, networks, parents, known, rng) for _ in range(self.candidates)
            ]
            return children[most_promising(space, [c.point for c in children], history)]

        return in_turn(space, history, pending, n, step)

    def _population(
        self,
        select: Selection,
        space: SearchSpace,
        history: Sequence[Observation],
        rng: np.random.Generator,
    ) -> list[_Member]:
        """The best distinct points, failed ones only where no other exist.

        A pruned trial competes with its last score. Its budget is lower, so the score
        is more often too high than too low: a trial that pruning stopped displaces a
        complete one only by being better after less training.
        """
        alive = [o for o in history if o.state is not State.FAILED] or list(history)
        best: dict[Key, Observation] = {}
        for o in sorted(alive, key=lambda o: (o.score, o.number)):
            best.setdefault(space.key(o.point), o)
        chosen = select(list(best.values()), self.population)
        return [self._member(space, o, merit, rng) for o, merit in chosen]

    def _member(
        self, space: SearchSpace, o: Observation, merit: Merit, rng: np.random.Generator
    ) -> _Member:
        return _Member(
            o.number,
            inherited_genes(space, o, rng),
            merit,
            inherited_step(o, "sigma", self.sigma),
            inherited_step(o, "mutations", self.mutations),
        )

    def _child(
        self,
        space: SearchSpace,
        networks: Sequence[Stack],
        parents: Sequence[_Member],
        known: set[Key],
        rng: np.random.Generator,
    ) -> Proposal:
        for _ in range(MAX_TRIES):
            family, values, operators = self._mate(space, parents, rng)
            steps = self._steps(family, rng)
            genes = dict(zip(space.names, values, strict=True))
            for network in networks:
                moves = network.moves(genes)
                if moves and rng.random() < self.structure:
                    operators.append(network.apply(rng.choice(moves), genes, steps["sigma"], rng))
            active = space.activate(genes)
            varying = sum(p.name in active for p in space.varying)
            rate = min(steps["mutations"] / max(varying, 1), MAX_SHARE)
            mutated = mutate(space, genes, rate, steps["sigma"], rng)
            operators += [f"mutation({', '.join(mutated)})"] if mutated else []
            point = space.activate(genes)
            # A child equal to a known point or infeasible is drawn anew, family and all.
            if space.key(point) not in known and space.is_feasible(point):
                own = steps if self.learning else {}
                numbers = [member.number for member in family]
                return Proposal(point, genetic_note(numbers, operators, own, genes, point))
        return random_proposal(space, known, rng)

    def _mate(
        self, space: SearchSpace, parents: Sequence[_Member], rng: np.random.Generator
    ) -> tuple[list[_Member], list[Value], list[str]]:
        """The parents, the genes of their child before mutation, and the operators."""
        with _global_random(int(rng.integers(2**63))):
            first, second = tools.selTournament(parents, 2, self.tournament, fit_attr="merit")
            genes, other = list(first.genes), list(second.genes)
            if first is second or random.random() >= self.crossover:  # noqa: S311
                return [first], genes, []
            tools.cxUniform(genes, other, indpb=0.5)
        blend(space, genes, first.genes, second.genes, rng)
        return [first, second], genes, ["crossover"]

    def _steps(self, family: Sequence[_Member], rng: np.random.Generator) -> dict[str, float]:
        """A child's own step sizes: the geometric mean of its parents', varied."""
        sigma = math.prod(m.sigma for m in family) ** (1 / len(family))
        mutations = math.prod(m.mutations for m in family) ** (1 / len(family))
        vary = np.exp(self.learning * rng.normal(size=2))
        low, high = SIGMA_RANGE
        return {
            "sigma": min(max(sigma * float(vary[0]), low), high),
            "mutations": max(mutations * float(vary[1]), MIN_MUTATIONS),
        }


@contextmanager
def _global_random(seed: int) -> Iterator[None]:
    with _RANDOM_LOCK:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)
