"""The wire contract between controller and workers: frozen plain data, JSON both ways.

A :class:`TrialSpec` is all that a worker needs; a worker never touches SQL. It
answers with a stream of :class:`Progress`, one per epoch, and ends with one
:class:`TrialResult`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from search_spaces.errors import ConfigError
from search_spaces.geometry import Geometry
from search_spaces.parameters import Value
from search_spaces.records import decode, encode
from search_spaces.seeds import check_seed
from workers.schedule import Schedule

#: What a split divides: the events of all files, or whole files.
SplitBy: TypeAlias = Literal["event", "file"]


@dataclass(frozen=True)
class DataSpec:
    """Which showers, and how they are split.

    Attributes:
        files: HDF5 files, in order.
        split: shares of training, validation and test events.
        digest: SHA-256 of the files' content summary; fixes the split.
        by: what is split.
    """

    files: tuple[str, ...]
    split: tuple[float, float, float] = (0.7, 0.15, 0.15)
    digest: str = ""
    by: SplitBy = "event"


@dataclass(frozen=True)
class Budget:
    """What one trial may spend.

    Attributes:
        epochs: passes, each followed by a score.
        showers: training showers per epoch.
        evaluation_showers: showers generated for each score.
    """

    epochs: int
    showers: int
    evaluation_showers: int

    def __post_init__(self) -> None:
        given = {key: getattr(self, key) for key in ("epochs", "showers", "evaluation_showers")}
        for key, value in given.items():
            if value < 1:
                raise ConfigError(f"budget.{key} >= 1 must hold, got {value}")


#: Of the arithmetic in the hidden layers; weights and sums are float32 in any case.
Precision: TypeAlias = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Resources:
    """What one trial may use: CPU threads, a share of a GPU, GPU memory [MiB] (0 = grow)."""

    cpus: int = 1
    gpus: float = 0.0
    gpu_memory_mib: int = 0
    precision: Precision = "float32"

    @property
    def memory_shared(self) -> bool:
        """Whether others may take memory of its GPU that it needs."""
        return 0 < self.gpus < 1 and not self.gpu_memory_mib


@dataclass(frozen=True)
class TrialSpec:
    """Everything a worker needs to run one trial.

    Attributes:
        study, number: which trial this is.
        family, preset, point: the model family, its named configuration, and the parameters
            that replace values of that configuration.
        seed: of every random draw in the trial.
        folder: where the trained model goes; on a disk that the controller sees too.
        reference: file of the reference artefact; made from the data where it is absent.
        test_reference: likewise, of the test events, for a second figure; empty: none.
        showers: folder of decoded showers that all workers of a machine share; empty: none.
        checkpoint: folder of the state from which another attempt goes on; empty keeps none.
        checkpoint_seconds: of training between two checkpoints, at the least.
        schedule: parameters that change while the model trains; the point gives the others.
        plots: whether the trial leaves what plots of its showers need.
    """

    study: str
    number: int
    family: str
    preset: str
    point: Mapping[str, Value]
    geometry: Geometry
    data: DataSpec
    budget: Budget
    seed: int
    folder: str
    reference: str = ""
    test_reference: str = ""
    showers: str = ""
    checkpoint: str = ""
    checkpoint_seconds: float = 20.0
    resources: Resources = field(default_factory=Resources)
    schedule: Schedule = ()
    plots: bool = False

    def __post_init__(self) -> None:
        check_seed("seed", self.seed)

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(encode(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrialSpec:
        """The inverse of :meth:`to_json`; raises ConfigError for anything unknown."""
        return decode(cls, data, "trial")


@dataclass(frozen=True)
class Progress:
    """One scored epoch.

    Attributes:
        epoch: from 1.
        score: S of :mod:`objectives.objective`, lower is better.
        groups: the nine groups' L_g.
        losses: the training losses by name.
        seconds: wall-clock time since the trial started.
        showers: training showers spent since the trial started.
        ms_per_shower: of generation, the least measured so far; None where it was not.
    """

    epoch: int
    score: float
    groups: Mapping[str, float]
    losses: Mapping[str, float]
    seconds: float
    showers: int
    ms_per_shower: float | None = None


#: How the names of groups of S and of human numbers begin in a flat record of a trial.
GROUP_PREFIX, METRIC_PREFIX = "L_", "m_"
#: Names of the figure on the test events, and of its error, among a trial's metrics.
TEST_SCORE, TEST_ERROR = "test_score", "test_error"
#: How the reason of a LOST trial begins where no exception of its own ended it: its process or
#: its node died, or the node cannot run trials of this study.
WORKER_DIED = "the worker died"
#: Likewise where the trial did not even begin there, which says nothing of its configuration.
NEVER_BEGAN = f"{WORKER_DIED} before its trial began"


class Outcome(StrEnum):
    """How a trial ended."""

    COMPLETE = "complete"
    #: Told to stop: by pruning or by the user, which the controller knows.
    STOPPED = "stopped"
    #: The configuration's own failure: diverged, NaN, does not fit. Never retried.
    FAILED = "failed"
    #: The worker died, the node was lost. Retried.
    LOST = "lost"
    #: The showers could not be read or used, or the disk is full: no trial can mend that, and the
    #: study ends.
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class TrialResult:
    """The last word of a trial.

    Attributes:
        outcome: how it ended.
        score: final S (mean of the last evaluations), or None without one.
        error: standard deviation of S from the finite evaluation sample, or None.
        groups: L_g of the final score.
        metrics: human numbers by name (sampling-fraction bias, resolution ratio, ms per shower,
            parameters, ...).
        reason: why it failed, in one line.
        suspect: whether a LOST trial ended by an exception of its own that is not about files
            or workers: the same twice is the configuration's own failure.
        epochs, showers, seconds: what it spent.
    """

    outcome: Outcome
    score: float | None = None
    error: float | None = None
    groups: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    suspect: bool = False
    epochs: int = 0
    showers: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(encode(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrialResult:
        """The inverse of :meth:`to_json`; raises ConfigError for anything unknown."""
        return decode(cls, data, "result")


TrialEvent: TypeAlias = Progress | TrialResult
#: An event as plain data for JSON.
Message: TypeAlias = Mapping[str, Any]


def message_of(event: TrialEvent) -> Message:
    """An event as plain data for JSON."""
    return {"type": type(event).__name__, "data": encode(event)}


def event_of(message: Message) -> TrialEvent:
    """The inverse of :func:`message_of`; raises ConfigError for anything unknown."""
    if message["type"] == Progress.__name__:
        return decode(Progress, message["data"], "progress")
    return TrialResult.from_json(message["data"])


def prefixed(record: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What stands in a flat record under names that begin so, without that beginning."""
    return {k.removeprefix(prefix): v for k, v in record.items() if k.startswith(prefix)}
