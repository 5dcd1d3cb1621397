"""Opening a study store, and finding studies in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from metaopt.store.database import FORM, StudyStore
from metaopt.store.study import DOCUMENT
from search_spaces.errors import MissingExtraError, StoreError

Open = Callable[[str], StudyStore]


def test_a_missing_study_is_answered_with_the_nearest(storage: str, open_store: Open) -> None:
    store = open_store(storage)
    store.create("s", {})
    with pytest.raises(StoreError, match=r"no study 'ss'.*did you mean 's'"):
        store.study("ss")


def test_a_study_is_made_once(storage: str, open_store: Open) -> None:
    open_store(storage).create("s", {"seed": 1})
    with pytest.raises(StoreError, match="begun by another process a moment ago"):
        open_store(storage).create("s", {"seed": 2})
    assert open_store(storage).study("s").document["seed"] == 1


def test_a_study_whose_maker_died_before_it_said_anything_is_made_again(
    storage: str, open_store: Open
) -> None:
    store = open_store(storage)
    optuna.create_study(study_name="s", storage=store.backend)
    assert store.study("s").blank
    assert store.create("s", {"seed": 1}).document["seed"] == 1
    assert not store.study("s").blank


def test_a_study_of_somebody_else_is_not_taken_over(storage: str, open_store: Open) -> None:
    store = open_store(storage)
    for name, directions in (("most", ["maximize"]), ("two", ["minimize", "minimize"])):
        optuna.create_study(study_name=name, storage=store.backend, directions=directions)
    theirs = optuna.create_study(study_name="theirs", storage=store.backend)
    theirs.set_user_attr("owner", "ana")
    optuna.create_study(study_name="begun", storage=store.backend).ask()
    assert not any(store.study(name).blank for name in ("most", "two", "theirs", "begun"))


def test_a_study_of_a_newer_metaopt_is_refused_and_the_others_are_listed(
    storage: str, open_store: Open
) -> None:
    store = open_store(storage)
    store.create("old", {})
    newer = {"form": FORM + 1, "versions": {"metaopt": "9.5.0"}}
    optuna.create_study(study_name="new", storage=store.backend).set_user_attr(DOCUMENT, newer)
    with pytest.raises(StoreError, match=r"'new' was recorded by metaopt 9\.5\.0 in form"):
        store.study("new")
    assert [s.name for s in store.studies()] == ["old", "new"]


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("sqlite:///{tmp}/none.db", "no study store"),
        ("sqlite:///{tmp}", "is a folder"),
        ("sqlite:///{tmp}/text.db", "file is not a database; give the file of a study store"),
        ("results/metaopt.db", "a storage URL reads like"),
        ("nosuch://host/db", "cannot be used: Can't load plugin"),
        ("oracle://host/db", "a database driver that is not installed"),
    ],
)
def test_a_store_that_does_not_open(tmp_path: Path, url: str, rule: str) -> None:
    (tmp_path / "text.db").write_text("this is not a database, but a text of some length" * 10)
    with pytest.raises((StoreError, MissingExtraError), match=rule):
        StudyStore(url.format(tmp=tmp_path))


def test_the_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "photos.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
        connection.commit()
    before = file.read_bytes()
    for create in (True, False):
        with pytest.raises(StoreError, match=r"database of another program.*'photos'"):
            StudyStore(f"sqlite:///{file}", create)
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_a_file_may_have_any_name(tmp_path: Path, open_store: Open) -> None:
    open_store(f"sqlite:///{tmp_path}/a {{0}} 100%25 b.db").create("s", {})
    assert "a {0} 100% b" in {file.stem for file in tmp_path.iterdir()}
