"""What a person sees of a study that another process runs: all of it is read from the store."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from metaopt.cli.trials_view import TrialsView, study_title
from metaopt.reports.segments import brief
from metaopt.reports.tables import duration
from metaopt.store.lease import Holder
from metaopt.store.sitting import Sitting
from metaopt.store.standings import Standing
from metaopt.store.study import StoredStudy
from metaopt.store.views import MEMBER, TrialView
from metaopt.timetable import Timetable
from search_spaces.errors import ConfigError


class WatchView(TrialsView):
    """A context manager; :meth:`look` reads what has changed and shows it.

    Args:
        study: one that metaopt made.
        silent: whether no lines are printed as things happen.

    Raises:
        ConfigError: it is not.
    """

    PER_SECOND = 2.0

    def __init__(self, study: StoredStudy, *, silent: bool = False) -> None:
        super().__init__(stderr=False)
        self._study, self._silent = study, silent
        self._following = study.following()
        self._document = study.document
        if "space" not in self._document:
            raise ConfigError(f"study {study.name!r} was not made by metaopt; use the dashboard")
        self._epochs = int(self._document["budget"]["epochs"])
        self._sitting: Sitting | None = None
        self._holder: Holder | None = None
        self._durations: list[float] = []
        #: When the last trial ended [s since 1970], and since when the store does not answer.
        self._last = self._away = 0.0
        self._begun = False

    @property
    def over(self) -> bool:
        """Whether nobody runs the study."""
        return self._holder is None or self._holder.dead

    @property
    def explained(self) -> bool:
        """Whether it is known why."""
        return bool(self._sitting and self._sitting.ending) or self._holder is not None

    def look(self) -> None:
        """Read and show what has changed.

        Raises:
            StoreError: the store cannot be read; the next look shows what this one did not.
        """
        self._holder, sitting = self._study.holder(), self._study.sitting()
        changed = self._following.changed()
        if self._away:
            self._stage, self._away = "", 0.0
            self._line("the study store answers again")
        if not self._begun or sitting != self._sitting:
            self._sit(sitting)
        if self._begun:
            self._tell(changed)
        else:
            self._begin(changed)
        self._left = self._estimate()
        self._warn_of_silence()

    def lost(self, reason: str) -> None:
        """The store does not answer."""
        now = time.monotonic()
        if not self._away:
            self._away = now
            self._line(f"{reason}; waiting for it")
        self._stage = f"no answer of the study store for {duration(now - self._away)}"

    def conclusion(self) -> str:
        """How the study stands, now that nobody runs it."""
        name, sitting = repr(self._study.name), self._sitting
        if self._holder is not None and self._holder.dead:
            text = f"the process that ran study {name} has died; the same command resumes it"
        elif sitting is not None and sitting.ending:
            text = f"study {name} has ended: {sitting.ending}"
        else:
            text = f"study {name} is not being run"
        return f"{text}; {self._best_words()}"

    def show(self) -> None:
        """Print the view as it is."""
        self._console.print(self._view())
        if self.over:
            self._console.print(self.conclusion())

    def state(self) -> dict[str, Any]:
        """All that is shown, as plain data; times in seconds."""
        return {
            "study": self._study.name,
            "running": not self.over,
            "ending": self._sitting.ending if self._sitting and self.over else "",
            "elapsed": round(self._seconds(), 1),
            "left": None if self._left is None or self.over else round(self._left, 1),
            "done": len(self._trials),
            "trials": self._total or None,
            "pruned": sum(t.state == "pruned" for t in self._trials.values()),
            "failed": sum(t.state == "fail" for t in self._trials.values()),
            "best": _best_state(self._best),
            "running_trials": [
                {"trial": number, "epoch": row.epoch, "S": row.score}
                for number, row in self._running.items()
            ],
        }

    # -- reading --------------------------------------------------------------------------

    def _sit(self, sitting: Sitting | None) -> None:
        """A run begins, or is found; a study that no run is recorded of has no total."""
        before, self._sitting = self._sitting, sitting
        if sitting is not None:
            self._total = sitting.trials
            self._began = time.monotonic() - (time.time() - sitting.began)
        if before is None or sitting is None or before.began != sitting.began:
            self._entitle(self._name(sitting))

    def _name(self, sitting: Sitting | None) -> str:
        document = self._document
        return study_title(
            self._study.name,
            sitting.strategy if sitting else document["strategy"],
            document["space"]["name"],
            document["geometry"]["name"],
            sitting.workers if sitting else None,
        )

    def _begin(self, trials: Iterable[TrialView]) -> None:
        """What was there before."""
        self._begun = True
        trials = list(trials)
        self._keep(self._slim(t) for t in trials if t.finished is not None)
        if self._trials:
            self._line(self._summary())
        self._tell(t for t in trials if t.finished is None)

    def _tell(self, trials: Iterable[TrialView]) -> None:
        for trial in trials:
            if trial.number not in self._running:
                self._start(trial.number, self._kind(trial), self._monotonic(trial.started))
            known = self._running[trial.number].epoch
            for epoch, score in trial.rungs:
                if epoch > known:
                    self._score(trial.number, epoch, score)
            if trial.finished is not None:
                self.finished(self._slim(trial))

    def _slim(self, trial: TrialView) -> TrialView:
        """What the view needs of an ended trial: there may be very many."""
        if trial.finished is not None:
            self._last = max(self._last, trial.finished.timestamp())
        if trial.complete and trial.seconds > 0:
            self._durations.append(trial.seconds)
        note = {MEMBER: trial.note[MEMBER]} if MEMBER in trial.note else {}
        return replace(trial, point={}, groups={}, metrics={}, rungs=(), note=note)

    def _kind(self, trial: TrialView) -> str:
        if MEMBER in trial.note:
            return brief(trial.note)
        if trial.seed:
            return f"confirms trial {trial.note['confirms']}" if "confirms" in trial.note else ""
        if trial.retry_of is None or trial.proposal is None:
            return ""
        pruned = self._trials.get(trial.training)
        return f"{'resumes' if pruned else 'repeats'} trial {trial.retry_of}"

    # -- time -----------------------------------------------------------------------------

    def _monotonic(self, moment: datetime | None) -> float:
        ago = 0.0 if moment is None else max(time.time() - moment.timestamp(), 0.0)
        return time.monotonic() - ago

    def _seconds(self) -> float:
        """How long the run has taken."""
        if self.over and self._sitting is not None:
            return max(self._last - self._sitting.began, 0.0)
        return time.monotonic() - self._began

    def _elapsed(self) -> str:
        return duration(self._seconds())

    def _estimate(self) -> float | None:
        """Seconds to the end, as far as one can say."""
        sitting = self._sitting
        if sitting is None or self.over:
            return None
        budget = sitting.began + sitting.time_budget - time.time() if sitting.time_budget else None
        started = [row.started for row in self._running.values()]
        waiting = max(self._total - len(self._trials) - len(started), 0)
        table = Timetable(None if budget is None else max(budget, 0.0))
        # Workers may have joined or left since the run began.
        return table.left(self._durations, started, waiting, len(started) or sitting.workers)

    # -- words ----------------------------------------------------------------------------

    def _warn_of_silence(self) -> None:
        """A process that has not renewed its lease may be busy, or lost with its machine."""
        holder = self._holder
        if holder is None or holder.dead or not holder.silent:
            self._stage = ""
            return
        if not self._stage:
            self._line(f"process {holder.pid} on {holder.host}, which runs the study, is silent")
        self._stage = f"no word from {holder.host} for {duration(holder.silent)}"

    def _line(self, text: str) -> None:
        if not self._silent:
            super()._line(text)


def _best_state(best: Standing | None) -> dict[str, Any] | None:
    if best is None:
        return None
    return {"trial": best.best.number, "S": best.score.value, "error": best.score.error}
