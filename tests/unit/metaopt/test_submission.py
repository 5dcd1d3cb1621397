"""What goes to a cluster: the study's own small files, and nothing that it could not use there."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

import metaopt
from metaopt.config import StudyConfig
from metaopt.store import PASSWORD_VARIABLE
from metaopt.study_file import load_config
from metaopt.submission import BEGIN, MOST_BYTES, PASSWORD, STUDY, Reach, pack
from search_spaces.errors import ConfigError, StoreError
from search_spaces.records import decode

HERE = Reach(everything=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a study's files, and what must not be sent."""
    monkeypatch.chdir(tmp_path)
    built_in = resources.files("search_spaces")
    toy = (built_in / "spaces" / "toy.toml").read_text()
    (tmp_path / "my.toml").write_text(toy.replace('"toy"', '"lab.models:Mine"', 1))
    ecal = (built_in / "geometries" / "clic-12x12x12.toml").read_text()
    (tmp_path / "ecal.toml").write_text(ecal)
    (tmp_path / "lab").mkdir()
    for name in ("__init__.py", "models.py"):
        (tmp_path / "lab" / name).write_text(f"# {name}\n")
    (tmp_path / "swarm.py").write_text("class Swarm: ...\n")
    (tmp_path / "showers.h5").write_bytes(b"0")
    (tmp_path / "lab" / "weights.npy").write_bytes(b"0")
    (tmp_path / "results").mkdir()
    return tmp_path


@pytest.fixture
def asked(folder: Path) -> StudyConfig:
    """A study that names a file of each kind."""
    tables: Mapping[str, Mapping[str, object]] = {
        "data": {"files": ["showers.h5", "s3://bucket/*.h5"], "geometry": "ecal.toml"},
        "search": {"space": "my.toml", "strategy": "swarm:Swarm"},
    }
    return load_config(None, tables)


def with_study(config: StudyConfig, **changes: str) -> StudyConfig:
    return replace(config, study=replace(config.study, **changes))


def test_the_named_files_are_sent_and_no_others(asked: StudyConfig, folder: Path) -> None:
    parcel = pack(asked, HERE)
    assert set(parcel.files) == {
        STUDY, BEGIN, "spaces/my.toml", "geometries/ecal.toml", "swarm.py",
        "lab/__init__.py", "lab/models.py",
    }  # fmt: skip
    parcel.write(folder / "sent")
    assert (folder / "sent/geometries/ecal.toml").read_text() == Path("ecal.toml").read_text()


def test_the_study_that_is_sent_means_the_same_on_the_cluster(
    asked: StudyConfig, folder: Path
) -> None:
    sent = decode(StudyConfig, tomllib.loads(pack(asked, HERE).files[STUDY]))
    assert sent.name == asked.name and sent.workers.ray_address == "auto"
    assert sent.data.files == (f"{folder}/showers.h5", "s3://bucket/*.h5")
    assert sent.study.storage == f"sqlite:///{folder}/results/metaopt.db"
    assert sent.study.results == f"{folder}/results"
    assert sent.search.space == "spaces/my.toml" and sent.data.geometry == "geometries/ecal.toml"
    assert replace(sent.search, space=asked.search.space) == asked.search


def test_a_password_is_a_file_of_its_own_that_only_the_user_reads(
    asked: StudyConfig, folder: Path
) -> None:
    url = "postgresql+psycopg://me:hid%21den@host/studies"
    parcel = pack(with_study(asked, storage=url), HERE)
    assert parcel.config.study.storage == "postgresql+psycopg://me@host/studies"
    assert [name for name, text in parcel.files.items() if "hid" in text] == [PASSWORD]
    assert "hid" not in repr(parcel)
    parcel.write(folder / "sent")
    kept = folder / "sent" / PASSWORD
    assert kept.read_text() == "hid!den" and kept.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StoreError, match=f"in {PASSWORD_VARIABLE}$") as caught:
        pack(with_study(asked, storage="postgresql+psycopg://host/s?password=hidden"), HERE)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"storage": "sqlite:////x/store.db"}, "must reach the study store, got sqlite:////x/"),
        ({"results": "results"}, "study.results must be a path on the cluster, got 'results'"),
        ({"results": "/shared/results"}, "data.files must be a path on the cluster, got 'shower"),
    ],
)
def test_what_a_remote_cluster_cannot_see_is_refused(
    asked: StudyConfig, changes: dict[str, str], said: str
) -> None:
    remote = with_study(asked, storage="postgresql+psycopg://host/s")
    with pytest.raises(ConfigError, match=said) as caught:
        pack(with_study(remote, **changes), Reach())
    assert "--shared-folder" in str(caught.value)


