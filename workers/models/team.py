"""The seam between a model and the workers that train it together."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from workers.models.base import Array


class Team(Protocol):
    """Workers that train one model; each has a share of every batch.

    Attributes:
        rank: place of this worker, from 0.
        size: number of workers.
    """

    rank: int
    size: int

    def total(self, values: Array) -> Array:
        """The sum of every worker's values (n,): the same bits for all of them.

        All workers are to ask for the same sums in the same order.

        Raises:
            OSError, EOFError: another worker is gone.
        """


@runtime_checkable
class Parallel(Protocol):
    """A model that several workers can train together."""

    def join(self, team: Team) -> None:
        """Train as one of a team from now on: before the first epoch.

        The weights of all workers become those of the first at the start of an epoch, and stay
        alike. The batch is as large as for one worker, and each worker is given the same rows.
        """


def share(n: int, team: Team | None) -> slice:
    """Which of n showers of a batch are this worker's; all of them without a team."""
    if team is None:
        return slice(0, n)
    return slice(n * team.rank // team.size, n * (team.rank + 1) // team.size)
