"""Sums over a ring of threads: exact, alike for all, closed to strangers, and ended by a death."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import TypeVar

import numpy as np
import pytest

from workers.production.ring import Door, Ring

T = TypeVar("T")


def together(size: int, work: Callable[[Ring], T]) -> list[T]:
    """What each of some workers makes."""
    doors = [Door("127.0.0.1", b"key") for _ in range(size)]
    addresses = [door.address for door in doors]

    def run(rank: int) -> T:
        ring = doors[rank].ring(rank, addresses)
        try:
            return work(ring)
        finally:
            ring.close()

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(run, range(size)))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [1, 3, 10, 100_001])
def test_sums_are_right_and_the_same_bits_for_all(size: int, n: int) -> None:
    arrays = np.random.default_rng(n).standard_normal((size, n)).astype(np.float32)
    first, *others = together(size, lambda ring: ring.total(arrays[ring.rank]))
    np.testing.assert_allclose(first, arrays.sum(axis=0), rtol=1e-5, atol=1e-5)
    assert all(np.array_equal(first, other) for other in others)


def test_sums_follow_each_other() -> None:
    def work(ring: Ring) -> list[float]:
        return [float(ring.total(np.full(5, i + ring.rank, np.float32))[4]) for i in range(50)]

    assert together(3, work) == [[3.0 * i + 3 for i in range(50)]] * 3


def test_a_stranger_is_turned_away() -> None:
    door = Door("127.0.0.1", b"key")
    with ThreadPoolExecutor(1) as thread:
        ring = thread.submit(door.ring, 0, [door.address])
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            Client(door.address, authkey=b"guess")
    assert ring.result().total(np.ones(3, np.float32)).tolist() == [1, 1, 1]
    ring.result().close()


def test_a_worker_that_goes_ends_the_sums_of_the_others() -> None:
    def work(ring: Ring) -> str:
        if ring.rank == 1:
            return "gone"
        try:
            while True:
                ring.total(np.ones(1000, np.float32))
        except (OSError, EOFError):
            return "noticed"

    assert together(3, work) == ["noticed", "gone", "noticed"]
