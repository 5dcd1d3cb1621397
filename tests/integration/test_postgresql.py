"""A study in a shared PostgreSQL store: restarts, lost connections, two controllers, passwords."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from metaopt.store import PASSWORD_VARIABLE, outages
from metaopt.store.database import StudyStore
from search_spaces.errors import StoreError
from search_spaces.loader import load_space
from workers.trial import Outcome, Progress, TrialResult

from ..postgresql import PASSWORD, USER, Server
from ..processes import until
from ..running import started, wait_for

TOY = ("--space", "toy", "--executor", "inline", "--epochs", "2", "--showers", "100")
SPACE = load_space("toy")
POINT = {"rate": 0.5, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}

Open = Callable[[str], StudyStore]
#: A running command and all that it prints.
printing = partial(started, everything=True)


def test_a_study_outlasts_dropped_connections_and_a_crash_of_its_server(
    tmp_path: Path, postgresql: Server, postgresql_url: str, open_store: Open
) -> None:
    command = ("run", *TOY, "--study", "s", "--strategy", "random", "--storage", postgresql_url)
    with printing(tmp_path, *command, "--trials", "7", "--pruning", "none") as (process, out):
        for number in (1, 2):
            wait_for(out, f"trial {number} started")
            postgresql.cut()
        wait_for(out, "trial 4 started")
        postgresql.stop("QUIT")
        wait_for(out, "waiting for up to 120 s, since the study store")
        postgresql.start()
        rest = out.read()
        assert process.wait(240) == 0, rest
    assert "answers again" in rest and "Traceback" not in rest
    trials = open_store(postgresql_url).study("s").trials()
    assert len(trials) == 7 and {t.state for t in trials} <= {"complete", "fail"}
    assert len({t.training for t in trials if not t.repeatable}) == 7


def test_a_watch_outlasts_a_restart_of_the_server_while_it_waits_for_the_study(
    tmp_path: Path, postgresql: Server, postgresql_url: str, open_store: Open
) -> None:
    def is_open() -> bool:
        try:
            postgresql.execute("SELECT 1 FROM metaopt_leases")
        except psycopg.errors.UndefinedTable:
            return False
        return True

    ask = ("watch", "s", "--wait", "--every", "0.2", "--storage", postgresql_url)
    with printing(tmp_path, *ask) as (_, out):
        wait_for(out, "waiting for study 's'")
        until(is_open)
        postgresql.stop("QUIT")
        time.sleep(1)
        postgresql.start()
        names = {"space": {"name": "toy"}, "geometry": {"name": "clic"}, "budget": {"epochs": 3}}
        study = open_store(postgresql_url).create("s", {"strategy": "random", **names})
        study.hold()
        wait_for(out, "s: random search of toy on clic")


def test_one_store_holds_many_studies_and_each_has_one_controller(
    tmp_path: Path, postgresql_url: str, open_store: Open
) -> None:
    command = ("run", *TOY, "--strategy", "random", "--storage", postgresql_url, "--trials")
    with printing(tmp_path, *command, "1000", "--study", "a") as (first, out):
        wait_for(out, "trial 1 started")
        other = open_store(postgresql_url).create("b", {})
        other.hold()
        other.finish(other.start(SPACE, POINT, 0, {}), TrialResult(Outcome.COMPLETE, 1.25))
        with printing(tmp_path, *command, "1000", "--study", "a") as (second, told):
            text = told.read()
            assert second.wait(240) == 1 and f"being run by process {first.pid}" in text
        first.kill()
        first.wait(240)
        done = len(open_store(postgresql_url).study("a").trials())
        with printing(tmp_path, *command, str(done + 2), "--study", "a") as (heir, told):
            text = told.read()
            assert heir.wait(240) == 0 and "resumed with" in text, text
    views = {s.name: s for s in open_store(postgresql_url).studies()}
    assert views["b"].counts == {"complete": 1} and "running" not in views["a"].counts


def test_a_server_that_stays_away_ends_the_study_with_one_line_and_loses_nothing(
    postgresql: Server,
    postgresql_url: str,
    open_store: Open,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(outages, "OUTAGE_SECONDS", 0.5)
    study = open_store(postgresql_url).create("s", {})
    study.hold()
    number = study.start(SPACE, POINT, 0, {})
    postgresql.stop()
    try:
        with pytest.raises(StoreError, match=r"cannot be used: conn.*start the server") as failure:
            study.report(number, Progress(1, 1.5, {}, {}, 1.0, 100))
        study.release()  # in passing: the run ends by the first failure
    finally:
        postgresql.start()
    assert "waiting for up to" in caplog.text and "\n" not in str(failure.value)
    assert PASSWORD not in str(failure.value) + caplog.text
    told = study.finish(number, TrialResult(Outcome.COMPLETE, 1.25))
    assert told.complete and len(study.trials()) == 1


def test_a_controller_that_was_away_too_long_leaves_the_study_to_its_heir(
    postgresql: Server, postgresql_url: str, open_store: Open
) -> None:
    study = open_store(postgresql_url).create("s", {})
    study.hold()
    number = study.start(SPACE, POINT, 0, {})
    postgresql.execute("UPDATE metaopt_leases SET owner = 'heir', host = 'elsewhere'")
    postgresql.stop("QUIT")
    threading.Timer(0.1, postgresql.start).start()
    with pytest.raises(StoreError, match=r"being run by process \d+ on elsewhere"):
        study.report(number, Progress(1, 1.5, {}, {}, 1.0, 100))
    assert not study.trials()[0].rungs


def test_a_password_is_shown_nowhere(tmp_path: Path, postgresql_url: str, open_store: Open) -> None:
    pieces = [PASSWORD, *PASSWORD.split("/"), quote(PASSWORD, safe="")]
    storage = ("--storage", postgresql_url)

    def metaopt(*arguments: str, until: str = "") -> str:
        """What a command prints, the list of processes says, and Ray would keep of it."""
        with printing(tmp_path, *arguments, *storage) as (process, out):
            text = wait_for(out, until) if until else out.read()
            text += Path(f"/proc/{process.pid}/cmdline").read_text() if until else ""
            assert until or process.wait(240) == 0, text
        return text

    shown = metaopt("run", *TOY, "--study", "s", "--strategy", "random", "--trials", "2")
    assert "metaopt show s --storage 'postgresql+psycopg://metaopt@/" in shown
    shown += metaopt("export", "s", "-o", "production")
    shown += metaopt("show", "s", "--json")
    shown += metaopt("dashboard", "--port", "0", until="Optuna dashboard at")
    shown += json.dumps(open_store(postgresql_url).study("s").document)
    files = [f for f in tmp_path.rglob("*") if f.is_file()]
    assert tmp_path / "production" / "production.toml" in files
    for piece in pieces:
        assert piece not in shown
        assert not any(piece.encode() in file.read_bytes() for file in files)


@pytest.mark.parametrize(
    ("change", "to", "rule"),
    [
        ("@", "x@", "password authentication failed for user 'metaopt'; check user and password"),
        ("@", "@@", "one '@' at most"),
        ("/postgres", "/none", "database 'none' does not exist; make it"),
        ("?", "?sslmode=none&", "invalid sslmode value"),
        ("?", "?password=none&", "password authentication failed"),
        (f"{USER}:{quote(PASSWORD, safe='')}@", "", "no password supplied; name the user in the"),
    ],
)
def test_no_error_repeats_the_password(
    postgresql_url: str, change: str, to: str, rule: str
) -> None:
    with pytest.raises(StoreError) as failure:
        StudyStore(postgresql_url.replace(change, to))
    assert rule in str(failure.value).replace('"', "'")
    assert not any(word in str(failure.value) for word in PASSWORD.split("/"))


def test_a_password_may_come_from_the_environment(
    postgresql_url: str, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    user, _, place = postgresql_url.partition("@")
    open_store(f"{user.rpartition(':')[0]}@{place}").create("s", {})
