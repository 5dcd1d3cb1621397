"""Samples of any numbers, with conditions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from objectives.samples import Sample
from objectives.showers import Conditions


def sample(values: ArrayLike, energy: ArrayLike = 100.0) -> Sample:
    """Values (n, k) or (n,) at normal incidence."""
    columns = np.asarray(values, dtype=np.float32).reshape(len(np.atleast_1d(values)), -1)
    return Sample(columns, Conditions.of(np.broadcast_to(energy, len(columns)).copy()))


def normal(seed: int, n: int, k: int = 4, shift: float = 0.0) -> Sample:
    """Standard normal pulls (n, k), moved by ``shift``."""
    return sample(np.random.default_rng(seed).normal(shift, 1.0, (n, k)))
