"""Why a run, or its search, ends."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from metaopt.preflight import Plan
from metaopt.record import Record
from metaopt.strategies.estimates import exhausted

#: Third word of the seed of what is drawn for the question whether the search goes on.
EXHAUSTED_DRAWS = 100


class Ending(StrEnum):
    """Why a run ended."""

    TRIALS = "all trials are done"
    TARGET = "the target score is reached"
    EXHAUSTED = "no improvement above the noise is expected"
    TIME = "the time budget is used up"
    INTERRUPTED = "interrupted"


class SearchEnd:
    """Whether the search is over, asked before each proposal; once over, it stays so."""

    def __init__(self, plan: Plan, record: Record) -> None:
        self._plan = plan
        self._record = record
        self._asked = -1
        self.ending: Ending | None = None

    def reached(self) -> bool:
        """Whether a rule of the study ends its search now."""
        if self.ending is None:
            if self._target_reached():
                self.ending = Ending.TARGET
            elif self._exhausted():
                self.ending = Ending.EXHAUSTED
        return self.ending is not None

    def _target_reached(self) -> bool:
        target = self._plan.config.search.target
        complete = (t for t in self._record.searched.values() if t.complete)
        return bool(target) and any(t.score is not None and t.score <= target for t in complete)

    def _exhausted(self) -> bool:
        """Asked once per ended trial: an answer takes seconds."""
        history = self._record.history
        if not self._plan.config.search.until_exhausted or len(history) == self._asked:
            return False
        self._asked = len(history)
        seed = [self._plan.config.study.seed, len(history), EXHAUSTED_DRAWS]
        try:
            return exhausted(self._plan.space, history, np.random.default_rng(seed))
        except np.linalg.LinAlgError:
            return False
