"""A study that starts from earlier ones of the same store, also of another space or geometry.

What they teach is recorded when the study begins: a resumed study starts from the same
points, whatever became of the earlier ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
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

    Args:
        plan: of the study.
        store: that holds the earlier studies.
        document: of the study itself where it has begun; its lessons hold.

    Raises:
        StoreError: there is no such study.
        NoCompleteTrialError: it has nothing to teach.
        ConfigError: the strategy cannot start from points.
    """
    if LESSONS in document:
        lessons = decode(Lessons, document[LESSONS], "the study's lessons")
    elif plan.config.search.earlier and not document:
        lessons = _lessons(plan, store)
    else:
        return plan
    record = {**plan.document, LESSONS: encode(lessons)}
    strategy = _started(plan.strategy, plan.config.search.strategy, lessons)
    return dataclasses.replace(plan, strategy=strategy, document=record)


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


def _started(strategy: Strategy, name: str, lessons: Lessons) -> Strategy:
    known = getattr(type(strategy), "__dataclass_fields__", {})
    if "warm" not in known:
        raise ConfigError(
            f"strategy {name!r} cannot start from earlier studies; take genetic, bayesian or "
            "nsga2, or leave search.earlier out"
        )
    changes: dict[str, Any] = {"warm": lessons.points}
    changes |= {"earlier": lessons.scored} if "earlier" in known else {}
    return cast("Strategy", dataclasses.replace(cast("Any", strategy), **changes))
