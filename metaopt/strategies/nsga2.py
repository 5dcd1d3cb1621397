"""NSGA-II: the score and the time per shower, minimised at once.

Deb, Pratap, Agarwal and Meyarivan, IEEE Transactions on Evolutionary Computation 6 (2002)
182, on DEAP's sorting and selection, without generations: each proposal rebuilds the
population from the whole history and makes one child as :mod:`metaopt.strategies.genetic`
does. So no worker waits, and a restarted controller goes on as before.

On a made-up network of 10 parameters, some of whose values diverge, 80 trials of this
strategy cover a hypervolume of 5.52, of random search 5.05, of ``genetic`` 4.79 (mean of 10
seeds, reference S = 2.8 and 1 s). Where only good networks count, ``limit`` helps: set to
1.5, the hypervolume below S = 1.2 is 0.87 instead of 0.77 (``genetic`` 0.86, random search
0.62; 15 seeds).

Notation: S, the score; l, log10 of the milliseconds per shower in steps of
:data:`workers.timing.RESOLUTION`; a trial dominates another if it is no worse in both and
better in one. Rank 0 are the trials that none dominates, rank 1 those that only rank 0
does, and so on. The crowding distance of a trial is the mean side of the rectangle between
its neighbours of the same rank, in units of the rank's extent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from deap import base, tools

from metaopt.strategies.base import Observation, Proposal
from metaopt.strategies.genetic import Genetic, Merit
from objectives.objective import WORST
from search_spaces.parameters import Point
from search_spaces.space import SearchSpace
from workers.timing import MS_PER_SHOWER, log_ms


class _Objectives(base.Fitness):  # type: ignore[misc]  # DEAP is untyped
    """(S, l), both minimised. A plain subclass: ``deap.creator`` is a global registry."""

    weights = (-1.0, -1.0)


@dataclass
class _Candidate:
    """A trial and its ``fitness``, the name that DEAP expects."""

    trial: Observation
    fitness: _Objectives


@dataclass(frozen=True)
class NSGA2:
    """Steady-state NSGA-II on (S, log milliseconds per shower).

    A pruned trial counts with its last S and the time measured until then. A failed one is
    no parent while another lives. A trial whose time is not known counts as slow as the
    slowest; without any times, the search is one for the lowest S.

    Attributes:
        population: how many trials may be parents; also the size of the initial design,
            baselines included.
        tournament: members compared to choose one parent, by rank and crowding distance.
        limit: S above which a network is not good enough for its speed to count: it then
            counts as slow as the slowest (the default lets every speed count).
        crossover, structure, mutations, sigma, warm: of the children, as of
            :class:`~metaopt.strategies.genetic.Genetic`.

    Raises:
        ConfigError: an option out of range.
    """

    #: The metric that is minimised beside S.
    second_objective: ClassVar[str] = MS_PER_SHOWER

    population: int = 12
    tournament: int = 2
    limit: float = WORST
    crossover: float = 0.7
    structure: float = 0.2
    mutations: float = 1.2
    sigma: float = 0.2
    warm: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        self._genetic()

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """See :meth:`metaopt.strategies.base.Strategy.propose`."""
        return self._genetic().breed(self._select, space, history, pending, n, rng)

    def _genetic(self) -> Genetic:
        return Genetic(
            population=self.population,
            tournament=self.tournament,
            crossover=self.crossover,
            structure=self.structure,
            mutations=self.mutations,
            sigma=self.sigma,
            candidates=1,  # a choice between children would look at S alone
            warm=self.warm,
        )

    def _select(self, trials: Sequence[Observation], size: int) -> list[tuple[Observation, Merit]]:
        """The ``size`` trials of the lowest rank, of the last one those in the emptiest places.

        Their merit is the crowded comparison of the paper: rank, then crowding distance.
        """
        if not trials:
            return []  # DEAP's sorting wants one at least
        objectives = zip(trials, self._levels(trials), strict=True)
        candidates = [_Candidate(o, _Objectives((o.score, level))) for o, level in objectives]
        chosen = tools.selNSGA2(candidates, size, nd="log")
        found: list[tuple[Observation, Merit]] = []
        for rank, front in enumerate(tools.sortLogNondominated(chosen, len(chosen))):
            found += [(c.trial, (-float(rank), c.fitness.crowding_dist)) for c in front]
        return found

    def _levels(self, trials: Sequence[Observation]) -> list[float]:
        """The l of each trial; of one too bad or not timed, that of the slowest."""
        times = [o.metrics.get(MS_PER_SHOWER) if o.score <= self.limit else None for o in trials]
        known = [log_ms(ms) for ms in times if ms is not None]
        slowest = max(known, default=0.0)
        return [slowest if ms is None else log_ms(ms) for ms in times]
