"""Splits by event and by file."""

from __future__ import annotations

import numpy as np
import pytest

from search_spaces.errors import DataError
from workers.data import PARTS
from workers.data.splits import part_events
from workers.trial import DataSpec, SplitBy

DIGEST = "0123456789abcdef"


def spec(
    by: SplitBy, split: tuple[float, float, float] = (0.7, 0.15, 0.15), digest: str = DIGEST
) -> DataSpec:
    return DataSpec((), split, digest, by)


@pytest.mark.parametrize("by", ["event", "file"])
def test_parts_are_disjoint_cover_all_and_depend_on_the_digest(by: SplitBy) -> None:
    sizes = [100, 250, 30, 70, 110]
    parts = [part_events(sizes, spec(by), part) for part in PARTS]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(560))
    np.testing.assert_array_equal(part_events(sizes, spec(by), "training"), parts[0])
    other = part_events(sizes, spec(by, digest="ff" * 8), "training")
    assert not np.array_equal(np.sort(other), np.sort(parts[0]))
    assert all((np.diff(part) < 0).any() for part in parts)  # in random order


def test_the_same_digest_always_gives_the_same_parts() -> None:
    """Trials of one study are compared, whatever version of metaopt ran them."""
    parts = [part_events([10, 13, 7, 9], spec("event"), part) for part in PARTS]
    assert [part[:4].tolist() for part in parts] == [
        [6, 17, 11, 7],
        [16, 15, 22, 5],
        [27, 29, 4, 34],
    ]
    assert [len(part) for part in parts] == [27, 5, 7]
    (found, *_), *_ = (part_events([10, 13, 7, 9], spec("file"), part) for part in PARTS)
    assert found == 31


def test_each_part_has_its_share_of_the_events() -> None:
    given = spec("event", (0.5, 0.3, 0.2))
    assert [len(part_events([60, 40], given, part)) for part in PARTS] == [50, 30, 20]


@pytest.mark.parametrize(
    ("files", "split", "expected"),
    [
        (3, (0.7, 0.15, 0.15), [1, 1, 1]),
        (10, (0.7, 0.15, 0.15), [7, 1, 2]),
        (20, (0.9, 0.05, 0.05), [18, 1, 1]),
        (4, (0.05, 0.9, 0.05), [1, 2, 1]),
        (4, (0.05, 0.05, 0.9), [1, 1, 2]),
    ],
)
def test_whole_files_go_to_one_part_and_each_part_has_one(
    files: int, split: tuple[float, float, float], expected: list[int]
) -> None:
    parts = [part_events([10] * files, spec("file", split), part) // 10 for part in PARTS]
    assert [len(set(part)) for part in parts] == expected
    assert [len(part) for part in parts] == [10 * n for n in expected]


def test_fewer_than_three_files_cannot_be_split_by_file() -> None:
    with pytest.raises(DataError, match="at least 3 files, got 2"):
        part_events([100, 100], spec("file"), "test")
