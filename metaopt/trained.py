"""The result of a full training: an export of its own, with its figure on the test split.

Of the epochs the one with the least S on the validation split is chosen; the test split is read
for the figure of that one only, and decides nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

import metaopt
from metaopt.export import ON_GPU, PRODUCTION, TRAINED, ModelTable, verify
from metaopt.provenance import versions
from metaopt.reports.held_out import validate
from metaopt.reports.page import page
from metaopt.reports.validation import Validation
from metaopt.training import Plan
from search_spaces.errors import DataError
from search_spaces.records import encode
from search_spaces.whole import beside
from workers import data
from workers.models.base import GenerativeModel
from workers.production import checkpoints
from workers.production.record import EpochRecord
from workers.production.training import load_model
from workers.saved import save
from workers.schedule import point_at, until
from workers.trial import Resources

PAGE = "validation.html"


def finish(plan: Plan, resources: Resources) -> Validation:
    """Measure the best epoch on the test split, and write the result.

    Args:
        plan: a training of which at least one epoch is done.
        resources: of this process, which need not be those of the workers; the precision is.

    Raises:
        DataError: a checkpoint or the showers cannot be read.
    """
    saved = checkpoints.latest(plan.spec)
    if saved is None:
        raise DataError(f"{plan.spec.folder}: its checkpoints are damaged; train again")
    best = checkpoints.best(plan.spec, saved.records)
    precision = plan.spec.resources.precision
    spec = replace(plan.spec, resources=replace(resources, precision=precision))
    model = load_model(spec, best)
    made = validate(model, f"epoch {best.epoch}", plan.spec.data, plan.spec.geometry)
    _write(plan, saved.records, best.records[-1], model, made)
    return made


def _write(
    plan: Plan,
    records: Sequence[EpochRecord],
    best: EpochRecord,
    model: GenerativeModel,
    made: Validation,
) -> None:
    """The result: an export of its own, in place of that of fewer epochs once it is whole."""
    out = Path(plan.spec.folder)
    with beside(out) as part:
        save(model, part, made.reference)
        (part / PAGE).write_text(page(made), encoding="utf-8")
        (part / PRODUCTION).write_text(_toml(plan, records, best, made), encoding="utf-8")
        verify(part, str(out))
        (out / PRODUCTION).unlink(missing_ok=True)  # what says that it is one: again at last
        for file in sorted(part.iterdir(), key=lambda file: file.name == PRODUCTION):
            file.replace(out / file.name)
    shutil.rmtree(plan.spec.cache, ignore_errors=True)


def _toml(plan: Plan, records: Sequence[EpochRecord], best: EpochRecord, made: Validation) -> str:
    score = made.score
    tables = {
        "model": encode(_model(plan, best)),
        "geometry": encode(plan.spec.geometry),
        "data": _data_table(plan, made),
        "budget": {
            "epochs": len(records),
            "showers": plan.spec.showers,
            "evaluation_showers": plan.spec.evaluation_showers,
        },
        "score": {
            "S": score.value,
            "error": score.error,
            "split": "test",
            "floor": score.floor,
            "floor_sd": score.floor_sd,
            "validation_S": best.score,
            "groups": score.groups,
            "metrics": score.metrics,
        },
        "provenance": _provenance(plan, records, best),
    }
    head = (
        f"# Trained for {len(records)} epochs by metaopt {metaopt.__version__}, of which epoch "
        f"{best.epoch} is the best.\n# S = {score.value:.3f} ± {score.error:.3f} on the test "
        "split (lower is better). Energies in GeV, angles in degrees, lengths in mm.\n\n"
    )
    return head + tomli_w.dumps(tables)


def _model(plan: Plan, best: EpochRecord) -> ModelTable:
    """The configuration, with the values that its schedule had in the best epoch."""
    model, spec = plan.production.model, plan.spec
    epoch = spec.epochs_before + best.epoch
    return replace(
        model,
        parameters=point_at(spec.point, spec.schedule, epoch),
        schedule=until(spec.schedule, epoch),
        precision=spec.resources.precision,
    )


def _data_table(plan: Plan, made: Validation) -> dict[str, Any]:
    spec = plan.spec
    sizes = data.part_sizes(spec.data, spec.geometry)
    files = [Path(name).name for name in spec.data.files]
    return {
        **encode(spec.data),
        "files": files,
        "events": sum(sizes.values()),
        TRAINED: made.reference.trained,
    }


def _provenance(plan: Plan, records: Sequence[EpochRecord], best: EpochRecord) -> dict[str, Any]:
    """The export's own, and what was done since."""
    spec = plan.spec
    done = {
        "training_seed": spec.seed,
        "epochs": spec.epochs_before + best.epoch,
        ON_GPU: spec.resources.gpus > 0,
        "first_weights": "the trial's" if spec.weights else "random",
        "same_data_as_search": plan.same_data,
        "workers": max(record.workers for record in records),
        "search_S": plan.production.score.get("S", "unknown"),
        "metaopt": metaopt.__version__,
        "versions": versions(),
    }
    return {**encode(plan.production.provenance), **done}
