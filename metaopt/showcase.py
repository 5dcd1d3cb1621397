"""What the controller leaves for those who look at the study in the Optuna dashboard.

Notes in words for the study and its trials, a picture of each complete trial against Geant4,
and two figures of the whole study at the end of a run. Nothing that is shown may end a study:
where showers or disk are gone there is no picture, and trials go on.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from metaopt.config import trial_folder
from metaopt.gallery import Gallery
from metaopt.preflight import Plan
from metaopt.reports.notes import study_note, trial_note
from metaopt.store.pictures import PICTURES
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
from search_spaces.errors import DataError
from workers.plotted import FILE, Plotted
from workers.simulation.label import label_of
from workers.trial import Outcome, TrialResult

#: Trials with a note in any case. The dashboard searches all notes for each trial that it
#: shows: 10,000 would take it minutes. Of later trials the best so far and confirming ones.
NOTED = 1000


class Showcase:
    """Writes notes, pictures and figures of one study."""

    def __init__(self, plan: Plan, study: StoredStudy) -> None:
        self._plan, self._study = plan, study
        self._folder = plan.config.folder.resolve()
        self._published: TrialView | None = None
        self._best = float("inf")
        self._findings: Mapping[str, tuple[str, ...]] = {}
        self._picture = ""

    def open(self) -> None:
        """Describe the study, and look at what is complete already."""
        for trial in self._study.trials():
            self._compare(trial)
        labels = (label_of(name) for name in self._plan.data.files)
        engines = sorted({f"{one.engine} {one.version}" for one in labels if one is not None})
        self._study.describe(study_note(self._study.name, self._study.document, engines))

    def picture(self, number: int, result: TrialResult) -> str:
        """Draw a trial that is about to be told; the name of the file, empty without one."""
        self._findings, self._picture = {}, ""
        file = trial_folder(self._folder, number) / FILE
        if self._plan.config.study.plots and result.outcome is Outcome.COMPLETE and file.is_file():
            with suppress(DataError, OSError):
                self._picture = self._drawn(number, result, Plotted.load(file))
        with suppress(OSError):
            file.unlink(missing_ok=True)
        return self._picture

    def finished(self, trial: TrialView) -> None:
        """Write the note of a trial that was told, after its :meth:`picture`."""
        better = self._compare(trial)
        if trial.number >= NOTED and not better and not trial.seed:
            return
        picture = self._study.address(trial.number, self._picture) if self._picture else ""
        document = self._plan.document
        note = trial_note(trial, self._published, document, self._findings, picture)
        self._study.describe(note, trial.number)

    def close(self) -> None:
        """Draw the study as it is."""
        from metaopt.reports.highlights import highlights

        trials = self._study.trials()
        self._study.show(highlights(self._study.name, self._plan.document, trials))

    def _compare(self, trial: TrialView) -> bool:
        """Whether a trial is better than all before it."""
        if not trial.complete or trial.score is None:
            return False
        if trial.proposal == 0 and self._published is None:
            self._published = trial
        better = trial.score < self._best
        self._best = min(self._best, trial.score)
        return better

    @cached_property
    def _gallery(self) -> Gallery:
        return Gallery(self._plan.data, self._plan.geometry, self._plan.reference)

    def _drawn(self, number: int, result: TrialResult, plotted: Plotted) -> str:
        exhibit = self._gallery.exhibit(f"Trial {number}", result, plotted)
        self._findings = exhibit.findings
        return _write(self._folder, number, exhibit.picture) if exhibit.picture else ""


def _write(folder: Path, number: int, picture: str) -> str:
    """Write a picture; its name is the same if the trial is told again."""
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{folder.as_uri()}/{number}"))
    path = folder.parent / PICTURES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture, encoding="utf-8")
    return name
