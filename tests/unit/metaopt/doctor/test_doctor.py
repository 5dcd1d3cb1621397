"""Good and bad surroundings, as ``metaopt doctor`` sees them."""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
import tomli_w
from click.testing import CliRunner

from metaopt.cli.main import cli
from metaopt.doctor import Finding, level_of, surroundings
from metaopt.doctor.machine import GIB, memory_limit, results_folder
from metaopt.doctor.software import EXTRAS, software
from metaopt.doctor.study import asked_study
from metaopt.store.database import StudyStore

from ....optuna_store import opened

ROOT = Path(__file__).parents[4]


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_all_is_looked_at_and_a_good_machine_has_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_store: Callable[[str], StudyStore]
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/store.db"
    open_store(url).create("s", {})
    done = CliRunner().invoke(cli, ["doctor", "--storage", url, "--json"], catch_exceptions=False)
    answer = json.loads(done.stdout)
    assert done.exit_code == 0 and answer["level"] in ("ok", "warning")
    text = {f["topic"]: f["text"] for f in answer["findings"]}
    assert {"python", "versions", "extra", "memory", "ray", "results", "dashboard"} <= set(text)
    assert "2,000 showers in 1 file" in text["data"] and "12 x 12 x 12" in text["data"]
    assert text["tensorflow"].startswith("starts") and text["store"].endswith("1 study")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(("kept", "told"), [(True, False), (False, True)])
def test_processes_that_compile_what_they_import_are_told(
    kept: bool, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", not kept)
    found = [f for f in software() if f.topic == "bytecode"]
    assert bool(found) is told
    assert all("PYTHONDONTWRITEBYTECODE is set" in f.text for f in found)
    assert all(f.remedy.endswith("site-packages") for f in found)


def test_the_exit_code_tells_of_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metaopt.doctor.machine", lambda gpus: iter(()))
    done = CliRunner().invoke(cli, ["doctor", str(tmp_path / "none.toml")])
    assert done.exit_code == 1 and "problem  study" in done.stdout
    assert "1 problem" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("table", "changes", "topic", "said"),
    [
        ("data", {"fils": 3}, "study", "unknown key 'fils'"),
        ("search", {"strategy": "genetc"}, "study", "unknown strategy 'genetc'"),
        ("search", {"space": "nowhere"}, "study", "nowhere"),
        ("data", {"files": ["none/*.h5"]}, "data", "no file matches"),
        ("data", {"files": [__file__]}, "data", "not a readable HDF5 file"),
        ("data", {"geometry": "clic-25x25x25"}, "data", "needs the data sets ECAL, energy, theta"),
    ],
)
def test_a_bad_study_is_a_problem(
    tmp_path: Path, table: str, changes: dict[str, Any], topic: str, said: str
) -> None:
    tables: dict[str, Any] = {"data": {"files": ["sample"], "geometry": "clic-12x12x12"}}
    tables[table] = tables.get(table, {}) | changes
    (tmp_path / "study.toml").write_text(tomli_w.dumps(tables))
    found = list(asked_study(tmp_path / "study.toml"))
    (bad,) = [finding for finding in found if finding.level == "problem"]
    assert bad.topic == topic and said in bad.text and bad.remedy


def test_showers_on_a_server_are_named_without_its_host(tmp_path: Path) -> None:
    url = "http://calo.invalid/showers/x.h5"
    tables = {"data": {"files": ["sample", url], "geometry": "clic-12x12x12"}}
    (tmp_path / "study.toml").write_text(tomli_w.dumps(tables))
    found = list(asked_study(tmp_path / "study.toml"))
    (bad,) = [finding for finding in found if finding.level == "problem"]
    assert "<host>/showers/x.h5" in bad.text and "calo" not in bad.text + bad.remedy


def test_stores(tmp_path: Path) -> None:
    def found(name: str) -> Finding:
        return only(surroundings.store(f"sqlite:///{tmp_path}/{name}"))

    assert found("absent.db").level == "ok" and not (tmp_path / "absent.db").exists()
    (tmp_path / "text.db").write_text("no database at all, though long enough to be read")
    assert found("text.db").level == "problem" and "not a database" in found("text.db").text
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    assert "another program" in found("foreign.db").text
    assert found("").level == "problem"  # a folder


