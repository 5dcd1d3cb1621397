"""Which of several children to train: the one whose nearest neighbours did best.

A training costs minutes, a child nothing. So several are made, and a guess of their scores
chooses (pre-selection; Jin, Swarm and Evolutionary Computation 1 (2011) 61, section 3). The
guess is as plain as can be: the mean rank of the nearest finished trials, the nearer ones
weighing more. It needs no fit, bears failures and steps, and whatever it gets wrong, what
is chosen is still a child of good parents.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from metaopt.strategies.base import Observation
from metaopt.strategies.surrogate import keep
from search_spaces.parameters import Point
from search_spaces.space import SearchSpace

#: Nearest trials that tell of a child.
NEIGHBOURS = 3
#: Trials that are looked at: more would cost a proposal more than they tell it.
MAX_TRIALS = 100
#: Added to distances, in units of a parameter's range.
NEAR = 1e-6


def most_promising(
    space: SearchSpace, children: Sequence[Point], history: Sequence[Observation]
) -> int:
    """The place of the child with the lowest guess; the first of equal ones.

    Args:
        space: its ``encode`` gives the distances.
        children: points to choose from.
        history: finished trials; a failed one has the worst score, a pruned one its last.
    """
    told = keep(history, MAX_TRIALS)
    ranks = rankdata([o.score for o in told])
    known, new = space.encode(o.point for o in told), space.encode(children)
    distance = np.linalg.norm(new[:, None, :] - known[None, :, :], axis=2) + NEAR
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]
    weight = 1.0 / np.take_along_axis(distance, nearest, axis=1)
    guess = (weight * ranks[nearest]).sum(axis=1) / weight.sum(axis=1)
    return int(np.argmin(guess))
