"""A study and its trials as plain records, for the controller, reports and export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from metaopt.strategies.base import Observation, State
from objectives.objective import WORST
from search_spaces.parameters import Value
from workers.timing import MS_PER_SHOWER

#: Optuna's five states, and the three words for what ended a FAIL.
FAILED, LOST, INTERRUPTED = "failed", "lost", "interrupted"
#: Keys of the note of a population's segment: its member, its first epoch, and the trial whose
#: state it took over.
MEMBER, FROM, PARENT = "member", "from epoch", "parents"
#: How often a trial is started when its worker is lost without a new epoch.
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class TrialView:
    """One trial as the store has it.

    Attributes:
        number: in the study.
        state: Optuna's, in lower case: running, complete, pruned, fail, waiting.
        outcome: why a FAIL failed: "failed" (its own fault), "lost" (its worker's),
            "interrupted" (by the user, or its controller died); else empty.
        point: its parameters.
        proposal: which proposal of the strategy this is; retries keep the number. None where
            a controller died while recording the trial.
        seed: 0 for the search's own training of the proposal; another one confirms it.
        attempt: from 1, since the last new epoch; ``retry_of`` is the trial that this one
            repeats, or goes on with.
        score, error: S and its standard deviation; S is the last one of a pruned trial.
        groups, metrics: the breakdown of S, and human numbers.
        rungs: (epoch, S) of every scored epoch.
        note: what the strategy said of it.
        started, finished: in UTC, and aware of it.
    """

    number: int
    state: str
    outcome: str
    point: Mapping[str, Value]
    proposal: int | None = None
    seed: int = 0
    attempt: int = 1
    retry_of: int | None = None
    score: float | None = None
    error: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    groups: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    rungs: tuple[tuple[int, float], ...] = ()
    note: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def complete(self) -> bool:
        """Whether it ran to the end and has a final score."""
        return self.state == "complete"

    @property
    def replaced(self) -> bool:
        """Whether it is a member's segment, after which that took over another one's state.

        Optuna has it as pruned: it ended before the last epoch, with a score.
        """
        return self.state == "pruned" and MEMBER in self.note

    @property
    def word(self) -> str:
        """How it stands, for people: its state, *replaced*, or why it failed."""
        return "replaced" if self.replaced else self.outcome or self.state

    @property
    def settled(self) -> bool:
        """Whether it says something of its configuration: no interruption, no lost worker."""
        return self.state in ("complete", "pruned") or self.outcome == FAILED

    @property
    def training(self) -> tuple[int, int]:
        """Proposal and seed: what the trials of one training have in common."""
        assert self.proposal is not None
        return self.proposal, self.seed

    @property
    def repeatable(self) -> bool:
        """Whether it failed for no fault of its own, and its point is known whole."""
        lost = self.state == "fail" and self.outcome in (LOST, INTERRUPTED)
        return lost and self.proposal is not None

    @property
    def observation(self) -> Observation | None:
        """What strategies see of it.

        None while it runs, where only the machine failed, and of a confirming trial.
        """
        if self.seed:
            return None
        if self.state == "fail" and self.outcome == FAILED:
            state, score = State.FAILED, WORST
        elif self.state in ("complete", "pruned") and self.score is not None:
            state, score = State(self.state), self.score
        else:
            return None
        return Observation(
            self.number,
            self.point,
            state,
            score,
            self.epochs,
            self.rungs,
            self.note,
            self.metrics if state is not State.FAILED else {},
        )

    @property
    def ms_per_shower(self) -> float | None:
        """Milliseconds that the trained network takes for a shower, where they were measured."""
        return self.metrics.get(MS_PER_SHOWER)


@dataclass(frozen=True)
class StudyView:
    """One study: what it is about, and how its trials stand.

    Attributes:
        document: what was recorded when the study began: space, geometry, data digest,
            budget, seed, versions.
        counts: number of trials by state.
    """

    name: str
    document: Mapping[str, Any]
    counts: Mapping[str, int]
    best: TrialView | None
    started: datetime | None
