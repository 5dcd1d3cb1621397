"""The Optuna dashboard on a large study: what notes and pictures add, in a real browser.

    python -m tests.benchmarks.dashboard --trials 1000

from the project's folder. The study is made up, once without and once with notes and pictures;
its pages are opened in chromium, and the times are those until the figure of its history, or the
last trial's note, is drawn. Bytes are those of the store for each trial.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import MetaData, insert

from metaopt.reports.notes import study_note, trial_note
from metaopt.showcase import NOTED
from metaopt.store.database import StudyStore
from metaopt.store.pictures import PICTURES
from metaopt.store.shown import PICTURE, PICTURE_TYPE, address, write_note
from tests.benchmarks.report import fill
from tests.dashboard import dashboard, page

#: About as much as real trials have.
FINDINGS = {
    "energy": ("energy 2.1 % too high (± 0.1), 21 sigma",),
    "cells": ("3 % too few hit cells (± 1), 4 sigma", "hottest cell holds 8 % too little (± 1)"),
}
SVG = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1320 734'>{}</svg>".format(
    "<path d='M0 0L1320 734'/>" * 1200
)


def show(store: StudyStore, folder: Path) -> None:
    """Notes and pictures for all trials that would have them."""
    study = store.study("large")
    views, document = study.trials(), {**study.document, "folder": str(folder / "large")}
    (folder / PICTURES).mkdir(exist_ok=True)
    notes, pictures = [], []
    for view in views:
        trial, name, place = view.number + 1, f"{view.number:08x}", ""
        if view.complete:
            (folder / PICTURES / name).write_text(SVG)
            told = {"artifact_id": name, "filename": PICTURE, "mimetype": PICTURE_TYPE}
            value = json.dumps(json.dumps({**told, "encoding": None}))
            key = f"artifacts:{name}"
            pictures.append({"trial_id": trial, "key": key, "value_json": value})
            place = address(1, trial, name)
        if view.number < NOTED:
            findings = FINDINGS if view.complete else {}
            note = trial_note(view, views[0], document, findings, place)
            for key, value in (("note_ver", 1), ("note_str:0", note)):
                given = {"key": f"dashboard:{trial}:{key}", "value_json": json.dumps(value)}
                notes.append({"study_id": 1, **given})
    with store.session() as session:
        metadata = MetaData()
        metadata.reflect(session.connection())
        session.execute(insert(metadata.tables["study_system_attributes"]), notes)
        session.execute(insert(metadata.tables["trial_system_attributes"]), pictures)
        session.commit()
    store.backend.set_study_user_attr(1, "metaopt", document)
    write_note(store.backend, 1, study_note("large", document, ["Geant4 11"]))


def opened(url: str, place: str, wanted: str) -> float:
    """Seconds to open a page of the study, of a server and a browser that have just begun."""
    with dashboard(url) as home, page() as (tab, complaints):
        began = time.perf_counter()
        tab.goto(f"{home}/dashboard/studies/1{place}")
        tab.wait_for_selector(wanted)
        assert complaints == [], complaints
        return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    print("| notes and pictures | study page [s] | trial page [s] | store [B per trial] |")
    print("|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        url = f"sqlite:///{file}"
        fill(url, trials)
        last = min(trials, NOTED) - 1
        for shown, words in (("no", f"Trial {last} (trial_id"), ("yes", "Furthest from Geant4")):
            if shown == "yes":
                with closing(StudyStore(url)) as store:
                    show(store, Path(folder))
                    found = store.study("large").trials()
                last = max(t.number for t in found if t.complete and t.number < NOTED)
            study = opened(url, "", ".main-svg")
            trial = opened(url, f"/trials?numbers={last}", f"text={words}")
            size = file.stat().st_size / trials
            print(f"| {shown} | {study:.1f} | {trial:.1f} | {size:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
