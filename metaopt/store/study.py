"""One study in the store: its trials, its epochs, its lease.

Trials are Optuna trials. Attributes are written before a trial is told: a
finished trial is immutable. The controller is the only writer of a study.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.orm import Session

from metaopt.store.tables import EpochRow, LeaseRow
from metaopt.store.views import FAILED, INTERRUPTED, LOST, StudyView, TrialView, best_of
from objectives.groups import GROUPS
from search_spaces.errors import StoreError
from search_spaces.parameters import Float, Int, Parameter, Point, Value
from search_spaces.space import SearchSpace
from workers.trial import Outcome, Progress, TrialResult

#: The study attribute that records what the study is about.
DOCUMENT = "metaopt"
#: Trial attributes. Scalars that a person wants to see stand alone, for the dashboard.
PROPOSAL, ATTEMPT, RETRY_OF, NOTE = "proposal", "attempt", "retry_of", "note"
SCORE, ERROR, EPOCHS, SECONDS, OUTCOME, REASON = (
    "S",
    "S_error",
    "epochs",
    "seconds",
    "outcome",
    "reason",
)
GROUP_PREFIX, METRIC_PREFIX = "L_", "m_"
#: A controller that has not renewed its lease for this long is taken for dead [s].
LEASE_SECONDS = 60.0


class StoredStudy:
    """One study. Made by :class:`~metaopt.store.database.StudyStore`."""

    def __init__(
        self,
        study: optuna.Study,
        session: Callable[[], Session],
        explained: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._study = study
        self._session = session
        self._explained = explained
        self._open: dict[int, optuna.Trial] = {}

    @property
    def name(self) -> str:
        """The study's name."""
        return self._study.study_name

    @property
    def document(self) -> dict[str, Any]:
        """What was recorded when the study began; empty for a study that is not ours."""
        return dict(self._study.user_attrs.get(DOCUMENT, {}))

    # -- reading --------------------------------------------------------------------------

    def trials(self) -> list[TrialView]:
        """All trials, in order of number."""
        with self._explained():
            return [_view(t) for t in self._study.get_trials(deepcopy=False)]

    def view(self) -> StudyView:
        """The study as a plain record."""
        trials = self.trials()
        counts: dict[str, int] = {}
        for trial in trials:
            counts[trial.state] = counts.get(trial.state, 0) + 1
        started = trials[0].started if trials else None
        return StudyView(self.name, self.document, counts, best_of(trials), started)

    def epochs(self, number: int) -> list[dict[str, Any]]:
        """The breakdown of each scored epoch of a trial."""
        with self._explained(), self._session() as session:
            rows = (
                session.query(EpochRow)
                .filter_by(study=self.name, trial=number)
                .order_by(EpochRow.epoch)
            )
            keys = ("epoch", "score", "groups", "losses", "seconds", "showers")
            return [{key: getattr(row, key) for key in keys} for row in rows]

    # -- writing --------------------------------------------------------------------------

    def start(
        self,
        space: SearchSpace,
        point: Point,
        proposal: int,
        note: Mapping[str, str],
        retry: TrialView | None = None,
    ) -> int:
        """Record a running trial; returns its number."""
        active = {name: _distribution(space[name]) for name in point}
        with self._explained():
            self._study.sampler = _Given(point, active)
            trial = self._study.ask(fixed_distributions=active)
            trial.set_user_attr(PROPOSAL, proposal)
            if retry:
                # An interruption is nobody's failure: only a lost worker uses up an attempt.
                trial.set_user_attr(ATTEMPT, retry.attempt + (retry.outcome == LOST))
                trial.set_user_attr(RETRY_OF, retry.number)
            if note:
                trial.set_user_attr(NOTE, json.dumps(dict(note)))
        self._open[trial.number] = trial
        return trial.number

    def report(self, number: int, progress: Progress) -> None:
        """Record a scored epoch."""
        with self._explained():
            self._open[number].report(progress.score, progress.epoch)
            with self._session() as session:
                session.merge(
                    EpochRow(
                        study=self.name,
                        trial=number,
                        epoch=progress.epoch,
                        score=progress.score,
                        seconds=progress.seconds,
                        showers=progress.showers,
                        groups=dict(progress.groups),
                        losses=dict(progress.losses),
                    )
                )
                session.commit()

    def finish(self, number: int, result: TrialResult, pruned: bool = False) -> TrialView:
        """Tell how a trial ended: attributes first, since a told trial is immutable.

        Args:
            number: of the trial.
            result: its last word.
            pruned: whether a STOPPED result was pruning rather than an interruption.
        """
        trial = self._open.pop(number)
        state, outcome = _state(result.outcome, pruned)
        with self._explained():
            for key, value in _attributes(result, outcome).items():
                trial.set_user_attr(key, value)
            value = result.score if state == TrialState.COMPLETE else None
            return _view(self._study.tell(number, value, state=state))

    def abandon(self, trial: TrialView) -> None:
        """Fail a running trial that a dead controller left behind: it reads as interrupted."""
        with self._explained():
            self._study.tell(trial.number, state=TrialState.FAIL)

    # -- the lease ------------------------------------------------------------------------

    def hold(self, owner: str) -> None:
        """Take or renew the lease of this study.

        Raises:
            StoreError: another living controller holds it.
        """
        now = time.time()
        with self._explained(), self._session() as session:
            row = session.get(LeaseRow, self.name, with_for_update=True)
            if row is not None and row.owner != owner and _alive(row, now):
                raise StoreError(
                    f"study {self.name!r} is being run by process {row.pid} on {row.host}; "
                    "wait for it, stop it, or give another --study"
                )
            lease = row or LeaseRow(study=self.name)
            lease.owner, lease.host, lease.pid = owner, socket.gethostname(), os.getpid()
            lease.expires = now + LEASE_SECONDS
            session.add(lease)
            session.commit()

    def release(self, owner: str) -> None:
        """Give the lease back."""
        with self._explained(), self._session() as session:
            session.query(LeaseRow).filter_by(study=self.name, owner=owner).delete()
            session.commit()


