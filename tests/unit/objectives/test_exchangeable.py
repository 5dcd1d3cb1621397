"""Splits that differ by more than chance are refused, honest ones are not."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_conditions_of_other_showers_are_refused(small: Bench) -> None:
    mixed = np.random.default_rng(1).permutation(len(small.perfect))
    other = Showers(small.perfect.cells[mixed], small.perfect.conditions)
    with pytest.raises(DataError, match="of one production"):
        check_exchangeable(small.reference, other, "test")


def test_unusable_showers_are_named(small: Bench) -> None:
    few = small.perfect[np.arange(10)]
    with pytest.raises(DataError, match="at least 20 test showers"):
        check_exchangeable(small.reference, few)
