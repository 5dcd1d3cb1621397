"""When it is useless to go on: workers or configurations that fail one after another."""

from __future__ import annotations

from metaopt.store.views import FAILED, TrialView
from search_spaces.errors import DataError, ExecutorError, MetaoptError, TrialFailedError

#: Workers lost one after another, without a scored epoch between, after which something is
#: wrong with the machines rather than with a trial.
MAX_LOST_IN_A_ROW = 6


class Failures:
    """Counts what fails in a row.

    Attributes:
        failure: to be raised once the running epochs have ended; None while all is well.
    """

    def __init__(self, most: int) -> None:
        self.failure: MetaoptError | None = None
        self._most = most
        self._lost = self._failed = 0

    def came_further(self) -> None:
        """A trial scored a new epoch: workers work."""
        self._lost = 0

    def ended(self, trial: TrialView, *, lost: bool) -> None:
        """A trial ended; ``lost`` if it was its worker that did."""
        self._lost = self._lost + 1 if lost else 0
        if trial.outcome == FAILED and not lost:
            self._failed += 1
        elif trial.complete or trial.state == "pruned":
            self._failed = 0
        if self._lost >= MAX_LOST_IN_A_ROW:
            text = f"{MAX_LOST_IN_A_ROW} workers were lost one after another, the last: "
            self._keep(ExecutorError(_resumable(f"{text}{trial.reason}; mend it")))
        if self._failed >= self._most:
            text = f"{self._most} configurations failed one after another (search.max_failures), "
            text += f"the last: {trial.reason}; check the space and the data"
            self._keep(TrialFailedError(_resumable(text)))

    def unreadable(self, reason: str) -> None:
        """Showers or disk are of use to no trial any more: no configuration is charged."""
        text = f"{reason}. The study is kept: mend this"
        self._keep(DataError(_resumable(text)))

    def _keep(self, failure: MetaoptError) -> None:
        self.failure = self.failure or failure


def _resumable(text: str) -> str:
    return f"{text}, and the same command resumes the study"
