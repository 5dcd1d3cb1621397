"""Where to look next: augmented expected improvement, maximised over real points.

The search never leaves the points that can be built: whole numbers stay whole,
choices stay choices, absent layers have no kernel. A relaxation that is rounded at
the end proposes the same point again and again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import erfcx, log1p, ndtr

from metaopt.strategies.variation import step_value
from search_spaces.parameters import Categorical, Point, Value
from search_spaces.space import Array, Key, SearchSpace

#: How good points are, higher is better: (m,) for m points.
Merit = Callable[[Sequence[Point]], Array]

N_RANDOM = 256
N_PER_BEST = 40
N_STARTS = 4
MAX_ROUNDS = 12
#: Widths of the local steps, as shares of a parameter's range.
STEPS = (0.2, 0.04)
#: Candidates whose feasibility is asked; a model family needs milliseconds for each.
MAX_CHECKS = 100


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Log of the expected improvement below ``best``, finite where the improvement underflows.

    Ament et al., arXiv:2310.20708, eq. 9: log h(z), h(z) = phi(z) + z Phi(z).
    """
    z = (best - mean) / deviation
    log_h = np.empty_like(z)
    near = z > -1.0
    phi = np.exp(-0.5 * z[near] ** 2) / math.sqrt(2.0 * math.pi)
    log_h[near] = np.log(phi + z[near] * ndtr(z[near]))
    far = np.minimum(z[~near], -1.0)
    # phi(z) (1 + z Phi(z) / phi(z)); the ratio is Mills', scaled against underflow.
    mills = -far * erfcx(-far / math.sqrt(2.0)) * math.sqrt(0.5 * math.pi)
    tail = log1p(-np.minimum(mills, 1 - 1e-15))
    log_h[~near] = -0.5 * far**2 - 0.5 * math.log(2.0 * math.pi) + tail
    result: Array = np.log(deviation) + log_h
    return result


def log_augmented_improvement(mean: Array, deviation: Array, best: float, noise: float) -> Array:
    """Log of the expected improvement, less of its chance where a noisy trial tells little.

    With m = best - mean, the improvement is max(m, 0) and a chance, s h(-|m| / s). The chance
    counts 1 - t / sqrt(s^2 + t^2) times, with the deviation s of the mean and that of the noise,
    t (Huang et al., J. Global Optim. 34 (2006) 441, who take the whole improvement so many
    times): without it a search of noisy scores trained one corner of its space ten times over.
    """
    chance = log_expected_improvement(np.abs(best - mean), deviation, 0.0)
    whole = np.hypot(deviation, noise)
    # s^2 / (h (h + t)) does not cancel where s is small.
    told = 2.0 * np.log(deviation) - np.log(whole) - np.log(whole + noise)
    with np.errstate(divide="ignore"):
        certain = np.log(np.maximum(best - mean, 0.0))
    result: Array = np.logaddexp(certain, chance + told)
    return result


def maximise(
    space: SearchSpace,
    merit: Merit,
    best: Sequence[Point],
    known: set[Key],
    rng: np.random.Generator,
) -> Point | None:
    """The best feasible point found that is not known; None if there is none.

    Args:
        space: what may vary.
        merit: the acquisition.
        best: good known points, around which candidates are drawn.
        known: keys that may not be returned.
        rng: of every draw.
    """
    if not space.varying:
        return None
    pool = _scatter(space, rng)
    pool += [_neighbour(space, point, rng) for point in best for _ in range(N_PER_BEST)]
    starts = _leaders(space, pool, merit(pool), known, N_STARTS)
    climbed = [_climb(space, merit, start, known, rng) for start in starts]
    return max(climbed, key=lambda found: found[1])[0] if climbed else None


def _scatter(space: SearchSpace, rng: np.random.Generator) -> list[Point]:
    """Points of scikit-optimize's Latin hypercube: each coordinate is covered evenly."""
    from skopt.sampler import Lhs  # imports scikit-learn: half a second

    unit = [(0.0, 1.0)] * len(space.parameters)
    sampler = Lhs(criterion=None)
    vectors = sampler.generate(unit, N_RANDOM, random_state=int(rng.integers(2**32)))
    return [space.from_unit(u) for u in np.clip(np.array(vectors), 0.0, 1.0)]


def _neighbour(space: SearchSpace, point: Point, rng: np.random.Generator) -> Point:
    genes = _genes(space, point, rng)
    varying = space.varying
    chosen = rng.random(len(varying)) < max(2.0 / len(varying), 0.1)
    chosen[rng.integers(len(varying))] = True
    for p, hit in zip(varying, chosen, strict=True):
        if hit:
            genes[p.name] = step_value(p, genes[p.name], 0.1, rng)
    return space.activate(genes)


def _genes(space: SearchSpace, point: Point, rng: np.random.Generator) -> dict[str, Value]:
    return space.genes(rng.random(len(space.parameters))) | dict(point)


def _leaders(
    space: SearchSpace, pool: Sequence[Point], merits: Array, known: set[Key], n: int
) -> list[tuple[Point, float]]:
    """The ``n`` best unknown feasible points of a pool with their merits, best first."""
    leaders: list[tuple[Point, float]] = []
    seen = set(known)
    checks = 0
    for i in np.argsort(-merits, kind="stable"):
        key = space.key(pool[i])
        if key in seen:
            continue
        seen.add(key)
        checks += 1
        if space.is_feasible(pool[i]):
            leaders.append((pool[i], float(merits[i])))
        if len(leaders) == n or checks == MAX_CHECKS:
            break
    return leaders


def _climb(
    space: SearchSpace,
    merit: Merit,
    start: tuple[Point, float],
    known: set[Key],
    rng: np.random.Generator,
) -> tuple[Point, float]:
    """Move to the best one-parameter change until none is better."""
    point, height = start
    for _ in range(MAX_ROUNDS):
        around = _one_changes(space, point, rng)
        merits = merit(around)
        better = [i for i in range(len(around)) if merits[i] > height + 1e-9]
        step = _leaders(space, [around[i] for i in better], merits[better], known, 1)
        if not step:
            break
        point, height = step[0]
    return point, height


def _one_changes(space: SearchSpace, point: Point, rng: np.random.Generator) -> list[Point]:
    """Every other choice, and a small and a large step of every number, one at a time."""
    genes = _genes(space, point, rng)
    changed: list[Point] = []
    for p in space.varying:
        if p.name not in point:
            continue
        if isinstance(p, Categorical):
            values: list[Value] = [c for c in p.choices if c != point[p.name]]
        else:
            values = [step_value(p, point[p.name], s, rng) for s in STEPS for _ in range(2)]
        changed += [space.activate(genes | {p.name: value}) for value in values]
    return changed
