"""Optuna's TPE with its HyperbandPruner, to compare halving with.

It is used as Optuna's documentation does: ask, report every epoch, ask whether to prune,
tell; one trial at a time in a study in memory. It is no strategy: the pruner belongs to
the study, and lets the sampler see the trials of one bracket only.
"""

from __future__ import annotations

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from metaopt.strategies.base import State
from metaopt.strategies.optuna_sampler import distributions
from metaopt.strategies.optuna_strategy import quiet, suggest_point
from search_spaces.parameters import Point, Value
from search_spaces.space import SearchSpace


class TpeHyperband:
    """A study of plain Optuna, one trial at a time; the baselines of the space come first.

    Args:
        space: what may vary.
        epochs: the full budget, which is the pruner's ``max_resource``; an epoch is a step.
        seed: of the sampler, and the name of the study, from which brackets are drawn.
    """

    def __init__(self, space: SearchSpace, epochs: int, seed: int) -> None:
        self._space, self._ranges = space, distributions(space)
        self._storage = InMemoryStorage()
        with quiet():
            self._study = optuna.create_study(
                storage=self._storage,
                study_name=str(seed),
                sampler=optuna.samplers.TPESampler(seed=seed),
                pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs),
            )
            for baseline in space.baselines:
                self._study.enqueue_trial(dict(baseline.point))

    def ask(self) -> dict[str, Value]:
        """Begin a trial."""
        with quiet():
            self._trial = self._study.ask()
            return suggest_point(self._space, self._trial)

    def settle(self, point: Point) -> None:
        """The trial is one of ``point``, whatever was asked for: a table may have no other."""
        study = self._storage.get_study_id_from_name(self._study.study_name)
        trial = self._storage.get_trial_id_from_study_id_trial_number(study, self._trial.number)
        for name, value in point.items():
            kind = self._ranges[name]
            self._storage.set_trial_param(trial, name, kind.to_internal_repr(value), kind)

    def should_prune(self, epoch: int, score: float) -> bool:
        """Report S of an epoch, and ask whether the trial should end."""
        with quiet():
            self._trial.report(score, epoch)
            return self._trial.should_prune()

    def tell(self, state: State, score: float) -> None:
        """End the trial."""
        with quiet():
            if state is State.COMPLETE:
                self._study.tell(self._trial, score)
            else:
                ended = TrialState.PRUNED if state is State.PRUNED else TrialState.FAIL
                self._study.tell(self._trial, state=ended)
