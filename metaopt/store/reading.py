"""All trials of a study, read from Optuna's tables in five statements.

Optuna makes an object of every row, and decodes every parameter's range twice; a study of
10,000 trials then takes ten times as long to open. The tables are Optuna's, and it refuses
a database whose tables are of another version.
"""

from __future__ import annotations

import functools
import json
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import ColumnClause, ColumnElement, DateTime, TableClause, column, select, table
from sqlalchemy.orm import Session


def _table(name: str, *columns: str | ColumnClause[Any]) -> TableClause:
    return table(name, *(column(c) if isinstance(c, str) else c for c in columns))


TRIALS = _table(
    "trials",
    "trial_id",
    "number",
    "state",
    column("datetime_start", DateTime),
    column("datetime_complete", DateTime),
    "study_id",
)
PARAMETERS = _table(
    "trial_params", "trial_id", "param_id", "param_name", "param_value", "distribution_json"
)
ATTRIBUTES = _table("trial_user_attributes", "trial_id", "key", "value_json")
VALUES = _table("trial_values", "trial_id", "value", "value_type")
RUNGS = _table(
    "trial_intermediate_values",
    "trial_id",
    "step",
    "intermediate_value",
    "intermediate_value_type",
)
#: What Optuna stores as a type, without a value.
SPECIAL = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}


def read_trials(
    session: Session, study: int, since: int, among: Collection[int] | None = None
) -> dict[int, FrozenTrial]:
    """Trials of a study by their identity, in order of number; their ranges are left out.

    Args:
        session: on the database.
        study: its identity.
        since: the first identity that is wanted.
        among: only these identities, a few; None for all.
    """
    wanted = [TRIALS.c.study_id == study, TRIALS.c.trial_id >= since]
    if among is not None:
        wanted.append(TRIALS.c.trial_id.in_(among))
    # States first: all else of a trial is stored before its end, so what has ended is whole.
    trials = session.execute(select(TRIALS).where(*wanted).order_by(TRIALS.c.number)).all()
    parameters, attributes, values, rungs = (
        _rows(session, source, wanted) for source in (PARAMETERS, ATTRIBUTES, VALUES, RUNGS)
    )
    return {
        identity: FrozenTrial(
            number=number,
            trial_id=identity,
            state=TrialState[state],
            value=next((_number(*stored) for stored in values[identity]), None),
            datetime_start=_utc(start),
            datetime_complete=_utc(end),
            params=dict(_point(parameters[identity])),
            distributions={},
            user_attrs={sys.intern(k): json.loads(text) for k, text in attributes[identity]},
            system_attrs={},
            intermediate_values={step: _number(*stored) for step, *stored in rungs[identity]},
        )
        for identity, number, state, start, end, _ in trials
    }


def _rows(
    session: Session, source: TableClause, wanted: Sequence[ColumnElement[bool]]
) -> Mapping[int, list[tuple[Any, ...]]]:
    """Rows of a table by trial, without the trial's identity."""
    joined = select(source).join(TRIALS, TRIALS.c.trial_id == source.c.trial_id)
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for identity, *rest in session.execute(joined.where(*wanted)):
        found[identity].append(tuple(rest))
    return found


def _point(rows: list[tuple[Any, ...]]) -> Iterator[tuple[str, Any]]:
    """Parameters in the order in which they were stored."""
    for _, name, value, document in sorted(rows):
        yield sys.intern(name), _range(document).to_external_repr(value)


@functools.lru_cache(maxsize=1024)
def _range(document: str) -> BaseDistribution:
    return json_to_distribution(document)


def _utc(moment: datetime | None) -> datetime | None:
    """Of a column that has UTC without saying so."""
    return moment and moment.replace(tzinfo=UTC)


def _number(value: float | None, kind: str) -> float:
    return SPECIAL[kind] if value is None else value
