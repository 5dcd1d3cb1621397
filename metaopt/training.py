"""Full training of an exported configuration: checked, then run epoch by epoch."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from metaopt.config import DataTable, StudyConfig
from metaopt.export import PRODUCTION, Production, load_production
from metaopt.preflight import MIN_EVENTS
from metaopt.references import reference_at
from search_spaces.errors import ConfigError, DataError
from search_spaces.records import decode, shown
from workers import data
from workers.models.adjusting import check_schedule
from workers.production import checkpoints
from workers.production.checkpoints import Checkpoint
from workers.production.record import EpochRecord
from workers.production.spec import TrainingSpec
from workers.production.training import epochs
from workers.schedule import for_epochs_of
from workers.trial import DataSpec, Precision, Resources

#: Showers generated for the score of an epoch, where nothing else is asked for.
EVALUATION_SHOWERS = 1000


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        source: folder of the export.
        files: shower files or globs.
        epochs: of training.
        out: folder of the result.
        showers: of an epoch; 0 = all training events.
        evaluation_showers: of each score; 0 = ``EVALUATION_SHOWERS``, or all validation events.
        seed: of all draws; None takes the trial's, which its weights need.
        from_weights: whether training goes on from the trial's weights.
        tensorboard: whether a log for TensorBoard is written.
        resources: of each worker.
        precision: of the hidden layers; None takes the trial's.
    """

    source: Path
    files: tuple[str, ...]
    epochs: int
    out: Path
    showers: int = 0
    evaluation_showers: int = 0
    seed: int | None = None
    from_weights: bool = False
    tensorboard: bool = True
    resources: Resources = field(default_factory=Resources)
    precision: Precision | None = None


@dataclass(frozen=True)
class Plan:
    """A training that is ready to run.

    Attributes:
        production: the export.
        spec: what workers are told.
        same_data: whether the showers are those of the search: then no test event was ever
            trained on, and with random first weights in any case.
    """

    production: Production
    spec: TrainingSpec
    same_data: bool

    def saved(self) -> Checkpoint | None:
        """Where it goes on, if it does; read anew, since another process may train meanwhile.

        Raises:
            ConfigError: as of :func:`workers.production.checkpoints.latest`.
        """
        return checkpoints.latest(self.spec)


class Monitor(Protocol):
    """Is told what happens."""

    def progressed(self, record: EpochRecord) -> None:
        """An epoch was trained, scored and kept."""

    def restarted(self, reason: str, workers: int) -> None:
        """Workers were lost, and so many go on from the last checkpoint."""


def prepare(order: Order) -> Plan:
    """Check an order, and make what a training needs.

    Raises:
        InputError: of the kind that fits; nothing is written then.
    """
    production = load_production(order.source)
    _check_order(order)
    files = StudyConfig(DataTable(order.files, "")).files()
    _, digest = data.survey(files, production.geometry)
    spec = _spec(order, production, _split(production, files, digest))
    checkpoints.latest(spec)  # refuses those of another training
    _, reference = reference_at(spec.checkpoints, spec.data, spec.geometry)
    spec = replace(spec, reference=str(reference))
    return Plan(production, spec, digest == production.data.get("digest"))


def _check_order(order: Order) -> None:
    if order.from_weights and order.seed is not None:
        raise ConfigError(
            "with --from-weights the model draws on from the seed of its own, got --seed "
            f"{order.seed}; leave one of them out"
        )
    out = order.out
    if out.resolve() == order.source.resolve():
        raise ConfigError(f"{out} is the export itself; give another -o")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file; give an empty or new folder")
    if out.exists() and any(out.iterdir()) and not (out / "checkpoints").is_dir():
        raise ConfigError(f"{out} holds other files; give an empty or new folder")


def _split(production: Production, files: tuple[str, ...], digest: str) -> DataSpec:
    """The split of the search, which is the same one for the same showers."""
    known = {key: production.data[key] for key in ("split", "by") if key in production.data}
    given = {"files": files, "digest": digest, **known}
    return decode(DataSpec, given, f"{PRODUCTION}: data")


