"""Export: a trial of a study, ready for production training.

The folder holds ``production.toml`` (every parameter, geometry, data digests,
score with breakdown, provenance), the trained weights, and a model summary.
It loads again without the study store, and gives the trial's showers again.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

import metaopt
from metaopt.choice import check_ours
from metaopt.store.folders import kept_in, weights_gone
from metaopt.store.searches import search_of
from metaopt.store.views import StudyView, TrialView
from search_spaces.documents import DAMAGE, read_json, read_toml
from search_spaces.errors import ConfigError, DataError
from search_spaces.geometry import Geometry
from search_spaces.parameters import Value
from search_spaces.records import decode, encode
from search_spaces.whole import PART, beside
from workers.models.base import GenerativeModel
from workers.models.registry import make_family
from workers.saved import CHECK, difference
from workers.schedule import Change, Schedule
from workers.trial import Precision, Resources

PRODUCTION, SPEC = "production.toml", "trial.json"
#: Key of the provenance with the names of an export's other files.
FILES = "files"
#: Key of the data with lowest and highest energy and angle of the training events.
TRAINED = "trained"
#: An end of the geometry's range is kept where the training events come as close, in units of it.
NEAR = 0.01
#: Of the provenance, whether a GPU trained the model.
ON_GPU = "on_gpu"
#: Largest relative difference of a shower's cells from the trial's: float32 sums in
#: another order, as other processors make them.
TOLERANCE = 1e-4
#: The same in bfloat16, of which every number has 8 bits: kernels of a CPU and of a GPU, and of two
#: versions of a library, differ by some per cent of the highest cell.
HALF_TOLERANCE = 0.2
#: The same of what a GPU computed in single precision: since Ampere in TensorFloat-32, of 11 bits.
GPU_TOLERANCE = HALF_TOLERANCE / 8


@dataclass(frozen=True)
class ModelTable:
    """The configuration: a family's preset, and the parameters that replace values of it.

    Attributes:
        schedule: parameters that changed while the model trained, in epochs of the budget;
            ``parameters`` has the values of its end.
        precision: of the hidden layers, in which the model was trained and scored.
    """

    family: str
    preset: str
    parameters: Mapping[str, Value]
    schedule: Schedule = ()
    precision: Precision = "float32"


@dataclass(frozen=True)
class Production:
    """What ``production.toml`` says."""

    model: ModelTable
    geometry: Geometry
    data: Mapping[str, Any]
    budget: Mapping[str, Any]
    score: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def trained(self) -> Ranges:
        """Of the training events; the geometry's where the file does not tell.

        A calorimeter's ranges may be wider than those of the showers at hand, of which nobody
        knows what a network makes outside.
        """
        found, whole = self.data.get(TRAINED, {}), self.geometry
        return Ranges(
            _covered(whole.energy, found.get("energy", whole.energy)),
            _covered(whole.theta, found.get("theta", whole.theta)),
        )


class Ranges(NamedTuple):
    """Lowest and highest primary energy [GeV] and angle [degrees]."""

    energy: tuple[float, float]
    theta: tuple[float, float]


def _covered(whole: tuple[float, float], found: Sequence[float]) -> tuple[float, float]:
    """A range without the ends that no event is near to; some distance is the events' chance."""
    (low, high), (first, last) = whole, found
    near = NEAR * (high - low)
    # From 1 to 5 GeV is far, whatever the highest energy.
    return low if first - low < min(near, low / 2) else first, high if high - last < near else last


def export(study: StudyView, trial: TrialView, target: Path) -> Production:
    """Write a trial to a new folder, once what is written gives its showers again.

    An earlier export of the same trial is replaced.

    Raises:
        ConfigError: the folder holds other things or cannot be written, or the study is not
            metaopt's.
        DataError: the trial's files are gone or damaged, or do not give its showers again.

    The folder is then as it was.
    """
    check_ours(study)
    _check_target(target, study, trial)
    make_family(study.document["space"]["family"])  # one's own may be absent here: no damage
    source = kept_in(study.document, trial.number)
    if not (source / CHECK).is_file() or not (source / SPEC).is_file():
        raise weights_gone(trial.number, source)
    production = _production(study, trial, _training(source / SPEC))
    try:
        with beside(target) as part:
            _copy(source, part)
            # Whatever comes to lie beside them later is no part of the model.
            production["provenance"][FILES] = sorted(f.name for f in part.iterdir())
            (part / PRODUCTION).write_text(_toml(production), encoding="utf-8")
            verify(part, f"trial {trial.number} in {source}")
            # First what says whose the folder is: were it to end here, the same command goes on.
            for file in sorted(part.iterdir(), key=lambda file: file.name != PRODUCTION):
                file.replace(target / file.name)
    except OSError as failure:
        raise ConfigError(f"{target}: cannot be written ({failure}); choose another") from failure
    return load_production(target)


