"""Linear algebra on one thread."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from search_spaces.threads import one_thread


def threads() -> list[int]:
    return [
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    ]


def test_the_linear_algebra_below_a_function_runs_on_one_thread() -> None:
    np.linalg.inv(np.eye(2))
    with threadpool_limits(2):
        assert set(one_thread(threads)()) == {1}
        assert set(threads()) != {1}
