"""What the store knows of a run of a study, for those who follow it from elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.records import decode


@dataclass(frozen=True)
class Sitting:
    """The last run of a study.

    Attributes:
        strategy: of the search.
        trials: how many trainings the study is to have.
        workers: trials at once, as the run began.
        began: when [s since 1970].
        time_budget: wall-clock limit [s]; 0 = none.
        ending: why the run ended, in words; empty while it goes on, or where it was killed.
    """

    strategy: str
    trials: int
    workers: int
    began: float
    time_budget: float = 0.0
    ending: str = ""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Sitting | None:
        """A recorded sitting; None where there is none. Another version's keys are left out."""
        known = {field.name for field in dataclasses.fields(cls)}
        kept = {key: value for key, value in record.items() if key in known}
        return decode(cls, kept, "the record of the run") if kept else None
