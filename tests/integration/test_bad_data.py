"""Showers that go bad while a study runs: it ends with one line, or goes on from its own copy.

Which trial meets the damage is chance, and no configuration is charged for it: the trial is
interrupted, and the same command repeats it once the file is mended.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import Plan, prepare
from metaopt.stopping import Ending
from metaopt.store.database import StudyStore
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
from search_spaces.errors import DataError, InputError
from workers.data import loading
from workers.executors.inline import InlineExecutor

from ..conftest import SAMPLE

EVENTS = 560
Damage = Callable[[Path], None]


class Damaging(Quiet):
    """Damages a file when the first trial has ended."""

    def __init__(self, damage: Callable[[], None]) -> None:
        self.damage = damage

    def finished(self, trial: TrialView) -> None:
        if trial.number == 0:
            self.damage()


@pytest.fixture
def showers(tmp_path: Path) -> Path:
    """A file of its own, of Geant4 showers."""
    path = tmp_path / "showers.h5"
    with h5py.File(SAMPLE) as source, h5py.File(path, "w") as file:
        for key in ("ECAL", "energy"):
            file[key] = source[key][:EVENTS]
    return path


@pytest.fixture
def plan(toy_config: Callable[..., StudyConfig], showers: Path) -> Plan:
    config = toy_config(
        data__files=[str(showers)], data__geometry="clic-12x12x12", data__split=[0.6, 0.2, 0.2],
        search__trials=3, trial__epochs=1, trial__evaluation_showers=50,
    )  # fmt: skip
    return prepare(config)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def spoil(path: Path) -> None:
    """Every event, as a study reads only as many as it needs."""
    with h5py.File(path, "r+") as file:
        file["ECAL"][:, 3, 3, 3] = np.nan


def run(plan: Plan, study: StoredStudy, damage: Callable[[], None]) -> Ending:
    return Controller(plan, study, InlineExecutor(), Damaging(damage)).run()


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (Path.unlink, r"showers\.h5: no such file"),
        (cut, r"showers\.h5: not a readable HDF5 file .*truncated"),
        (spoil, r"showers\.h5, event \d+: every cell must be finite, got NaN"),
    ],
    ids=["gone", "cut", "nan"],
)
def test_a_study_ends_with_its_showers_and_goes_on_when_they_are_mended(
    plan: Plan, showers: Path, damage: Damage, rule: str
) -> None:
    study = StudyStore(plan.config.study.storage, create=True).create("toy", plan.document)
    whole = showers.read_bytes()
    with pytest.raises(DataError, match=rule) as ended:
        run(plan, study, lambda: damage(showers))
    assert re.search("mend this.*the same command.*resume", str(ended.value))
    first, second = study.trials()
    assert first.complete
    # Not the configuration's failure, nor an attempt of it.
    assert (second.outcome, second.attempt, second.observation) == ("interrupted", 1, None)
    assert second.repeatable and "showers.h5" in second.reason

    with pytest.raises(InputError, match=r"showers\.h5"):
        prepare(plan.config)  # the same command before they are mended
    showers.write_bytes(whole)
    assert run(prepare(plan.config), study, lambda: None) is Ending.TRIALS
    repeated = study.trials()[2]
    assert (repeated.retry_of, repeated.proposal, repeated.attempt) == (1, 1, 1)
    ended_well = [t for t in study.trials() if t.complete or t.outcome == "failed"]
    assert sorted(t.proposal for t in ended_well if t.proposal is not None) == [0, 1, 2]


def test_a_study_goes_on_from_its_decoded_copy(
    plan: Plan, showers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large data are decoded once: the copy is what the study began with, whatever comes after."""
    monkeypatch.setattr(loading, "SMALL", 0)
    study = StudyStore(plan.config.study.storage, create=True).create("toy", plan.document)
    assert run(plan, study, lambda: spoil(showers)) is Ending.TRIALS
    assert len(study.trials()) == 3