def _check_target(target: Path, study: StudyView, trial: TrialView) -> None:
    there = next(place for place in (target, *target.absolute().parents) if place.exists())
    if not there.is_dir():
        raise ConfigError(f"{target}: {there} is a file; give an empty or new folder")
    # One that was killed leaves its part.
    if target.exists() and any(not f.name.startswith(PART) for f in target.iterdir()):
        told = _held(target)
        if told == f"trial {trial.number} of study {study.name!r}":
            if load_production(target).score.get("S") == trial.score:
                return
            told = f"{told} in another store"  # where the name is another study's
        raise ConfigError(f"{target} holds {told}; give an empty or new folder")


def _held(folder: Path) -> str:
    """What is in a folder, for people."""
    if (folder / "checkpoints").exists():
        return "a training"
    try:
        origin = load_production(folder).provenance
    except ConfigError:
        return "other files"
    if "first_weights" in origin:  # a training's result has the provenance of its export too
        return "a training"
    return f"trial {origin.get('trial')} of study {origin.get('study')!r}"


@dataclass(frozen=True)
class _Training:
    """How a trial was trained."""

    seed: int
    schedule: Schedule
    precision: Precision
    on_gpu: bool


def _training(spec: Path) -> _Training:
    """What is needed of the trial's own file; the rest may be of another version."""
    try:
        told = read_json(spec, DataError)
        changes = (decode(Change, change, SPEC) for change in told.get("schedule", ()))
        resources = told.get("resources", {})
        precision, on_gpu = resources.get("precision", "float32"), resources.get("gpus", 0) > 0
        return _Training(int(told["seed"]), tuple(changes), precision, on_gpu)
    except DAMAGE as failure:
        raise DataError(
            f"{spec}: must hold the trial's seed ({failure}); train it again"
        ) from failure


def _copy(source: Path, target: Path) -> None:
    """Copy the plain files of a trial: a link could lead anywhere."""
    for file in source.iterdir():
        if file.is_file() and not file.is_symlink() and file.name != SPEC:
            shutil.copy2(file, target / file.name)


def load_production(folder: str | Path) -> Production:
    """Read ``production.toml``.

    Raises:
        ConfigError: it is absent or has another form.
    """
    path = Path(folder) / PRODUCTION
    return decode(Production, read_toml(path, ConfigError), str(path))


def load_model(
    folder: str | Path, cpus: int = 1, precision: Precision | None = None
) -> GenerativeModel:
    """The trained model of an export.

    Args:
        folder: of the export.
        cpus: threads that it may use.
        precision: of the hidden layers; None takes that in which it was scored.
    """
    production = load_production(folder)
    model = production.model
    resources = Resources(cpus, precision=precision or model.precision)
    return make_family(model.family).load(
        Path(folder), model.preset, model.parameters, production.geometry, resources
    )


def verify(folder: Path, named: str = "") -> float:
    """Generate the stored check showers again; returns the largest relative difference.

    Args:
        folder: of an export.
        named: what errors call it; its path by default.

    Raises:
        DataError: they differ by more than other processors make of them, or a file is damaged.
    """
    try:
        limit = _limit(load_production(folder))
        found = difference(load_model(folder), folder)
    except DAMAGE as failure:
        reason = str(failure).removeprefix(f"{folder}: ").replace(str(folder), "")
        raise DataError(
            f"{named or folder}: must hold a whole model and its check showers, got: {reason}; "
            "train the trial again"
        ) from failure
    if not found <= limit:
        raise DataError(
            f"{named or folder}: the loaded model's showers differ from the trial's by "
            f"{found:.1e} relative, more than {limit:.0e}; the files do not belong "
            "together, train the trial again"
        )
    return found


def _limit(production: Production) -> float:
    if production.model.precision != "float32":
        return HALF_TOLERANCE
    return GPU_TOLERANCE if production.provenance.get(ON_GPU) else TOLERANCE


def _production(study: StudyView, trial: TrialView, training: _Training) -> dict[str, Any]:
    document = study.document
    space = document["space"]
    model = ModelTable(
        space["family"], space["preset"], trial.point, training.schedule, training.precision
    )
    return {
        "model": encode(model),
        "geometry": document["geometry"],
        "data": {
            **document["data"],
            # Names and digest say which data; where they lay is nobody else's business.
            "files": [Path(name).name for name in document["data"]["files"]],
            "events": document["events"],
            # Studies of older versions do not say.
            **({TRAINED: document[TRAINED]} if TRAINED in document else {}),
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
            "strategy": search_of(document, trial.proposal or 0)["strategy"],
            "study_seed": document["seed"],
            "training_seed": training.seed,
            "epochs": trial.epochs,
            ON_GPU: training.on_gpu,
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
