"""Shared samples: real Geant4 showers, and studies on the toy model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaopt.config import StudyConfig, load_config
from metaopt.preflight import prepare
from workers.trial import TrialSpec

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def toy_config(tmp_path: Path) -> Callable[..., StudyConfig]:
    """A configuration of a small toy study under ``tmp_path``; keys as table__key."""

    def make(**changes: Any) -> StudyConfig:
        tables: dict[str, dict[str, Any]] = {
            "study": {
                "name": "toy",
                "storage": f"sqlite:///{tmp_path}/store.db",
                "results": str(tmp_path / "results"),
            },
            "search": {
                "space": "toy",
                "strategy": "random",
                "trials": 6,
                "time_budget": "",
                "pruning": "none",
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
