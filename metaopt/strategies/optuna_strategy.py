"""Optuna's samplers as strategies: the optimisers to compare with, by name.

Each proposal rebuilds a study in memory from the history, with running trials as
RUNNING, and asks it define-by-run: a conditional parameter is suggested only where it
exists. Failed and pruned trials are told as plain Optuna would have recorded them, so
that the comparison is with what a user of Optuna gets; most samplers then ignore them.

What a sampler keeps in the attributes of its trials (the generation of NSGA-II, say)
travels in the note of the proposal, as Optuna itself stores it. Not so the distribution of
CMA-ES, an object of Python that could do anything when it is loaded: it is learned again
from the trials of each generation, whose number the notes hold.
"""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from typing import Any, TypeAlias, cast

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from metaopt.strategies.base import Observation, Proposal, State
from metaopt.strategies.design import baselines_first
from metaopt.strategies.optuna_sampler import distributions
from metaopt.strategies.points import in_turn
from search_spaces.errors import ConfigError, MissingExtraError
from search_spaces.parameters import Categorical, Float, Parameter, Point, Value
from search_spaces.records import suggestion
from search_spaces.space import Key, SearchSpace

#: Suggestions that may be infeasible or known before the next point is random.
MAX_TRIES = 10
#: Packages that samplers need and Optuna does not install.
PACKAGES = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}
#: In the names of attributes: a trial's generation, and the object that is never kept.
GENERATION, OBJECT = ":generation", ":optimizer"

Ranges: TypeAlias = Mapping[str, BaseDistribution]

_STATES = {
    State.COMPLETE: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
}


@dataclass(frozen=True)
class OptunaStrategy:
    """Any sampler of Optuna for one objective.

    Attributes:
        sampler: a class of ``optuna.samplers``.
        arguments: of its constructor, beside the seed.
        tell_failures: tell failed trials as complete ones with the worst score of the
            others, instead of as FAIL, which most samplers do not look at.

    Raises:
        ConfigError: no such sampler, or an argument that it does not take.
        MissingExtraError: the sampler needs a package that is not installed.
    """

    sampler: str = "TPESampler"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tell_failures: bool = False

    def __post_init__(self) -> None:
        names = [name for name in optuna.samplers.__all__ if name.endswith("Sampler")]
        # Without a seed: the one that others are built on, and the one that is given another.
        known = [name for name in names if "seed" in _parameters(name)]
        if self.sampler not in known:
            raise ConfigError(
                f"unknown sampler {self.sampler!r}; {suggestion(self.sampler, known)}"
            )
        package = PACKAGES.get(self.sampler)
        if package is not None and importlib.util.find_spec(package) is None:
            raise MissingExtraError(
                f"{self.sampler} needs the package {package!r}, which is not installed; "
                "pip install 'metaopt[compare]'"
            )
        takes = _parameters(self.sampler) - {"seed"}
        for name in self.arguments:
            if name not in takes:
                told = suggestion(name, takes | {"tell_failures"})
                raise ConfigError(f"{self.sampler}: unknown option {name!r}; {told}")
        try:
            self._make(0)
        except (TypeError, ValueError) as failure:
            raise ConfigError(
                f"{self.sampler} cannot be made: {str(failure).rstrip('.')}; change its options, "
                "or take another sampler"
            ) from failure

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """See :meth:`metaopt.strategies.base.Strategy.propose`.

        Raises:
            ConfigError: the sampler does not know what to do with such a space.
        """

        def suggest(waiting: Sequence[Point], known: set[Key]) -> Proposal | None:
            with quiet():
                storage = InMemoryStorage()
                study = self._study(storage, space, history, waiting, rng)
                try:
                    return _ask(study, storage, space, known, self.sampler)
                except (AssertionError, TypeError, ValueError) as failure:
                    raise ConfigError(
                        f"{self.sampler} cannot search space {space.name!r}: "
                        f"{str(failure).rstrip('.')}; change its options, "
                        "or take another strategy"
                    ) from failure

        return in_turn(space, history, pending, n, baselines_first(space, rng, suggest))

    def _make(self, seed: int) -> BaseSampler:
        with quiet():
            made: BaseSampler = getattr(optuna.samplers, self.sampler)(seed=seed, **self.arguments)
            return made

    def _study(
        self,
        storage: InMemoryStorage,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        rng: np.random.Generator,
    ) -> optuna.Study:
        """The study as Optuna would have it, running trials last."""
        study = optuna.create_study(storage=storage, sampler=self._make(int(rng.integers(2**31))))
        worst = max((o.score for o in history if o.state is not State.FAILED), default=None)
        ranges, identity = distributions(space), _id(study, storage)
        learned = 0
        for o in history:
            trial = _finished(ranges, o, worst if self.tell_failures else None)
            complete = trial.state is TrialState.COMPLETE
            if self.sampler == "CmaEsSampler" and complete and _generation(trial) > learned:
                trial.system_attrs = trial.system_attrs | _distribution(study)
                learned = _generation(trial)
            study.add_trial(trial)
            for key, count in _kept(o)["study"].items():
                storage.set_study_system_attr(identity, key, count)
        for point in pending:
            study.add_trial(_trial(ranges, point, TrialState.RUNNING))
        return study


