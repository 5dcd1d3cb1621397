"""One study in the store: its trials, its epochs, its lease.

Trials are Optuna trials. Attributes are written before a trial is told: a
finished trial is immutable. The controller is the only writer of a study. Each
method may be repeated whole, so that a study outlasts a restart of its server.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from metaopt.store.connection import Connection
from metaopt.store.folders import FOLDER, gone_on_in
from metaopt.store.following import Following
from metaopt.store.lease import Holder, Lease
from metaopt.store.outages import outlasting
from metaopt.store.reading import read_trials
from metaopt.store.records import attributes_of, running_trial, state_of, view_of
from metaopt.store.searches import gone_on_with
from metaopt.store.shown import address, attach, has_note, write_note
from metaopt.store.sitting import Sitting
from metaopt.store.standings import best_of
from metaopt.store.tables import EpochRow
from metaopt.store.views import StudyView, TrialView
from search_spaces.errors import StoreError
from search_spaces.parameters import Point
from search_spaces.space import SearchSpace
from workers.trial import Progress, TrialResult

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["DOCUMENT", "StoredStudy"]

#: The study attribute that records what the study is about.
DOCUMENT = "metaopt"
#: The study attribute that records its last run.
SITTING = "metaopt_run"


class StoredStudy:
    """One study. Made by :class:`~metaopt.store.database.StudyStore`."""

    def __init__(self, study: optuna.Study, connection: Connection) -> None:
        self._study = study
        self._connection = connection
        self._storage = connection.storage
        self._identity = self._storage.get_study_id_from_name(study.study_name)
        self._lease = Lease(connection, study.study_name)
        #: Ended trials that need not be read again, and the first identity that must.
        self._ended: list[TrialView] = []
        self._since = 0
        #: The identity in the database of each trial that was started here.
        self._identities: dict[int, int] = {}

    @property
    def name(self) -> str:
        """The study's name."""
        return self._study.study_name

    @property
    def document(self) -> dict[str, Any]:
        """What was recorded when the study began; empty for a study that is not ours."""
        with self._connection.explained():
            return dict(self._study.user_attrs.get(DOCUMENT, {}))

    @property
    def blank(self) -> bool:
        """Whether its maker died before it recorded anything: such a study is made again.

        An empty study with other directions, or with attributes, is somebody else's.
        """
        with self._connection.explained():
            bare = not self._study.user_attrs
            ours = bare and self._study.directions == [StudyDirection.MINIMIZE]
        return ours and not self.trials()

    # -- reading --------------------------------------------------------------------------

    @outlasting
    def trials(self) -> list[TrialView]:
        """All trials, in order of number. Those before the first that runs are read once."""
        with self._connection.explained(), self._connection.session() as session:
            read = read_trials(session, self._identity, self._since)
        before, views = list(self._ended), [view_of(trial) for trial in read.values()]
        for (identity, trial), view in zip(read.items(), views, strict=True):
            if not trial.state.is_finished():
                break
            self._ended.append(view)
            self._since = identity + 1
        return before + views

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
        with self._connection.explained(), self._connection.session() as session:
            rows = (
                session.query(EpochRow)
                .filter_by(study=self.name, trial=number)
                .order_by(EpochRow.epoch)
            )
            keys = ("epoch", "score", "groups", "losses", "seconds", "showers")
            return [{key: getattr(row, key) for key in keys} for row in rows]

    def following(self) -> Following:
        """For those who look on: what changes among the trials."""
        return Following(self._connection, self._identity)

    def sitting(self) -> Sitting | None:
        """The last run; None of a study whose runs are not recorded.

        Raises:
            StoreError: with a KeyError as its cause where the study was deleted.
        """
        with self._connection.explained():
            try:
                attributes = self._storage.get_study_user_attrs(self._identity)
            except KeyError as failure:
                raise StoreError(f"study {self.name!r} was deleted from the store") from failure
        return Sitting.of(attributes.get(SITTING, {}))

    def holder(self) -> Holder | None:
        """Which process runs the study, if one does."""
        return self._lease.holder()

    # -- writing --------------------------------------------------------------------------

    @outlasting
    def record_sitting(self, sitting: Sitting) -> None:
        """Record the run that goes on, or how it ended."""
        with self._connection.explained():
            self._study.set_user_attr(SITTING, dataclasses.asdict(sitting))

    @outlasting
    def go_on_in(self, folder: Path) -> None:
        """Record where the results of this run are; those of the runs before are known as well."""
        with self._connection.explained():
            document = self._study.user_attrs[DOCUMENT]
            if document[FOLDER] != str(folder):
                self._study.set_user_attr(DOCUMENT, gone_on_in(document, folder))

    @outlasting
    def go_on_with(self, search: Mapping[str, Any], proposal: int) -> None:
        """Record how this run proposes from a proposal on, where that is not as before."""
        with self._connection.explained():
            document = self._study.user_attrs[DOCUMENT]
            told = gone_on_with(document, search, proposal)
            if told is not document:
                self._study.set_user_attr(DOCUMENT, told)

    @outlasting
    def start(
        self,
        space: SearchSpace,
        point: Point,
        proposal: int,
        note: Mapping[str, str],
        retry: TrialView | None = None,
        attempt: int = 1,
        seed: int = 0,
    ) -> int:
        """Record a running trial, whole or not at all; returns its number.

        ``retry`` is the trial that this one repeats, or goes on with; see :class:`TrialView`.
        Where the answer is lost with the connection, a second trial of the proposal is
        recorded, and the first one stays behind: it is told apart by the later one.
        """
        trial = running_trial(space, point, proposal, note, retry, attempt, seed)
        with self._connection.explained():
            identity = self._storage.create_new_trial(self._identity, trial)
            number = self._storage.get_trial_number_from_id(identity)
        self._identities[number] = identity
        return number

    @outlasting
    def report(self, number: int, progress: Progress) -> None:
        """Record a scored epoch."""
        row = EpochRow(
            study=self.name,
            trial=number,
            epoch=progress.epoch,
            score=progress.score,
            seconds=progress.seconds,
            showers=progress.showers,
            groups=dict(progress.groups),
            losses=dict(progress.losses),
        )
        with self._connection.explained():
            self._storage.set_trial_intermediate_value(
                self._identities[number], progress.epoch, progress.score
            )
            with self._connection.session() as session:
                session.merge(row)
                session.commit()

    @outlasting
    def finish(
        self, number: int, result: TrialResult, pruned: bool = False, picture: str = ""
    ) -> TrialView:
        """Tell how a trial ended: attributes first, since a told trial is immutable.

        Args:
            number: of the trial.
            result: its last word.
            pruned: whether a STOPPED result was pruning rather than an interruption.
            picture: name of the file of its plots; empty: there are none.
        """
        identity = self._identities[number]
        state, outcome = state_of(result.outcome, pruned)
        value = result.score if state == TrialState.COMPLETE else None
        with self._connection.explained():
            try:
                for key, attribute in attributes_of(result, outcome).items():
                    self._storage.set_trial_user_attr(identity, key, attribute)
                if picture:
                    attach(self._storage, identity, picture)
                told = self._study.tell(number, value, state=state)
            except UpdateFinishedTrialError:
                told = self._told(identity, state)
        return view_of(told)

    @outlasting
    def take_up(self, trial: TrialView) -> None:
        """Record on what happens to a running trial that a dead controller left behind."""
        with self._connection.explained():
            self._identities[trial.number] = self._storage.get_trial_id_from_study_id_trial_number(
                self._identity, trial.number
            )

    @outlasting
    def abandon(self, trial: TrialView) -> None:
        """Fail a running trial that a dead controller left behind: it reads as interrupted."""
        with self._connection.explained():
            self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def _told(self, identity: int, state: TrialState) -> FrozenTrial:
        """A trial that was told before, where only the answer was lost with the connection."""
        told = self._storage.get_trial(identity)
        if told.state != state:
            raise StoreError(
                f"trial {told.number} of study {self.name!r} was ended by another controller, "
                "which took the study over; leave the study to it"
            )
        return told

    # -- for the dashboard ----------------------------------------------------------------

    @outlasting
    def describe(self, body: str, number: int | None = None) -> None:
        """Write a note on the study, or on a trial that was started here, unless it has one."""
        trial = None if number is None else self._identities[number]
        with self._connection.explained():
            with self._connection.session() as session:
                if has_note(session, self._identity, trial):
                    return
            write_note(self._storage, self._identity, body, trial)

    def address(self, number: int, picture: str) -> str:
        """Where the dashboard serves a picture of a trial that was started here."""
        return address(self._identity, self._identities[number], picture)

    @outlasting
    def show(self, figures: Mapping[str, go.Figure]) -> None:
        """Show figures beside the study's own, in the place of those of the same names."""
        from optuna_dashboard import save_plotly_graph_object

        with self._connection.explained():
            for name, figure in figures.items():
                save_plotly_graph_object(self._study, figure, graph_object_id=name)

    # -- the lease ------------------------------------------------------------------------

    @outlasting
    def hold(self) -> None:
        """Take the lease of this study, or renew it where it is time to; ask it often.

        Raises:
            StoreError: another living controller holds it.
        """
        self._lease.hold()

    def release(self) -> None:
        """Give the lease back."""
        self._lease.release()

    def returned(self) -> None:
        """After an outage, renew the lease before anything is written: it may be lost."""
        self._lease.confirm()