def _alive(row: LeaseRow, now: float) -> bool:
    """Whether the lease's holder may still live: on this host, its process can be asked."""
    if row.expires < now:
        return False
    if row.host != socket.gethostname():
        return True
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Given(BaseSampler):
    """Hands one chosen point to Optuna: strategies propose, Optuna records."""

    def __init__(self, point: Point, active: dict[str, BaseDistribution]) -> None:
        self._point, self._active = dict(point), active

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        del study, trial
        return self._active

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        del study, trial, search_space
        return self._point

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, dist: BaseDistribution
    ) -> Any:
        del study, trial, dist
        raise AssertionError(f"{param_name} is not in the given point")


def _distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, Float):
        return FloatDistribution(
            parameter.low, parameter.high, log=parameter.log, step=parameter.step
        )
    if isinstance(parameter, Int):
        return IntDistribution(
            parameter.low, parameter.high, log=parameter.log, step=parameter.step
        )
    return CategoricalDistribution(parameter.choices)


def _state(outcome: Outcome, pruned: bool) -> tuple[TrialState, str]:
    """Optuna's state, and the word for a FAIL."""
    if outcome is Outcome.COMPLETE:
        return TrialState.COMPLETE, ""
    if outcome is Outcome.STOPPED and pruned:
        return TrialState.PRUNED, ""
    if outcome is Outcome.FAILED:
        return TrialState.FAIL, FAILED
    return TrialState.FAIL, INTERRUPTED if outcome is Outcome.STOPPED else LOST


def _attributes(result: TrialResult, outcome: str) -> dict[str, Any]:
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


def _view(trial: FrozenTrial) -> TrialView:
    attrs = trial.user_attrs
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
        attempt=attrs.get(ATTEMPT, 1),
        retry_of=attrs.get(RETRY_OF),
        score=trial.value if trial.state == TrialState.COMPLETE else score,
        error=attrs.get(ERROR),
        epochs=attrs.get(EPOCHS, rungs[-1][0] if rungs else 0),
        seconds=attrs.get(SECONDS, 0.0),
        # The store gives attributes in alphabetical order.
        groups=_ordered(_prefixed(attrs, GROUP_PREFIX)),
        metrics=_prefixed(attrs, METRIC_PREFIX),
        rungs=rungs,
        note=json.loads(attrs.get(NOTE, "{}")),
        reason=attrs.get(REASON, ""),
        started=trial.datetime_start,
        finished=trial.datetime_complete,
    )


def _ordered(groups: Mapping[str, float]) -> dict[str, float]:
    return {name: groups[name] for name in GROUPS if name in groups}


def _prefixed(attrs: Mapping[str, Any], prefix: str) -> dict[str, float]:
    return {k.removeprefix(prefix): v for k, v in attrs.items() if k.startswith(prefix)}