def test_a_shared_folder_is_seen_and_a_path_on_the_cluster_is_taken_as_it_is(
    asked: StudyConfig, folder: Path
) -> None:
    there = pack(asked, Reach(shared=(folder,))).config
    assert there.study.storage.startswith(f"sqlite:///{folder}/")
    with pytest.raises(ConfigError, match="study store"):
        pack(asked, Reach(shared=(folder / "lab",)))
    remote = with_study(asked, storage="postgresql+psycopg://host/s", results="/data/results")
    remote = replace(remote, data=replace(remote.data, files=("/data/*.h5",)))
    assert pack(remote, Reach()).config.data.files == ("/data/*.h5",)


def test_a_parcel_that_is_too_large_is_refused(asked: StudyConfig) -> None:
    Path("swarm.py").write_text("#" * MOST_BYTES)
    with pytest.raises(ConfigError, match=r"10 MiB of files at most, .* swarm.py the largest"):
        pack(asked, HERE)


@pytest.mark.parametrize("name", ["swarm.py", "my.toml"])
def test_what_is_no_text_is_refused(asked: StudyConfig, name: str) -> None:
    Path(name).write_text("# -*- coding: latin-1 -*-\n# \u00e9\n", encoding="latin-1")
    with pytest.raises(ConfigError, match=rf"{name}: .*UTF-8; "):
        pack(asked, HERE)


def test_jobs_are_known_by_store_and_study(asked: StudyConfig) -> None:
    stem = pack(asked, HERE).stem
    assert stem == pack(replace(asked), HERE).stem and stem.startswith("my-swarm-")
    assert pack(with_study(asked, name="my-swarm", storage="sqlite:///b.db"), HERE).stem != stem


def test_a_job_waits_for_the_nodes_of_an_autoscaler_where_it_is_told_to(
    asked: StudyConfig,
) -> None:
    many = replace(asked, workers=replace(asked.workers, count=4, cpus=2, gpus=0.5))
    line = "python -m workers.executors.ray_nodes 4 2 0.5 1800 || exit\nexec python"
    assert line in pack(many, HERE, 1800).files[BEGIN]
    assert "ray_nodes" not in pack(many, HERE).files[BEGIN]


@pytest.mark.parametrize("found", ["", "0.0.9", metaopt.__version__])
def test_a_job_says_first_whether_the_cluster_has_this_metaopt(
    asked: StudyConfig, folder: Path, found: str
) -> None:
    url = "postgresql+psycopg://me:hidden@host/studies"
    pack(with_study(asked, storage=url), HERE).write(folder / "sent")
    python = folder / "bin" / "python"
    python.parent.mkdir()
    begins = f'#!/bin/sh\n[ "$1" = -c ] && {{ echo "{found}"; exit; }}\n'
    python.write_text(f'{begins}echo "$@" ${PASSWORD_VARIABLE}\n')
    python.chmod(0o755)
    path = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    command = ["sh", BEGIN]
    done = subprocess.run(
        command, cwd=folder / "sent", env=path, capture_output=True, text=True, check=False
    )
    if found == metaopt.__version__:
        assert (done.returncode, done.stdout) == (0, "-m metaopt run study.toml hidden\n")
    else:
        assert done.returncode == 4 and f"has {found or 'none'}; use" in done.stderr
        assert len(done.stderr.splitlines()) == 1 and "--pip and its wheel" in done.stderr
