"""Notes, pictures and figures as Optuna and its dashboard read them, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import optuna
import plotly.graph_objects as go
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna_dashboard import get_note, save_note

from metaopt.store.dashboard import picture_folders
from metaopt.store.database import StudyStore
from metaopt.store.pictures import MISSING, Pictures
from metaopt.store.shown import PICTURE
from metaopt.store.study import StoredStudy
from search_spaces.loader import load_space
from workers.trial import Outcome, TrialResult

POINT = {"rate": 0.5, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}
LONG = "".join(f"line {i}\n" for i in range(900))

Open = Callable[[str], StudyStore]


def started(study: StoredStudy) -> int:
    return study.start(load_space("toy"), POINT, 0, {})


def test_notes_are_read_back_and_those_of_people_are_left(storage: str, open_store: Open) -> None:
    store = open_store(storage)
    study = store.create("s", {})
    first, second = started(study), started(study)
    study.describe(LONG)
    study.describe("*one*", first)
    study.describe("too late", first)
    optuna_study = optuna.load_study(study_name="s", storage=store.backend)
    assert get_note(optuna_study) == LONG
    assert notes(optuna_study) == ["*one*", ""]
    save_note(optuna_study, "a person's")
    study.describe("again")
    assert get_note(optuna_study) == "a person's"
    study.describe("two", second)
    assert notes(optuna_study) == ["*one*", "two"]


def notes(study: optuna.Study) -> list[str]:
    """As the dashboard reads them."""
    from optuna_dashboard._note import get_note_from_system_attrs

    attributes = study._storage.get_study_system_attrs(study._study_id)
    return [
        get_note_from_system_attrs(attributes, trial._trial_id)["body"] for trial in study.trials
    ]


def test_a_picture_belongs_to_its_trial(storage: str, open_store: Open) -> None:
    store = open_store(storage)
    study = store.create("s", {})
    number = started(study)
    study.finish(number, TrialResult(Outcome.COMPLETE, 1.0), picture="0ace-1")
    (trial,) = optuna.load_study(study_name="s", storage=store.backend).trials
    (found,) = get_all_artifact_meta(trial, storage=store.backend)
    assert (found.artifact_id, found.filename) == ("0ace-1", PICTURE)
    assert found.mimetype == "image/svg+xml"
    assert study.address(number, "0ace-1") == f"/artifacts/1/{trial._trial_id}/0ace-1"


def test_figures_replace_those_of_the_same_name(storage: str, open_store: Open) -> None:
    store = open_store(storage)
    study = store.create("s", {})
    for height in (300, 400):
        study.show({"gain": go.Figure(layout={"height": height})})
    attributes = store.backend.get_study_system_attrs(1)
    pieces = {k: v for k, v in attributes.items() if k.startswith("dashboard:plot_data:")}
    text = "".join(pieces[f"dashboard:plot_data:gain:{i}"] for i in range(len(pieces)))
    assert json.loads(text)["layout"]["height"] == 400


def test_pictures_lie_beside_the_studies(tmp_path: Path, open_store: Open) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    pictures = Pictures(lambda: picture_folders(store))
    for results in ("one", "two"):
        store.create(results, {"folder": str(tmp_path / results / "study")})
    (tmp_path / "two" / "artifacts").mkdir(parents=True)
    (tmp_path / "two" / "artifacts" / "ab").write_bytes(b"<svg/>")
    with pictures.open_reader("ab") as file:
        assert file.read() == b"<svg/>"
    pictures.remove("ab")
    pictures.remove("ab")
    assert pictures.open_reader("ab").read() == pictures.open_reader("../../x").read() == MISSING
    (tmp_path / "in").write_bytes(b"uploaded")
    with (tmp_path / "in").open("rb") as file:
        pictures.write("cd", file)
    assert (tmp_path / "one" / "artifacts" / "cd").read_bytes() == b"uploaded"


@pytest.mark.parametrize("name", ["../store.db", "/etc/passwd"])
def test_nothing_but_pictures_is_given_out(tmp_path: Path, name: str) -> None:
    (tmp_path / "store.db").write_text("private")
    assert Pictures(lambda: [tmp_path / "artifacts"]).open_reader(name).read() == MISSING