def _parameters(sampler: str) -> set[str]:
    """What the constructor of one of Optuna's samplers takes, by name."""
    return {*signature(getattr(optuna.samplers, sampler)).parameters}


def _ask(
    study: optuna.Study, storage: InMemoryStorage, space: SearchSpace, known: set[Key], name: str
) -> Proposal | None:
    """A feasible new point, if the sampler has one.

    Suggestions that are refused stay RUNNING, from which samplers that look at running
    trials move away.
    """
    for _ in range(MAX_TRIES):
        trial = study.ask()
        point = suggest_point(space, trial)
        if space.key(point) not in known and space.is_feasible(point):
            return Proposal(point, {"operators": name} | _keep(study, storage, trial.number))
    return None


def suggest_point(space: SearchSpace, trial: optuna.Trial) -> dict[str, Value]:
    """What a trial suggests for every parameter that exists."""
    point: dict[str, Value] = {}
    for p in space.parameters:
        if p.when is None or p.when.holds(point):
            point[p.name] = _value(trial, p)
    return point


def _value(trial: optuna.Trial, p: Parameter) -> Value:
    if isinstance(p, Categorical):
        return cast("Value", trial.suggest_categorical(p.name, p.choices))
    if isinstance(p, Float):
        return trial.suggest_float(p.name, p.low, p.high, log=p.log, step=p.step)
    return trial.suggest_int(p.name, p.low, p.high, log=p.log, step=p.step)


def _finished(ranges: Ranges, o: Observation, worst: float | None) -> FrozenTrial:
    """The record of a finished trial; a failed one has the score ``worst`` if that is given."""
    state = _STATES[o.state]
    value = o.score if o.state is State.COMPLETE else None
    if o.state is State.FAILED and worst is not None:
        state, value = TrialState.COMPLETE, worst
    return _trial(ranges, o.point, state, value, dict(o.rungs), _kept(o)["trial"])


def _generation(trial: FrozenTrial) -> int:
    kept = trial.system_attrs.items()
    return next((int(number) for key, number in kept if key.endswith(GENERATION)), 0)


def _distribution(study: optuna.Study) -> dict[str, Any]:
    """What the sampler would keep of itself if it were asked now: a trial begins a generation.

    It looks for it among the complete trials only, so the trial asked for is no good.
    """
    asked = study.ask()
    asked.relative_params  # noqa: B018  # draws them
    made = study.get_trials(deepcopy=False)[asked.number].system_attrs
    return {key: value for key, value in made.items() if OBJECT in key}


def _trial(
    ranges: Ranges,
    point: Point,
    state: TrialState,
    value: float | None = None,
    rungs: dict[int, float] | None = None,
    attributes: dict[str, Any] | None = None,
) -> FrozenTrial:
    return create_trial(
        state=state,
        value=value,
        params=dict(point),
        distributions={name: ranges[name] for name in point},
        intermediate_values=rungs,
        system_attrs=attributes,
    )


def _keep(study: optuna.Study, storage: InMemoryStorage, number: int) -> dict[str, str]:
    """The sampler's own records of a trial, and its counters in the study, as a note.

    Left out: suggestions, which the point repeats; objects of Python; and lists of other
    trials by an id that means nothing in the next study, which samplers make again.
    """
    trial = study.get_trials(deepcopy=False)[number].system_attrs
    counters = storage.get_study_system_attrs(_id(study, storage))
    kept = {
        "trial": {k: v for k, v in trial.items() if "relative_params" not in k and OBJECT not in k},
        "study": {k: v for k, v in counters.items() if isinstance(v, int)},
    }
    return {"optuna": json.dumps(kept)} if any(kept.values()) else {}


def _kept(o: Observation) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = json.loads(o.note.get("optuna", '{"trial": {}, "study": {}}'))
    # A note may come from anywhere, and the sampler would load what is in it.
    return kept | {"trial": {k: v for k, v in kept["trial"].items() if OBJECT not in k}}


def _id(study: optuna.Study, storage: InMemoryStorage) -> int:
    return storage.get_study_id_from_name(study.study_name)


@contextmanager
def quiet() -> Iterator[None]:
    """No word of new studies and experimental classes: every proposal makes one."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
