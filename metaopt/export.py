"""Export: a trial of a study, ready for production training.

The folder holds ``production.toml`` (every parameter, geometry, data digests,
score with breakdown, provenance), the trained weights, and a model summary.
It loads again without the study store, and gives the trial's showers again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

import metaopt
from metaopt.config import trial_folder
from metaopt.store.views import StudyView, TrialView, best_of
from objectives.showers import Conditions
from search_spaces.documents import read_toml
from search_spaces.errors import ConfigError, DataError, NoCompleteTrialError
from search_spaces.geometry import Geometry
from search_spaces.parameters import Value
from search_spaces.records import decode
from workers.models.base import GenerativeModel
from workers.models.registry import make_family
from workers.runner import CHECK_DRAW
from workers.trial import Resources

PRODUCTION, CHECK, SUMMARY = "production.toml", "check.npz", "summary.txt"
#: Largest relative difference of a shower's cells from the trial's: float32 sums in
#: another order, as other processors make them.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class ModelTable:
    """The configuration: a family's preset, and the parameters that replace values of it."""

    family: str
    preset: str
    parameters: Mapping[str, Value]


@dataclass(frozen=True)
class Production:
    """What ``production.toml`` says."""

    model: ModelTable
    geometry: Geometry
    data: Mapping[str, Any]
    budget: Mapping[str, Any]
    score: Mapping[str, Any]
    provenance: Mapping[str, Any]


def candidates(trials: Sequence[TrialView]) -> list[TrialView]:
    """Complete trials, best first."""
    return sorted((t for t in trials if t.complete), key=lambda t: (t.score or 0.0, t.number))


def choose(study: StudyView, trials: Sequence[TrialView], number: int | None) -> TrialView:
    """The trial to export: the given one, or the best.

    Raises:
        NoCompleteTrialError: there is no complete trial, or the given one is not.
    """
    best = best_of(trials)
    if best is None:
        raise NoCompleteTrialError(
            f"study {study.name!r} has no complete trial to export; run it on with `metaopt run`"
        )
    if number is None:
        return best
    for trial in trials:
        if trial.number == number and trial.complete:
            return trial
    raise NoCompleteTrialError(
        f"trial {number} of study {study.name!r} is not complete; "
        "`metaopt export --list` gives those that are"
    )


def export(study: StudyView, trial: TrialView, target: Path) -> Production:
    """Write a trial to a new folder, load it again, and compare its showers.

    Raises:
        ConfigError: the folder holds other things.
        DataError: the trial's files are gone, or the export does not give its showers again.
    """
    source = trial_folder(Path(str(study.document["folder"])), trial.number)
    if not (source / CHECK).is_file():
        raise DataError(f"the weights of trial {trial.number} are not in {source}; train it again")
    if target.exists() and any(target.iterdir()) and not (target / PRODUCTION).is_file():
        raise ConfigError(f"{target} holds other files; give an empty or new folder")
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.name != "trial.json":
            shutil.copy2(file, target / file.name)
    training_seed = json.loads((source / "trial.json").read_text())["seed"]
    production = _production(study, trial, training_seed)
    (target / PRODUCTION).write_text(_toml(production), encoding="utf-8")
    verify(target)
    return load_production(target)


def load_production(folder: Path) -> Production:
    """Read ``production.toml``.

    Raises:
        ConfigError: it is absent or has another form.
    """
    path = folder / PRODUCTION
    return decode(Production, read_toml(path, ConfigError), str(path))


def load_model(folder: Path, resources: Resources | None = None) -> GenerativeModel:
    """The trained model of an export."""
    production = load_production(folder)
    model = production.model
    return make_family(model.family).load(
        folder, model.preset, model.parameters, production.geometry, resources or Resources()
    )


def verify(folder: Path) -> float:
    """Generate the stored check showers again; returns the largest relative difference.

    Raises:
        DataError: they differ by more than ``TOLERANCE``.
    """
    with np.load(folder / CHECK, allow_pickle=False) as check:
        conditions = Conditions.of(check["energy"], check["theta"], check["particle"])
        stored = check["cells"]
    again = load_model(folder).generate(conditions, CHECK_DRAW)
    difference = float(np.max(np.abs(again - stored)) / max(float(np.max(stored)), 1e-12))
    if not difference <= TOLERANCE:
        raise DataError(
            f"{folder}: the loaded model's showers differ from the trial's by {difference:.1e} "
            f"relative, more than {TOLERANCE:.0e}; the files do not belong together"
        )
    return difference


def _production(study: StudyView, trial: TrialView, training_seed: int) -> dict[str, Any]:
    document = study.document
    space = document["space"]
    return {
        "model": {
            "family": space["family"],
            "preset": space["preset"],
            "parameters": dict(trial.point),
        },
        "geometry": document["geometry"],
        "data": {
            **document["data"],
            # Names and digest say which data; where they lay is nobody else's business.
            "files": [Path(name).name for name in document["data"]["files"]],
            "events": document["events"],
        },
        "budget": document["budget"],
        "score": {
            "S": trial.score,
            **({} if trial.error is None else {"error": trial.error}),
            "groups": dict(trial.groups),
            "metrics": dict(trial.metrics),
        },
        "provenance": {
            "study": study.name,
            "trial": trial.number,
            "strategy": document["strategy"],
            "study_seed": document["seed"],
            "training_seed": training_seed,
            "epochs": trial.epochs,
            "reference_digest": document["reference_digest"],
            "space_digest": document["space_digest"],
            "metaopt": metaopt.__version__,
            "versions": document["versions"],
        },
    }


def _toml(production: dict[str, Any]) -> str:
    origin = production["provenance"]
    head = (
        f"# Trial {origin['trial']} of study {origin['study']}, exported by metaopt "
        f"{origin['metaopt']}.\n# S = {production['score']['S']:.3f} (lower is better). "
        "Energies in GeV, angles in degrees, lengths in mm.\n\n"
    )
    return head + tomli_w.dumps(production)
