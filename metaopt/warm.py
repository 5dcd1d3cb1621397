"""A study that starts from earlier ones of the same store, also of another space or geometry.

What they teach is recorded when the study begins: a resumed study starts from the same
points, whatever became of the earlier ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from metaopt.preflight import Plan
from metaopt.record import Record
from metaopt.store.database import StudyStore
from metaopt.strategies.base import Observation, Strategy
from metaopt.strategies.warm_start import Scored, transfer, transfer_scores
from search_spaces.errors import ConfigError, NoCompleteTrialError
from search_spaces.records import decode, encode

#: The key of the study's document under which the lessons stand.
LESSONS = "earlier"


@dataclasses.dataclass(frozen=True)
class Lessons:
    """What earlier studies teach.

    Attributes:
        studies: their names.
        points: to begin with, of the new space.
        scored: their trials as points of the new space.
    """

    studies: tuple[str, ...]
    points: tuple[Mapping[str, Any], ...]
    scored: tuple[Scored, ...]


def warmed(plan: Plan, store: StudyStore, document: Mapping[str, Any]) -> Plan:
    """The plan with a strategy that starts from ``search.earlier``, and the lessons on record.

    A study that goes on with a strategy that cannot start from points has its own trials to
    go by: those points are among them.

    Args:
        plan: of the study.
        store: that holds the earlier studies.
        document: of the study itself where it has begun; its lessons hold.

    Raises:
        StoreError: there is no such study.
        NoCompleteTrialError: it has nothing to teach.
        ConfigError: the strategy cannot start from points, or the study began otherwise.
    """
    if document:
        lessons = _recorded(plan, document)
    elif plan.config.search.earlier:
        check_startable(plan.strategy, plan.config.search.strategy)
        lessons = _lessons(plan, store)
    else:
        lessons = None
    if lessons is None:
        return plan
    record = {**plan.document, LESSONS: encode(lessons)}
    strategy = _started(plan.strategy, lessons)
    return dataclasses.replace(plan, strategy=strategy, document=record)


def _recorded(plan: Plan, document: Mapping[str, Any]) -> Lessons | None:
    """What the study began with, if it did."""
    recorded = document.get(LESSONS)
    lessons = None if recorded is None else decode(Lessons, recorded, "the study's lessons")
    began, asked = () if lessons is None else lessons.studies, plan.config.search.earlier
    if asked and asked != began:
        raise ConfigError(
            f"a study starts from earlier ones when it begins: {plan.config.name!r} began from "
            f"{', '.join(began) or 'none'}, got search.earlier = {', '.join(asked)}; leave it "
            "out, or give another --study"
        )
    return lessons


def _lessons(plan: Plan, store: StudyStore) -> Lessons:
    names = plan.config.search.earlier
    histories = [_history(store, name) for name in names]
    points = tuple(proposal.point for proposal in transfer(plan.space, histories))
    return Lessons(names, points, tuple(transfer_scores(plan.space, histories)))


def _history(store: StudyStore, name: str) -> Sequence[Observation]:
    history = Record(store.study(name).trials()).history
    if not history:
        raise NoCompleteTrialError(
            f"study {name!r} has no ended trial to start from; run it on, or leave it out of "
            "search.earlier"
        )
    return history


def check_startable(strategy: Strategy, name: str) -> None:
    """Raise :class:`ConfigError` if a strategy of this name cannot start from earlier studies."""
    if "warm" not in _options(strategy):
        raise ConfigError(
            f"strategy {name!r} cannot start from earlier studies; take --strategy genetic, "
            "bayesian or nsga2, or no earlier study"
        )


def _started(strategy: Strategy, lessons: Lessons) -> Strategy:
    given = {"warm": lessons.points, "earlier": lessons.scored}
    changes = {name: value for name, value in given.items() if name in _options(strategy)}
    if not changes:
        return strategy
    return cast("Strategy", dataclasses.replace(cast("Any", strategy), **changes))


def _options(strategy: Strategy) -> Collection[str]:
    """Names of the options of a strategy; of one that is no dataclass, none."""
    return getattr(type(strategy), "__dataclass_fields__", {})