def _spec(order: Order, production: Production, split: DataSpec) -> TrainingSpec:
    model, provenance = production.model, production.provenance
    sizes = data.part_sizes(split, production.geometry)
    if min(sizes.values()) < MIN_EVENTS:
        raise DataError(
            f"each split needs at least {MIN_EVENTS} events to score with, got "
            f"{', '.join(map(str, sizes.values()))}; give more files"
        )
    most = sizes["validation"]
    showers = order.evaluation_showers or min(EVALUATION_SHOWERS, most)
    _within("--epochs", order.epochs, 1)
    _within("--showers-per-epoch", order.showers, 0)
    _within("--evaluation-showers", showers, 50, most)
    seed = _known(provenance, "training_seed", 1) if order.seed is None else order.seed
    # A trial's seed is any number of 32 bits.
    _within("--seed", seed, 0, 2**32 - 1)
    before = _known(provenance, "epochs", 0) if order.from_weights else 0
    check_schedule(model.schedule, model.family, PRODUCTION)
    # Weights to begin with were trained with it.
    schedule = () if order.from_weights else model.schedule
    if schedule:
        known = _known(production.budget, "showers", 0, "budget")
        schedule = for_epochs_of(schedule, known, order.showers or sizes["training"])
    return TrainingSpec(
        family=model.family,
        preset=model.preset,
        point=model.parameters,
        geometry=production.geometry,
        data=split,
        epochs=order.epochs,
        showers=order.showers or sizes["training"],
        evaluation_showers=showers,
        seed=seed,
        folder=str(order.out.resolve()),
        reference="",
        weights=str(order.source.resolve()) if order.from_weights else "",
        epochs_before=before,
        tensorboard=order.tensorboard,
        resources=replace(order.resources, precision=order.precision or model.precision),
        schedule=schedule,
    )


def _known(told: Mapping[str, Any], key: str, default: int, table: str = "provenance") -> int:
    """A whole number of the export."""
    value = told.get(key, default)
    if type(value) is not int or value < 0:
        raise ConfigError(
            f"{PRODUCTION}: {table}.{key} must be a whole number >= 0, got {shown(value)}; "
            "restore it"
        )
    return value


def _within(option: str, value: int, low: int, high: int = 10**9) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{low} <= {option} <= {high} must hold, got {value}")


def train(
    plan: Plan, monitor: Monitor, stop: Callable[[], bool], workers: int = 1, address: str = ""
) -> bool:
    """Train the epochs that are left.

    Args:
        plan: the training.
        monitor: told of each epoch.
        stop: asked after each epoch; true ends the training.
        workers: that share each batch; one is this process, unless there is an address.
        address: of a running Ray cluster; empty: this machine.

    Returns:
        Whether all epochs are done.

    Raises:
        DataError: showers or weights cannot be read.
        ExecutorError: workers cannot be had, or die again and again.
        TrialFailedError: the training failed; the epochs before are kept.
    """
    with closing(_epochs(plan, monitor, workers, address)) as records:
        for record in records:
            monitor.progressed(record)
            if record.epoch < plan.spec.epochs and stop():
                return False
    return True


def _epochs(
    plan: Plan, monitor: Monitor, workers: int, address: str
) -> Generator[EpochRecord, None, None]:
    if workers == 1 and not address:
        return epochs(plan.spec, plan.saved())
    from workers.executors.ray_training import team_epochs

    return team_epochs(plan.spec, workers, address, monitor.restarted)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep others from training into the same folder.

    Raises:
        ConfigError: another process does.
    """
    kept = folder / "checkpoints"
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as failure:
            raise ConfigError(
                f"{folder}: another training is at work there; wait for it, or give another -o"
            ) from failure
        except OSError:
            pass  # a file system without locks: nobody can know
        yield
