"""Any strategy as a sampler of plain Optuna: ``study.optimize``, its pruners, its dashboard.

The sampler keeps no state either: it reads the study at every trial, failed, pruned and
running ones included, and draws from (seed, trial number). Optuna stores a parameter when the
objective asks for it; what was proposed is stored with the trial as a whole before, so that
trials that begin at the same time differ, and one that fails early is learnt from.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from metaopt.strategies.base import Observation, Proposal, State, Strategy
from metaopt.strategies.points import only_proposal
from search_spaces.errors import ConfigError, SpaceError
from search_spaces.parameters import Categorical, Float, Int, Parameter, Point
from search_spaces.space import SearchSpace

_STATES = {
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.PRUNED: State.PRUNED,
    TrialState.FAIL: State.FAILED,
}
#: The attribute of a trial that holds its proposal.
PROPOSED = "metaopt:proposed"
#: Threads of ``n_jobs`` propose one after another. A sampler is pickled, and a lock cannot be.
_IN_TURN = threading.Lock()


class StrategySampler(BaseSampler):
    """Proposes with a strategy of metaopt.

    The objective asks for all parameters of ``space`` by their names, conditional ones only
    where they exist, with the distributions of :func:`distributions`; at the end of a trial it is
    told where it did not. A trial that violates a constraint (``set_constraint``) is
    told as a failed one. Pruners are the study's; one objective is the strategy's::

        ranges = distributions(space)
        study = optuna.create_study(sampler=StrategySampler(Genetic(), space, seed=1))
        study.optimize(lambda trial: trial.suggest_float("lr", 1e-5, 1e-2, log=True))

    Args:
        strategy: any strategy, a third party's included.
        space: what may vary, with its constraint if it has one.
        seed: of the study; a proposal draws from (seed, trial number).
    """

    def __init__(self, strategy: Strategy, space: SearchSpace, seed: int = 0) -> None:
        self._strategy = strategy
        self._space = space
        self._seed = seed

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All parameters of the space: the very first trial is proposed as a whole."""
        del study, trial
        return distributions(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The active parameters of the strategy's proposal.

        Raises:
            ConfigError: the study has several objectives.
            SpaceError: another sampler keeps some of the parameters for itself.
        """
        kept = [name for name in self._space.names if name not in search_space]
        if kept:
            raise SpaceError(
                f"a strategy of metaopt must choose all parameters of space {self._space.name!r}, "
                f"got others for {', '.join(kept)}; give these one value each in the space"
            )
        if len(study.directions) > 1:
            raise ConfigError(
                f"a strategy of metaopt searches for one objective, got {len(study.directions)}; "
                "make the study with one direction, or take a sampler of Optuna"
            )
        with _IN_TURN:
            made = self._propose(study, trial.number)
            proposed: dict[str, Any] = {"point": dict(made.point), "note": dict(made.note)}
            study._storage.set_trial_system_attr(trial._trial_id, PROPOSED, proposed)
        return dict(made.point)

    def _propose(self, study: Study, number: int) -> Proposal:
        sign = -1.0 if study.direction is StudyDirection.MAXIMIZE else 1.0
        others = [t for t in study.get_trials(deepcopy=False) if t.number != number]
        history = observations(self._space, others, sign)
        running = [t for t in others if t.state is TrialState.RUNNING]
        pending = [p for p in (_point(self._space, t) for t in running) if p is not None]
        rng = np.random.default_rng([self._seed, number])
        proposed = self._strategy.propose(self._space, history, pending, 1, rng)
        name = type(self._strategy).__name__
        return only_proposal(proposed, self._space, name, number)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A uniform value, for a parameter outside the space or one that is not active.

        Raises:
            SpaceError: a parameter of the space is asked for with another range.
        """
        del study
        self._check_range(param_name, param_distribution)
        name_bytes = int.from_bytes(param_name.encode(), "big")
        rng = np.random.default_rng([self._seed, trial.number, name_bytes])
        return _parameter(param_name, param_distribution).from_unit(float(rng.random()))

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Check what the objective asked for; the trial is stored all the same.

        Raises:
            SpaceError: a parameter of the space with another range, or, in a complete trial,
                not at all: the strategy would search where nothing is measured.
        """
        del study, values
        for name, asked in trial.distributions.items():
            self._check_range(name, asked)
        for p in self._space.parameters if state is TrialState.COMPLETE else ():
            if p.name not in trial.params and (p.when is None or p.when.holds(trial.params)):
                raise SpaceError(
                    f"every parameter of space {self._space.name!r} must be suggested, got none "
                    f"of the name {p.name!r} in trial {trial.number}; suggest it, or leave it out "
                    "of the space"
                )

    def _check_range(self, name: str, asked: BaseDistribution) -> None:
        wanted = distribution(self._space[name]) if name in self._space.names else asked
        if wanted != asked:
            raise SpaceError(f"{name!r} must be suggested as in the space, {wanted}, got {asked}")


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Optuna's ranges of all parameters, conditional ones included."""
    return {p.name: distribution(p) for p in space.parameters}


def distribution(p: Parameter) -> BaseDistribution:
    """Optuna's range of a parameter."""
    if isinstance(p, Categorical):
        return CategoricalDistribution(p.choices)
    if isinstance(p, Float):
        return FloatDistribution(p.low, p.high, p.log, p.step)
    return IntDistribution(p.low, p.high, p.log, p.step)


def _parameter(name: str, d: BaseDistribution) -> Parameter:
    if isinstance(d, CategoricalDistribution):
        return Categorical(name, tuple(d.choices))  # type: ignore[arg-type]  # None is a choice there
    if isinstance(d, FloatDistribution):
        return Float(name, d.low, d.high, d.log, d.step)
    if isinstance(d, IntDistribution):
        return Int(name, d.low, d.high, d.log, d.step)
    raise SpaceError(f"{name!r}: no such kind of range: {d}")


def observations(
    space: SearchSpace, trials: Sequence[FrozenTrial], sign: float
) -> list[Observation]:
    """The history that a strategy sees, in order of number.

    Trials that are no points of the space are left out. A trial without a finite value, or
    that violates a constraint, is a failed one; its score is the worst of all others.

    Args:
        space: what may vary.
        trials: of the study, in any state.
        sign: -1 where Optuna maximises.
    """
    found: list[tuple[FrozenTrial, Point, float | None]] = []
    for trial in trials:
        point = _point(space, trial) if trial.state in _STATES else None
        if point is not None:
            found.append((trial, point, _score(trial, sign)))
    worst = max((score for _, _, score in found if score is not None), default=0.0)
    history = [_observation(trial, point, score, worst, sign) for trial, point, score in found]
    return sorted(history, key=lambda o: o.number)


def _observation(
    trial: FrozenTrial, point: Point, score: float | None, worst: float, sign: float
) -> Observation:
    values: Mapping[int, float] = trial.intermediate_values
    rungs = tuple((e, sign * values[e]) for e in sorted(values) if math.isfinite(values[e]))
    state = State.FAILED if score is None else _STATES[trial.state]
    epochs = rungs[-1][0] if rungs else 0
    score = worst if score is None else score
    note = _proposed(trial, "note")
    return Observation(trial.number, point, state, score, epochs, rungs, note)


def _score(trial: FrozenTrial, sign: float) -> float | None:
    """The final value, or the last intermediate one of a pruned trial.

    None if it is not finite, or if a constraint is violated: Optuna then does not look at it.
    """
    if any(not value <= 0.0 for value in trial.constraints.values()):
        return None
    value = trial.value if trial.state is TrialState.COMPLETE else None
    if trial.state is TrialState.PRUNED and trial.intermediate_values:
        value = trial.intermediate_values[max(trial.intermediate_values)]
    return sign * value if value is not None and math.isfinite(value) else None


def _point(space: SearchSpace, trial: FrozenTrial) -> Point | None:
    """The active parameters of a trial; None if they are no point of the space.

    What the objective has not asked for yet, or never came to, is as it was proposed.
    """
    try:
        point = space.activate({**_proposed(trial, "point"), **trial.params})
        space.check(point)
    except (KeyError, SpaceError):
        return None
    return point


def _proposed(trial: FrozenTrial, what: str) -> dict[str, Any]:
    """The point or the note of the proposal; empty for a trial that another sampler began."""
    found: dict[str, Any] = trial.system_attrs.get(PROPOSED, {}).get(what, {})
    return found
