r"""A table of real trials, continued between its rows: a surrogate benchmark.

A table answers a proposal with its nearest row, so that no strategy is finer than the table
is dense, and the best row is partly luck. Here a proposal is trained where it is, by what
the table says of that place (Eggensperger et al., AAAI 2015, "Efficient benchmarking of
hyperparameter optimizers via surrogates"; they found ensembles of trees to come closest to
the trainings themselves)::

    S_e(x) = m_e(x) + f (r_e - <r_e>)

======== ===========================================================================
symbol   meaning
======== ===========================================================================
x        the point, as ``SearchSpace.encode`` gives it
e        a scored epoch, or the end
m        mean of randomised trees (Geurts et al. 2006), fitted to the complete trials
r        S of one complete trial near x, less what the trees say that have not seen it
<r>      mean of r over the trials near x: where S is low, trees that have not seen a trial
         expect too much of it, so that r is no noise there
f        deviation of S between seeds over that of r - <r>; 1 where no configuration has
         several seeds
======== ===========================================================================

A point fails with the share of the nearest trials that failed, as the nearest of these did.
Not a Gaussian process, which would be the very model that ``bayesian`` assumes.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metaopt.bench.problem import Rung, Training
from metaopt.bench.table import Row, TrialTable
from objectives.objective import WORST
from search_spaces.errors import DataError
from search_spaces.parameters import Point
from search_spaces.space import Array, Key, SearchSpace

Places: TypeAlias = NDArray[np.intp]

#: Trials that speak for a place: on failures, and for the luck of a seed.
NEIGHBOURS = 8
TREES = 300
#: Complete trials that an ensemble is fitted to, at least.
LEAST = 50


@dataclass(frozen=True)
class FittedTable:
    """The problem of an ensemble that is fitted to a table.

    Attributes:
        table: the real trials.
        name: of the problem.
        size: None, for any point can be tried.

    Raises:
        DataError: too few complete trials, or trials that were scored in different epochs.
    """

    table: TrialTable
    name: str
    size: int | None = None

    def __post_init__(self) -> None:
        complete = [self._rows[i] for i in self._complete]
        if len(complete) < LEAST:
            raise DataError(
                f"{self.name}: {LEAST} complete trials are needed for a fit, got {len(complete)}"
            )
        if len({tuple(rung.epoch for rung in row.rungs) for row in complete}) > 1:
            raise DataError(f"{self.name}: all trials must be scored in the same epochs")

    @property
    def space(self) -> SearchSpace:
        """That of the table."""
        return self.table.space

    @property
    def epochs(self) -> int:
        """That of the table."""
        return self.table.epochs

    def settle(self, point: Point, taken: Set[Key]) -> Point:
        """The point itself: every point can be trained."""
        del taken
        return point

    def truth(self, point: Point) -> float:
        """The mean of the trees; the worst S where most neighbours failed."""
        near = self._nearest(point, self._all)
        lost = sum(self._rows[i].outcome == "failed" for i in near)
        return WORST if 2 * lost > len(near) else float(self._curve(point)[-1])

    def train(self, point: Point, seed: int) -> Training:
        """See :meth:`metaopt.bench.problem.Problem.train`."""
        rng = np.random.default_rng(seed)
        drawn = self._rows[int(rng.choice(self._nearest(point, self._all)))]
        if drawn.outcome == "failed":
            return drawn.training
        near = self._nearest(point, self._complete)
        scores = self._curve(point) + self._luck[rng.choice(near)] - self._luck[near].mean(axis=0)
        like = self._rows[near[0]]  # as long as the nearest one
        rungs = tuple(
            Rung(rung.epoch, float(score), rung.seconds)
            for rung, score in zip(like.rungs, scores[:-1], strict=True)
        )
        return Training(rungs, float(scores[-1]), like.seconds)

    # -- the fit --------------------------------------------------------------------------

    @cached_property
    def _rows(self) -> list[Row]:
        return [row for rows in self.table.configurations for row in rows]

    @cached_property
    def _all(self) -> Places:
        return np.arange(len(self._rows))

    @cached_property
    def _complete(self) -> Places:
        return np.flatnonzero([row.outcome == "complete" for row in self._rows])

    @cached_property
    def _features(self) -> Array:
        return self.space.encode(row.point for row in self._rows)

    def _nearest(self, point: Point, among: Places) -> Places:
        """Which of some rows are nearest to a point, nearest first."""
        away = np.linalg.norm(self._features[among] - self.space.encode([point]), axis=1)
        return among[np.argsort(away, kind="stable")[:NEIGHBOURS]]

    @cached_property
    def _scores(self) -> Array:
        """S of each complete trial in each scored epoch and at its end."""
        complete = [self._rows[i] for i in self._complete]
        return np.array([[*(rung.score for rung in r.rungs), r.score] for r in complete])

    @cached_property
    def _trees(self) -> Any:
        from sklearn.ensemble import ExtraTreesRegressor  # half a second

        trees = ExtraTreesRegressor(
            TREES, min_samples_leaf=2, bootstrap=True, oob_score=True, random_state=0
        )
        return trees.fit(self._features[self._complete], self._scores)

    def _curve(self, point: Point) -> Array:
        """Mean S in each scored epoch and at the end."""
        place = self.space.encode([point]).astype(np.float32)
        # ``predict`` of the whole ensemble starts threads for each point.
        each = [tree.tree_.predict(place)[0, :, 0] for tree in self._trees.estimators_]
        mean: Array = np.mean(each, axis=0)
        return mean

    @cached_property
    def _luck(self) -> Array:
        """Of each row that is complete: f r."""
        residuals = self._scores - self._trees.oob_prediction_
        between = [
            np.var([row.score for row in rows], ddof=1)
            for rows in self.table.configurations
            if len(rows) > 1 and all(row.outcome == "complete" for row in rows)
        ]
        luck = np.zeros((len(self._rows), residuals.shape[1]))
        luck[self._complete] = residuals
        if between:
            points = (self._rows[i].point for i in self._complete)
            near = np.array([self._nearest(point, self._complete) for point in points])
            luck *= np.sqrt(np.mean(between) / luck[near, -1].var(axis=1).mean())
        return luck
