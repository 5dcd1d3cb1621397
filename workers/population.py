"""A population that is trained together: what its executor and its record tell each other.

Notation: m members train n epochs in intervals of some epochs each, counted from 1. After each
interval but the last all wait for each other (a *barrier*); then members of the lowest quantile
take over the state of one of the highest, with other values of what may change in a training
(M. Jaderberg et al., arXiv:1711.09846; with values from a Gaussian process: J. Parker-Holder et
al., arXiv:2002.02518).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from objectives.objective import WORST
from search_spaces.documents import DAMAGE, read_text
from search_spaces.errors import DataError
from search_spaces.parameters import Parameter, Value
from search_spaces.whole import whole
from workers import checkpoints
from workers.reuse import Models
from workers.runner import trial_events
from workers.trial import Outcome, Progress, TrialEvent, TrialResult, TrialSpec

#: File in a training's folder of states with the result of one that failed: it is not tried again.
FAILED = "failed.json"


@dataclass(frozen=True)
class Member:
    """A member as it begins, or goes on.

    Attributes:
        number: from 0.
        spec: of its training.
        score: S at the barrier at which it is, the worst of a failed one; None of one that begins.
        ended: whether nothing of its training is left to do after that barrier.
    """

    number: int
    spec: TrialSpec
    score: float | None = None
    ended: bool = False


@dataclass(frozen=True)
class Seen:
    """What a Gaussian process has seen of a member: values in force, and S at a barrier.

    Attributes:
        values: in the unit interval, one for each parameter that may change.
    """

    member: int
    interval: int
    values: tuple[float, ...]
    score: float


@dataclass(frozen=True)
class Rules:
    """How a population is trained.

    Attributes:
        parameters: that may change.
        epochs, interval: in all, and between two barriers.
        quantile: share of the members that others replace at a barrier, at most a half.
        resample: probability that a value is drawn anew instead of being perturbed.
        shrink, grow: factors of a perturbation, each with the same probability.
        bandit: whether a Gaussian process chooses the values.
        seed: of every draw.
        silence: between two epochs of a member, after which its process is ended [s]; None waits.
        done: barriers that all members have reached.
        seen: before the last of these, for the Gaussian process.
    """

    parameters: tuple[Parameter, ...]
    epochs: int
    interval: int
    quantile: float
    resample: float
    shrink: float
    grow: float
    bandit: bool
    seed: int
    silence: float | None = None
    done: int = 0
    seen: Sequence[Seen] = ()

    @property
    def intervals(self) -> int:
        """How many there are; the last one may be shorter."""
        return math.ceil(self.epochs / self.interval)

    def last_epoch(self, interval: int) -> int:
        """The epoch at which an interval ends."""
        return min(interval * self.interval, self.epochs)


class Ledger(Protocol):
    """Keeps the record of a population, and decides nothing."""

    def open(self) -> tuple[Sequence[Member], Rules]:
        """Where all members are in the record: at a barrier, some of them after it."""

    def reached(self, member: int, interval: int, events: Sequence[TrialEvent]) -> None:
        """A member ended an interval; its events of the training come from the first epoch."""

    def halted(self, member: int, events: Sequence[TrialEvent]) -> None:
        """A member stopped before the end of an interval, since the end was asked for."""

    def exploited(
        self, member: int, parent: int, values: Mapping[str, Value], drawn: Collection[str]
    ) -> Member:
        """At a barrier, a member takes over another's state: as it goes on.

        Args:
            member: which.
            parent: whose.
            values: with which it goes on.
            drawn: names of those that were drawn anew.
        """

    def tick(self) -> None:
        """Some time passed."""

    def stops(self) -> int:
        """How often the end was asked for: once, after the running epochs; twice, at once."""


class PopulationExecutor(Protocol):
    """Trains a population."""

    @property
    def slots(self) -> int:
        """How many members train at once."""

    def train(self, members: Sequence[Member], rules: Rules, ledger: Ledger) -> None:
        """Train to the end, or until the ledger's word.

        Raises:
            ExecutorError: workers cannot be had, or die again and again.
            DataError: the showers cannot be read.
        """

    def close(self) -> None:
        """End everything that runs and free all resources."""


def interval_events(
    spec: TrialSpec, target: int, models: Models, halt: Callable[[], bool] = lambda: False
) -> Iterator[TrialEvent]:
    """Train a member up to the end of an epoch, and keep its state.

    Args:
        spec: its training.
        target: the epoch.
        models: makes its model.
        halt: asked before and after each epoch; true stops the member there.

    Yields:
        All events of the training: those of earlier intervals come again. The last one is a
        result where it ends, failed, or stopped for the barrier.
    """
    if (known := failure(spec)) is not None:
        yield known
        return
    saved = checkpoints.latest(spec)
    if saved is not None and saved.progress[-1].epoch == target < spec.budget.epochs:
        yield from saved.progress
        return
    if halt():
        return
    scored: list[Progress] = []
    for event in trial_events(spec, lambda: scored[-1].epoch >= target or halt(), models):
        if isinstance(event, Progress):
            scored.append(event)
        elif event.outcome is Outcome.FAILED:
            _keep(spec, event)
        yield event


def failure(spec: TrialSpec) -> TrialResult | None:
    """The result of a training that failed, as it is kept beside its states.

    A damaged one is none: the member fails again.
    """
    marker = Path(spec.checkpoint) / FAILED
    try:
        return TrialResult.from_json(json.loads(read_text(marker, DataError)))
    except (DataError, *DAMAGE):
        return None


def _keep(spec: TrialSpec, failed: TrialResult) -> None:
    """Write the result of a training that failed: whole, or not at all."""
    marker = Path(spec.checkpoint) / FAILED
    marker.parent.mkdir(parents=True, exist_ok=True)
    with whole(marker) as part:
        part.write_text(json.dumps(failed.to_json()))


def halts(events: Sequence[TrialEvent], target: int) -> bool:
    """Whether a member stopped before the epoch up to which it was to be trained."""
    if not events:
        return True
    last = events[-1]
    return (
        isinstance(last, TrialResult) and last.outcome is Outcome.STOPPED and last.epochs < target
    )


def score_of(events: Sequence[TrialEvent]) -> float:
    """S at the end of an interval, from its events; the worst of a member that failed."""
    last = events[-1]
    if isinstance(last, TrialResult) and last.outcome in (Outcome.FAILED, Outcome.UNREADABLE):
        return WORST
    return [event.score for event in events if isinstance(event, Progress)][-1]
