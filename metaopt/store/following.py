"""The trials of a study as they change, for those who only look on."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from metaopt.store.connection import Connection
from metaopt.store.reading import TRIALS, read_trials
from metaopt.store.records import view_of
from metaopt.store.views import TrialView

#: So many trials are asked for one by one; of more, what lies between is read with them.
FEW = 200


class Following:
    """Reads ended trials once: a look costs what has changed.

    Args:
        connection: to the database.
        study: the study's identity in it.
    """

    def __init__(self, connection: Connection, study: int) -> None:
        self._connection = connection
        self._study = study
        #: The first identity that may change, and those after it that cannot.
        self._since = 0
        self._ended: set[int] = set()

    def changed(self) -> list[TrialView]:
        """Trials that run, and those that ended since the last look, in order of number.

        Raises:
            StoreError: the store cannot be read; the next look gives what this one did not.
        """
        with self._connection.explained(), self._connection.session() as session:
            present = self._present(session)
            wanted = [identity for identity in present if identity not in self._ended]
            if not wanted:
                return []
            among = wanted if len(wanted) <= FEW else None
            read = read_trials(session, self._study, wanted[0], among)
        new = {identity: read[identity] for identity in wanted}
        self._ended |= {identity for identity, trial in new.items() if trial.state.is_finished()}
        self._move_on(present)
        return [view_of(trial) for trial in new.values()]

    def _present(self, session: Session) -> list[int]:
        """Identities from the first that may change."""
        present = (TRIALS.c.study_id == self._study, TRIALS.c.trial_id >= self._since)
        chosen = select(TRIALS.c.trial_id).where(*present).order_by(TRIALS.c.trial_id)
        return list(session.scalars(chosen))

    def _move_on(self, present: Iterable[int]) -> None:
        """Begin the next look at the first trial that runs."""
        ended = itertools.takewhile(self._ended.__contains__, present)
        self._since = max(ended, default=self._since - 1) + 1
        self._ended = {identity for identity in self._ended if identity >= self._since}
