"""Between Optuna's trials and our records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from optuna.trial import FrozenTrial, TrialState, create_trial

from metaopt.store.views import FAILED, INTERRUPTED, LOST, TrialView
from metaopt.strategies.optuna_sampler import distribution
from objectives.groups import GROUPS
from search_spaces.parameters import Point, Value
from search_spaces.space import SearchSpace
from workers.trial import GROUP_PREFIX, METRIC_PREFIX, Outcome, TrialResult, prefixed

#: Trial attributes. Scalars that a person wants to see stand alone, for the dashboard.
PROPOSAL, SEED, ATTEMPT, RETRY_OF, NOTE = "proposal", "seed", "attempt", "retry_of", "note"
SCORE, ERROR, EPOCHS, SECONDS, OUTCOME, REASON = (
    "S",
    "S_error",
    "epochs",
    "seconds",
    "outcome",
    "reason",
)
#: What they hold; all others hold numbers.
_KINDS = dict.fromkeys((PROPOSAL, SEED, ATTEMPT, RETRY_OF, EPOCHS), int) | dict.fromkeys(
    (OUTCOME, REASON, NOTE), str
)


def running_trial(
    space: SearchSpace,
    point: Point,
    proposal: int,
    note: Mapping[str, str],
    retry: TrialView | None,
    attempt: int,
    seed: int,
) -> FrozenTrial:
    """A trial to be stored, as it starts."""
    attributes: dict[str, Any] = {PROPOSAL: proposal}
    if seed:
        attributes[SEED] = seed
    if retry:
        attributes |= {ATTEMPT: attempt, RETRY_OF: retry.number}
    if note:
        attributes[NOTE] = json.dumps(dict(note))
    return create_trial(
        state=TrialState.RUNNING,
        params=dict(point),
        distributions={name: distribution(space[name]) for name in point},
        user_attrs=attributes,
    )


def state_of(outcome: Outcome, pruned: bool) -> tuple[TrialState, str]:
    """Optuna's state, and the word for a FAIL."""
    if outcome is Outcome.COMPLETE:
        return TrialState.COMPLETE, ""
    if outcome is Outcome.STOPPED and pruned:
        return TrialState.PRUNED, ""
    if outcome is Outcome.FAILED:
        return TrialState.FAIL, FAILED
    return TrialState.FAIL, INTERRUPTED if outcome is Outcome.STOPPED else LOST


def attributes_of(result: TrialResult, outcome: str) -> dict[str, Any]:
    """What is recorded of a trial's end beside its state and score."""
    found: dict[str, Any] = {
        SCORE: result.score,
        ERROR: result.error,
        EPOCHS: result.epochs,
        SECONDS: round(result.seconds, 3),
        OUTCOME: outcome or None,
        REASON: result.reason or None,
    }
    found |= {GROUP_PREFIX + k: round(v, 4) for k, v in result.groups.items()}
    found |= {METRIC_PREFIX + k: v for k, v in result.metrics.items()}
    return {k: v for k, v in found.items() if v is not None}


def view_of(trial: FrozenTrial) -> TrialView:
    """A stored trial as a plain record."""
    attrs = _ours(trial.user_attrs)
    # Without a word of its controller, a failed trial was left behind by it.
    unsaid = INTERRUPTED if trial.state == TrialState.FAIL else ""
    rungs = tuple(sorted(trial.intermediate_values.items()))
    score = attrs.get(SCORE)
    point: dict[str, Value] = dict(trial.params)
    return TrialView(
        number=trial.number,
        state=trial.state.name.lower(),
        outcome=attrs.get(OUTCOME, unsaid),
        point=point,
        proposal=attrs.get(PROPOSAL),
        seed=attrs.get(SEED, 0),
        attempt=attrs.get(ATTEMPT, 1),
        retry_of=attrs.get(RETRY_OF),
        score=trial.value if trial.state == TrialState.COMPLETE else score,
        error=attrs.get(ERROR),
        # Of a trial whose worker was lost, what came before it was.
        epochs=max(attrs.get(EPOCHS, 0), rungs[-1][0] if rungs else 0),
        seconds=attrs.get(SECONDS, 0.0),
        # The store gives attributes in alphabetical order.
        groups=_ordered(prefixed(attrs, GROUP_PREFIX)),
        metrics=prefixed(attrs, METRIC_PREFIX),
        rungs=rungs,
        note=_note(attrs.get(NOTE, "{}")),
        reason=attrs.get(REASON, ""),
        started=_utc(trial.datetime_start),
        finished=_utc(trial.datetime_complete),
    )


def _ours(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those that hold what ours do: studies of plain Optuna may have others of the same names."""
    return {k: v for k, v in attributes.items() if isinstance(v, _KINDS.get(k, int | float))}


def _note(text: str) -> dict[str, str]:
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _utc(moment: datetime | None) -> datetime | None:
    """Of a time that Optuna gives: in this process's zone, without saying so."""
    return moment and moment.astimezone(UTC)


def _ordered(groups: Mapping[str, float]) -> dict[str, float]:
    return {name: groups[name] for name in GROUPS if name in groups}
