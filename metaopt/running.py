"""A running trial: how long it may take, and whose fault it is when it is lost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from metaopt.agenda import Assignment
from metaopt.config import TrialTable
from metaopt.durations import seconds
from metaopt.store.views import LOST, MAX_ATTEMPTS
from objectives.objective import WORST
from workers.trial import NEVER_BEGAN, WORKER_DIED, Outcome, TrialResult


@dataclass
class Running:
    """A submitted trial, as the controller remembers it.

    Attributes:
        checkpoint: folder of its training's state.
        rungs: (epoch, S) of every scored epoch.
        started, heard: when it began, and was last heard of [monotonic s].
        ms_per_shower: of generation, as it reported last.
        pruned: whether it was told to stop at a rung.
        overdue: what it ends with, where it was ended for its time.
    """

    assignment: Assignment
    checkpoint: Path
    rungs: list[tuple[int, float]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    ms_per_shower: float | None = None
    pruned: bool = False
    overdue: TrialResult | None = None

    @property
    def came_further(self) -> bool:
        """Whether it scored an epoch that its training had not scored before."""
        return bool(self.rungs) and self.rungs[-1][0] > self.assignment.epochs

    def past(self, limits: TrialTable) -> TrialResult | None:
        """What it ends with if it takes too long, or its worker is silent for too long."""
        now = time.monotonic()
        longest, silence = seconds(limits.time_limit), seconds(limits.silence_limit)
        if longest is not None and now - self.started > longest:
            reason = f"took longer than trial.time_limit = {limits.time_limit}"
            return TrialResult(Outcome.FAILED, WORST, reason=reason)
        if silence is not None and now - self.heard > silence:
            reason = f"{WORKER_DIED}: silent for trial.silence_limit = {limits.silence_limit}"
            return TrialResult(Outcome.LOST, reason=reason)
        return None

    def judged(self, lost: TrialResult) -> TrialResult:
        """Whose fault it is that the trial was lost.

        The configuration's own where the same exception ends it twice at the same epoch, or
        all attempts ended without a new one.
        """
        result = self.overdue or lost
        unfit = result.reason.startswith(NEVER_BEGAN)
        if result.outcome is Outcome.FAILED or self.came_further or unfit:
            return result
        before, attempt = self.assignment.before, self.assignment.attempt
        again = before is not None and before.outcome == LOST and before.reason == result.reason
        if (again and result.suspect) or attempt >= MAX_ATTEMPTS:
            reason = f"{attempt} attempts ended after epoch {self.assignment.epochs}"
            return replace(
                result, outcome=Outcome.FAILED, score=WORST, reason=f"{reason}: {result.reason}"
            )
        return result
