"""Changing the parameters of a model while it trains, as far as its family lets it."""

from __future__ import annotations

from collections.abc import Collection

from search_spaces.errors import ConfigError
from search_spaces.parameters import Point
from search_spaces.records import shown, suggestion
from workers.models.base import Adjustable, GenerativeModel, Schedulable
from workers.models.registry import make_family
from workers.schedule import Schedule, point_at


def mutable_names(family: str) -> Collection[str]:
    """Parameters of a family that may change while a model trains."""
    made = make_family(family)
    return made.mutable if isinstance(made, Schedulable) else ()


def check_schedule(schedule: Schedule, family: str, where: str) -> None:
    """Refuse what the family cannot follow.

    Raises:
        ConfigError: the epochs do not rise, or a parameter may not change in a training.
    """
    epochs = [change.epoch for change in schedule]
    if epochs != sorted(set(epochs)):
        raise ConfigError(f"{where}: the epochs of a schedule must rise, got {shown(epochs)}")
    mutable = mutable_names(family)
    for change in schedule:
        for name in change.values:
            if name not in mutable:
                raise ConfigError(
                    f"{where}: {name!r} may not change while a model trains; "
                    f"{suggestion(name, mutable)}"
                )


def adjust(model: GenerativeModel, point: Point, schedule: Schedule, epoch: int) -> None:
    """Give a model the values that its schedule has for an epoch.

    Raises:
        ConfigError: the model cannot change them.
        InfeasibleError: it cannot change them so far.
    """
    if not schedule:
        return
    if not isinstance(model, Adjustable):
        raise ConfigError(
            f"a schedule needs a model that can be adjusted, got {type(model).__name__}; "
            "leave the schedule out"
        )
    names = {name for change in schedule for name in change.values}
    values = point_at(point, schedule, epoch)
    model.adjust({name: values[name] for name in sorted(names & values.keys())})
