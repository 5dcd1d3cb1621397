"""Splits that differ by more than chance are refused, honest ones are not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from objectives.distances import wasserstein
from objectives.exchangeable import check_exchangeable
from objectives.showers import Showers
from search_spaces.errors import DataError

from .distortions import Bench


@pytest.mark.parametrize("which", ["small", "rings"])
def test_honest_data_pass(which: str, request: pytest.FixtureRequest) -> None:
    sample = request.getfixturevalue(which)
    for rows in (slice(None), slice(20), slice(100, 250)):
        check_exchangeable(sample.reference, sample.perfect[rows])


def test_another_energy_scale_is_refused_with_its_figure(small: Bench) -> None:
    other = Showers(small.perfect.cells * np.float32(1.1), small.perfect.conditions)
    with pytest.raises(DataError, match=r"test events .* in 'energy' by \d+\.\d standard"):
        check_exchangeable(small.reference, other)


def test_the_figure_is_that_of_random_divisions(small: Bench) -> None:
    """W1 of the pulls of the two parts, less its mean over divisions, in their deviations."""
    reference = small.reference
    other = Showers(small.perfect.cells[:90] * np.float32(1.1), small.perfect.conditions[:90])
    ours = reference.target.sample.values
    theirs = reference.pulls(reference.sample_of(other, "test")).values
    both, rng = np.concatenate([ours, theirs]), np.random.default_rng(0)
    rows = [np.arange(len(both)), *(rng.permutation(len(both)) for _ in range(200))]
    w = np.array([wasserstein(both[r[: len(ours)]], both[r[len(ours) :]]) for r in rows])
    groups = reference.target.columns
    of_groups = np.stack([w[:, columns].mean(axis=1) for columns in groups.values()], axis=1)
    z = (of_groups[0] - of_groups[1:].mean(axis=0)) / of_groups[1:].std(axis=0)
    with pytest.raises(DataError) as refused:
        check_exchangeable(reference, other)
    found = re.search(r"in '(\w+)' by ([\d.]+) standard", str(refused.value))
    assert found and found[1] == list(groups)[int(z.argmax())]
    assert float(found[2]) == pytest.approx(z.max(), rel=0.15)


def test_conditions_of_other_showers_are_refused(small: Bench) -> None:
    mixed = np.random.default_rng(1).permutation(len(small.perfect))
    other = Showers(small.perfect.cells[mixed], small.perfect.conditions)
    with pytest.raises(DataError, match="of one production"):
        check_exchangeable(small.reference, other, "test")


def test_unusable_showers_are_named(small: Bench) -> None:
    few = small.perfect[np.arange(10)]
    with pytest.raises(DataError, match="at least 20 test showers"):
        check_exchangeable(small.reference, few)
