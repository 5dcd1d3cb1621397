"""A study's configuration, checked at birth: :mod:`metaopt.study_file` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal, TypeAlias

from metaopt.durations import seconds
from metaopt.names import check_name, made_name
from metaopt.paths import matches
from metaopt.store import DEFAULT_URL
from search_spaces.errors import ConfigError
from search_spaces.parameters import Value
from search_spaces.records import shown
from search_spaces.seeds import check_seed
from workers.trial import Budget, Precision, Resources, SplitBy

#: No count of a study is larger.
MOST = 10**9
#: Stands for the bundled Geant4 sample in ``data.files``.
SAMPLE = "sample"
#: Where trials can be followed beside the study store.
Log: TypeAlias = Literal["tensorboard", "mlflow"]


@dataclass(frozen=True)
class StudyTable:
    """Which study, and where it is kept.

    Attributes:
        name: of the study and its folder; empty = made of space (or geometry) and strategy.
        seed: of every random draw.
        storage: the study store, any SQLAlchemy URL.
        results: folder; weights and reference artefacts go below it.
        log: tools that show its trials too: event files for TensorBoard in the folder of
            results, runs of MLflow at ``tracking_uri``.
        tracking_uri: of MLflow; empty = that of the environment, MLFLOW_TRACKING_URI.
        plots: whether complete trials get a picture against Geant4 for the Optuna dashboard.
    """

    name: str = ""
    seed: int = 1
    storage: str = DEFAULT_URL
    results: str = "results"
    log: tuple[Log, ...] = ()
    tracking_uri: str = ""
    plots: bool = True


@dataclass(frozen=True)
class SearchTable:
    """What is searched, how, and for how long.

    Attributes:
        space: a built-in space or a .toml file; empty = the published one for the geometry.
        strategy: genetic, bayesian, nsga2, random, or "module:Class".
        options: of the strategy.
        trials: how many trainings, confirming ones included.
        time_budget: wall-clock limit of one run ("4m", "2h").
        pruning: halving, none, or "module:Class".
        pruning_options: of the pruning rule.
        confirm: candidates that are trained again at the end, beside the published
            configuration; at most a quarter of the trials are spent on it.
        confirm_seeds: how many fresh seeds each of them is trained with.
        target: S at which the search ends; 0 = none.
        until_exhausted: ends the search where no improvement above the noise is expected.
        max_failures: the run ends when so many configurations fail one after another.
        earlier: studies of the same store that the search starts from, also of another
            space or geometry.
    """

    space: str = ""
    strategy: str = "genetic"
    options: Mapping[str, Value] = field(default_factory=dict)
    trials: int = 60
    time_budget: str = ""
    pruning: str = "halving"
    pruning_options: Mapping[str, Value] = field(default_factory=dict)
    confirm: int = 3
    confirm_seeds: int = 2
    target: float = 0.0
    until_exhausted: bool = False
    max_failures: int = 12
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataTable:
    """Which showers, and their split.

    Attributes:
        files: HDF5 files, globs or URLs; "sample" is the bundled one.
        geometry: a built-in calorimeter or a .toml file.
        split: shares of training, validation and test.
        by: what is split: the events of all files, or whole files.
    """

    files: tuple[str, ...]
    geometry: str
    split: tuple[float, float, float] = (0.7, 0.15, 0.15)
    by: SplitBy = "event"


@dataclass(frozen=True)
class TrialTable:
    """What one trial may spend: see :class:`workers.trial.Budget`.

    Attributes:
        checkpoint: time between two checkpoints, from which an interrupted trial goes on;
            one is written only after an epoch.
        time_limit: of a whole trial; one that takes longer is the configuration's own failure.
        silence_limit: between two scored epochs; a worker that is silent for longer is
            taken for hung, ended, and its trial repeated.
    """

    epochs: int = 6
    showers: int = 2000
    evaluation_showers: int = 300
    checkpoint: str = "20s"
    time_limit: str = ""
    silence_limit: str = "2h"


@dataclass(frozen=True)
class WorkersTable:
    """Where trials run.

    Attributes:
        executor: ray, inline, or "module:Class".
        count: trials at once; 0 = as many as fit the nodes that there are.
        cpus, gpus: of each trial; a GPU may be shared (0.25).
        gpu_memory_mib: limit of each trial on a shared GPU; 0 = grow as needed.
        precision: "bfloat16" computes hidden layers in half the width, faster where the
            processor has it.
        ray_address: of a running cluster; empty starts a local one.
    """

    executor: str = "ray"
    count: int = 0
    cpus: int = 1
    gpus: float = 0.0
    gpu_memory_mib: int = 0
    precision: Precision = "float32"
    ray_address: str = ""


@dataclass(frozen=True)
class StudyConfig:
    """One study, as the user asked for it."""

    data: DataTable
    study: StudyTable = field(default_factory=StudyTable)
    search: SearchTable = field(default_factory=SearchTable)
    trial: TrialTable = field(default_factory=TrialTable)
    workers: WorkersTable = field(default_factory=WorkersTable)

    def __post_init__(self) -> None:
        check_seed("study.seed", self.study.seed)
        for key, low in (("trials", 1), ("confirm", 0), ("confirm_seeds", 1), ("max_failures", 1)):
            _within(f"search.{key}", getattr(self.search, key), low)
        if not self.search.target >= 0:
            raise ConfigError(f"search.target >= 0 must hold, got {self.search.target}")
        for key in ("count", "gpu_memory_mib"):
            _within(f"workers.{key}", getattr(self.workers, key), 0)
        _within("workers.cpus", self.workers.cpus, 1)
        for key in ("epochs", "showers"):
            _within(f"trial.{key}", getattr(self.trial, key), 1)
        _within("trial.evaluation_showers", self.trial.evaluation_showers, 50)
        if not self.workers.gpus >= 0 or (self.workers.gpus > 1 and self.workers.gpus % 1):
            raise ConfigError(
                "workers.gpus must be 0, a share of one GPU (0.25) or a whole number, "
                f"got {self.workers.gpus}"
            )
        split = self.data.split
        if any(s <= 0 for s in split) or abs(sum(split) - 1) > 1e-6:
            raise ConfigError(
                "data.split must be three positive shares (training, validation, test) that "
                f"add up to 1, got {list(split)}"
            )
        seconds(self.search.time_budget, "search.time_budget")
        for key in ("checkpoint", "time_limit", "silence_limit"):
            seconds(getattr(self.trial, key), f"trial.{key}")
        if self.study.name:
            check_name(self.study.name)

    @property
    def name(self) -> str:
        """The study's name: given, or made of space (or geometry) and strategy."""
        if self.study.name:
            return self.study.name
        return made_name(self.search.space or self.data.geometry, self.search.strategy)

    @property
    def folder(self) -> Path:
        """Where the study's files go."""
        return Path(self.study.results) / self.name

    @property
    def showers_folder(self) -> Path:
        """Where the decoded showers go, for all studies with the same results folder."""
        return Path(self.study.results).resolve() / "showers"

    @property
    def budget(self) -> Budget:
        """The budget of one trial."""
        return Budget(self.trial.epochs, self.trial.showers, self.trial.evaluation_showers)

    @property
    def resources(self) -> Resources:
        """The resources of one trial."""
        w = self.workers
        return Resources(w.cpus, w.gpus, w.gpu_memory_mib, w.precision)

    def files(self) -> tuple[str, ...]:
        """The data files: the bundled sample, or the matches of the globs in sorted order.

        URLs stay URLs: see :mod:`workers.data.remote`.

        Raises:
            ConfigError: a pattern matches nothing.
            DataError: a remote store cannot be asked, or a URL holds a secret.
        """
        found: list[str] = []
        for pattern in self.data.files:
            if pattern == SAMPLE:
                found.append(str(resources.files("metaopt") / "sample" / "clic-12x12x12.h5"))
            else:
                found += matches(pattern)
        return tuple(dict.fromkeys(found))


def trial_folder(study_folder: Path, number: int) -> Path:
    """Where the trained model of a trial lies."""
    return study_folder / "trials" / f"{number:04d}"


def checkpoint_folder(study_folder: Path, proposal: int, seed: int = 0) -> Path:
    """Where all trials of a training keep their state."""
    return study_folder / "checkpoints" / (f"{proposal:04d}" + (f"-{seed}" if seed else ""))


def _within(key: str, value: int, low: int) -> None:
    for rule, holds in ((f">= {low}", value >= low), (f"<= {MOST}", value <= MOST)):
        if not holds:
            raise ConfigError(f"{key} {rule} must hold, got {shown(value)}")
