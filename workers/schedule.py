"""Values of parameters that change while a network trains.

A schedule is plain data: from which epoch on which parameters have which values. It stands in the
specification of a trial and of a full training, and in ``production.toml``, so that a training
whose values were found while it ran can be repeated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from search_spaces.errors import ConfigError
from search_spaces.parameters import Point, Value
from search_spaces.records import shown


@dataclass(frozen=True)
class Change:
    """From the beginning of an epoch (counted from 1) on, parameters have these values."""

    epoch: int
    values: Mapping[str, Value]

    def __post_init__(self) -> None:
        if self.epoch < 1 or not self.values:
            raise ConfigError(
                "a change of a schedule needs an epoch >= 1 and values, got epoch "
                f"{self.epoch} and {shown(dict(self.values))}"
            )


#: Changes in order of epoch; a parameter keeps its value until another change names it.
Schedule: TypeAlias = tuple[Change, ...]


def point_at(point: Point, schedule: Schedule, epoch: int) -> dict[str, Value]:
    """The parameters in force in an epoch."""
    values = dict(point)
    for change in until(schedule, epoch):
        values |= change.values
    return values


def until(schedule: Schedule, epoch: int) -> Schedule:
    """The changes that are in force by an epoch."""
    return tuple(change for change in schedule if change.epoch <= epoch)


def for_epochs_of(schedule: Schedule, before: int, showers: int) -> Schedule:
    """The same changes after the same number of showers, for longer or shorter epochs.

    A change that would come within an epoch waits for the next one; of several that come
    together, the last one holds.

    Args:
        schedule: in epochs of ``before`` showers.
        before: showers of an epoch when the values were found.
        showers: of an epoch now.
    """
    merged: dict[int, dict[str, Value]] = {}
    for change in schedule:
        epoch = math.ceil((change.epoch - 1) * before / showers) + 1
        merged.setdefault(epoch, {}).update(change.values)
    return tuple(Change(epoch, values) for epoch, values in merged.items())
