"""Small matrices on one thread.

The controller shares its cores with the workers. On a busy machine two BLAS threads wait for
each other actively: a fit to 60 trials took 35 to 50 times the CPU time of one thread, one
to 300 trials 120 times, a score up to twice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
T = TypeVar("T")


def one_thread(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with the linear algebra below it on one thread."""

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
