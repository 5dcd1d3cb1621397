"""Waiting for a database server that is away: it restarts, or a network fails for a moment."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from metaopt.store.faults import is_away
from search_spaces.errors import StoreError

#: How long a server may be away in the middle of a study [s].
OUTAGE_SECONDS = 120.0
#: Between two attempts, at first and at most [s].
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0

_log = logging.getLogger(__name__)


class Returning(Protocol):
    """Something whose methods outlast an outage."""

    def returned(self) -> None:
        """The server is back; called before the method is repeated."""


S = TypeVar("S", bound=Returning)
P = ParamSpec("P")
T = TypeVar("T")


def outlasting(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Repeat a method, from its start, while the database server is away.

    The method must bear repetition: a lost answer does not tell whether the work was done.

    Raises:
        StoreError: the server stays away for ``OUTAGE_SECONDS``, or anything else.
    """

    @functools.wraps(method)
    def repeated(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except StoreError as failure:
            if not is_away(failure):
                raise
            _log.warning("waiting for up to %.0f s, since %s", OUTAGE_SECONDS, failure)
        deadline, pause = time.monotonic() + OUTAGE_SECONDS, FIRST_PAUSE
        while True:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                self.returned()
                done = method(self, *args, **kwargs)
            except StoreError as failure:
                if not is_away(failure) or time.monotonic() > deadline:
                    raise
            else:
                _log.warning("the study store answers again")
                return done

    return repeated
