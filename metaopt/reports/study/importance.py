r"""How much each parameter matters, and how well the trials know it.

Total-effect Sobol indices of the Gaussian process that the search itself asks, by Jansen's
estimator (Comput. Phys. Commun. 117 (1999) 35): the share of the variance of expected S over
the space that would stay if all other parameters were known. Optuna's PED-ANOVA compares the
best tenth of the trials with all of them, one parameter at a time: of 60 trials that are six,
whose histograms are mostly chance, and of parameters that matter together it sees neither. The
process uses the value of every trial, takes conditional parameters as the space does, and costs
the same at 60 trials and at 10,000, since it keeps at most 300 of them.

The error is a jackknife over groups of trials, theta being kept: what another set of trials
might have said. The finite number of points is added in quadrature.

======== ========================================================= ===========
symbol   meaning                                                   shape, unit
======== ========================================================= ===========
d, n     parameters, points drawn in the unit cube of genes
f        mean of the process at a point                            y
A, A_j   points; the same with gene j drawn again                  (n, w) each
T_j      mean of (f(A) - f(A_j))^2 / 2, over the variance of f     1
======== ========================================================= ===========
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from metaopt.strategies.gaussian_process import GaussianProcess, condition
from metaopt.strategies.surrogate import Surrogate
from search_spaces.space import Array, SearchSpace

#: Evaluations of the process, and points at most.
EVALUATIONS, MOST_POINTS = 8192, 512
#: Groups of trials that the jackknife leaves out in turn.
GROUPS = 10


@dataclass(frozen=True)
class Importance:
    """T_j of a parameter, and its standard deviation."""

    name: str
    value: float
    error: float


def importances(surrogate: Surrogate, seed: int) -> tuple[Importance, ...]:
    """Total effects of all parameters, largest first.

    Args:
        surrogate: of the study's history.
        seed: of the points.
    """
    space, process = surrogate.space, surrogate.process
    X = _encoded(space, seed)
    value, chance = _total_effects(process, X)
    left_out = _jackknife(process, X)
    spread = (len(left_out) - 1) * left_out.var(axis=0)
    error = np.sqrt(spread + chance**2)
    made = zip(space.names, value.tolist(), error.tolist(), strict=True)
    return tuple(sorted((Importance(*one) for one in made), key=lambda i: (-i.value, i.name)))


def _encoded(space: SearchSpace, seed: int) -> Array:
    """Features (d + 1, n, w) of A and of each A_j."""
    d = len(space.parameters)
    power = int(np.log2(min(EVALUATIONS / (d + 1), MOST_POINTS)))
    draws = qmc.Sobol(2 * d, rng=np.random.default_rng(seed)).random_base2(max(power, 3))
    genes, other = draws[:, :d], draws[:, d:]
    sets = [genes, *(_with(genes, other, j) for j in range(d))]
    return np.stack([space.encode(space.from_unit(u) for u in some) for some in sets])


def _with(genes: Array, other: Array, column: int) -> Array:
    changed = genes.copy()
    changed[:, column] = other[:, column]
    return changed


def _total_effects(process: GaussianProcess, X: Array) -> tuple[Array, Array]:
    """T_j (d,) and its deviation from the finite number of points."""
    sets, n, width = X.shape
    f = process.predict(X.reshape(-1, width))[0].reshape(sets, n)
    effects = 0.5 * (f[0] - f[1:]) ** 2 / max(float(f[0].var()), 1e-12)
    return effects.mean(axis=1), effects.std(axis=1) / np.sqrt(n)


def _jackknife(process: GaussianProcess, X: Array) -> Array:
    """T_j (groups, d) without the trials of each group."""
    n = len(process.y)
    groups = np.arange(n) % min(GROUPS, n)
    found = []
    for group in range(int(groups.max()) + 1):
        kept = groups != group
        without = condition(
            process.X[kept], process.y[kept], process.v[kept], process.groups, process.theta
        )
        found.append(_total_effects(without, X)[0])
    return np.array(found)