def test_a_database_of_others_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "plain.db"
    with opened(f"sqlite:///{file}") as storage:
        optuna.create_study(study_name="theirs", storage=storage)
    before = file.read_bytes()
    assert "1 study" in only(surroundings.store(f"sqlite:///{file}")).text
    assert file.read_bytes() == before
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    before = foreign.read_bytes()
    assert "another program" in only(surroundings.store(f"sqlite:///{foreign}")).text
    assert foreign.read_bytes() == before


def test_a_server_is_named_without_host_user_and_password() -> None:
    url = "postgresql+psycopg://ana:geheim@127.0.0.2:1/calo"
    finding = only(surroundings.store(url))
    assert finding.level == "problem" and "refused" in finding.text
    assert not any(word in finding.text + finding.remedy for word in ("ana", "geheim", "127.0.0.2"))


def test_an_empty_server_stays_empty(postgresql_url: str) -> None:
    for _ in range(2):
        assert "empty" in only(surroundings.store(postgresql_url)).text
    StudyStore(postgresql_url).close()
    assert "0 studies" in only(surroundings.store(postgresql_url)).text


def test_ray_that_does_not_answer_and_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    token, cluster = surroundings.ray_cluster("localhost:1")
    assert cluster.level == "problem" and "refused" in cluster.text
    assert token.level == "ok" and "RAY_AUTH_MODE=token" in token.remedy
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    token, _ = surroundings.ray_cluster("localhost:1")
    assert token.level == "problem" and "docs/cluster.md" in token.remedy
    monkeypatch.setenv("RAY_AUTH_TOKEN", "geheim")
    token, _ = surroundings.ray_cluster("localhost:1")
    assert token.level == "ok" and "geheim" not in token.text
    _, local = surroundings.ray_cluster("")
    assert local.level == "ok"


@pytest.mark.parametrize(
    ("groups", "file", "job"),
    [
        ("0::{}/step_batch/user/task_0", "memory.max", "system.slice/slurmstepd.scope/job_7"),
        ("4:memory:{}/step_0\n0::/", "memory/memory.limit_in_bytes", "slurm/uid_1000/job_7"),
        ("0::/host/path/of/a/container", "memory.max", ""),  # which sees its own at the top
    ],
)
def test_the_memory_of_a_batch_job_is_that_of_its_group(
    tmp_path: Path, groups: str, file: str, job: str
) -> None:
    place = (tmp_path / file).parent / job / Path(file).name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"{8 * GIB}\n")
    (place.parent / "step_batch").mkdir()
    (place.parent / "step_batch" / place.name).write_text("max\n")
    assert memory_limit(groups.format(f"/{job}"), tmp_path) == 8 * GIB
    place.write_text("max\n")
    assert memory_limit(groups.format(f"/{job}"), tmp_path) is None


def test_the_room_for_results(tmp_path: Path) -> None:
    assert only(results_folder(tmp_path / "new", 0)).level in ("ok", "warning")
    assert not (tmp_path / "new").exists()
    assert only(results_folder(tmp_path, 10**6 * GIB)).level == "problem"
    (tmp_path / "file").touch()
    assert "cannot be made" in only(results_folder(tmp_path / "file", 0)).text


def test_a_taken_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(surroundings, "DASHBOARD_PORT", taken.getsockname()[1])
        assert only(surroundings.dashboard_port()).level == "warning"
    assert only(surroundings.dashboard_port()).level == "ok"


def test_the_worst_level_counts_and_every_extra_is_one_of_ours() -> None:
    found = [Finding("a", level, "") for level in ("ok", "problem", "warning")]  # type: ignore[arg-type]
    assert level_of(found) == "problem" and level_of([]) == "ok"
    declared: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {*EXTRAS, "gpu"} <= set(declared["optional-dependencies"])
