"""Area under the curve of a classifier between generated and full-simulation showers.

Notation:

    AUC       chance that a generated event looks more generated than a real one
    n, m      generated and full-simulation events
    sd        sqrt((n + m + 1)/(12 n m)), of Mann and Whitney's U for equal distributions

Krause and Shih, arXiv:2106.05285, train networks; gradient boosting on high-level
observables and the conditions is as sharp with thousands of events, and takes a second.
The most sensitive of the cross-checks, but above 0.99 it tells no two generators apart,
and of rare catastrophes (2 % empty showers) it sees as little as they are rare.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectives.crosschecks.measured import SEED, Measured, check, measure
from objectives.crosschecks.precision import common_condition, rounded
from objectives.samples import Sample

Array64 = NDArray[np.float64]
Index = NDArray[np.intp]

#: Small trees: with a few hundred events larger ones learn the sample, and see less.
TREES, LEAVES, RATE = 60, 4, 0.1


def classifier_auc(generated: Sample, real: Sample, null: Sequence[Sample] = ()) -> Measured:
    """AUC of gradient boosting on features and conditions, 0.5 for equal distributions.

    Two-fold cross-validated. Features are rounded to fixed decimals and conditions to the
    coarser precision of both sides, so that it does not matter in which type files hold
    them; for cells see :func:`~objectives.crosschecks.precision.as_stored`. Events at equal
    conditions stay in one fold: split, they would betray each other, and the AUC of equal
    distributions would be below 0.5. The error is that of equal distributions, analytic: right
    from a few hundred events, and for 100 too small by 1.6 (see ``null_spread``).

    Args:
        generated: features in their own units, not pulls, with conditions.
        real: of the full simulation.
        null: other samples of the full simulation.

    Raises:
        DataError: for values that are not finite, fewer than 20 events or other columns.
    """
    check(generated, real, null)
    n, m = len(generated), len(real)
    sd = float(np.sqrt((n + m + 1) / (12 * n * m)))
    return measure(cross_validated_auc, generated, real, null, sd)


def cross_validated_auc(a: Sample, b: Sample) -> float:
    """Mean of the AUC of both folds."""
    x, keys = _inputs(a, b)
    label = np.repeat([1, 0], [len(a), len(b)])
    fold = _folds(keys, label)
    return float(np.mean([_one_fold(x, label, fold == i) for i in (0, 1)]))


def auc(generated: Array64, real: Array64) -> float:
    """Chance that a generated score is above a real one, ties half: Mann and Whitney's U/nm."""
    ordered = np.sort(real)
    below = np.searchsorted(ordered, generated, side="left").sum()
    not_above = np.searchsorted(ordered, generated, side="right").sum()
    return float((below + not_above) / (2 * len(generated) * len(real)))


def _inputs(a: Sample, b: Sample) -> tuple[Array64, Array64]:
    """What the classifier sees (n + m, k + 3), and the conditions in it (n + m, 3)."""
    columns = [
        np.concatenate(common_condition(getattr(a.conditions, name), getattr(b.conditions, name)))
        for name in ("energy", "theta")
    ]
    columns.append(np.concatenate([a.conditions.particle, b.conditions.particle]))
    keys = np.stack(columns, axis=1)
    values = np.concatenate([rounded(x.values, b.values) for x in (a, b)])
    return np.concatenate([values, keys], axis=1), keys


def _folds(keys: Array64, label: Index) -> Index:
    """Fold of each event: at random, but equal for the i-th events of a condition's two sides."""
    _, condition = np.unique(keys, axis=0, return_inverse=True)
    fold = np.empty(len(label), dtype=np.intp)
    order = np.lexsort((label, condition))
    group = 2 * condition[order] + label[order]
    first = np.flatnonzero(np.r_[True, np.diff(group) > 0])
    count = np.diff(np.r_[first, len(group)])
    rank = np.arange(len(group)) - np.repeat(first, count)
    pairs = np.stack([condition[order], rank], axis=1)
    _, pair = np.unique(pairs, axis=0, return_inverse=True)
    half = np.random.default_rng(SEED).permutation(int(pair.max()) + 1) % 2
    fold[order] = half[pair]
    return fold


def _one_fold(x: Array64, label: Index, held: NDArray[np.bool_]) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier  # imports for half a second
    from threadpoolctl import threadpool_limits  # has no types

    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        learning_rate=RATE,
        early_stopping=False,
        random_state=SEED,
    )
    with threadpool_limits(1):  # trials run beside it, and sums do not depend on threads
        model.fit(x[~held], label[~held])
        score = model.decision_function(x[held])
    generated = label[held] == 1
    return auc(score[generated], score[~generated])
