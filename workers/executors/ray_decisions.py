"""How Ray Tune's schedulers decide for a population: ``PopulationBasedTraining``, and ``PB2``.

They run synchronously: all members have seen equally many showers when they are compared, and
decisions are functions of the scores and of (seed, interval), whatever order results come in.
"""

from __future__ import annotations

import json
import random
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import PopulationBasedTraining, TrialScheduler
from ray.tune.schedulers.pb2 import PB2
from ray.tune.schedulers.pbt import _explore
from ray.tune.search import BasicVariantGenerator
from sklearn.exceptions import ConvergenceWarning

from search_spaces.parameters import Categorical, Int, Parameter, Value
from workers.executors import ray_member as keys
from workers.population import Ledger, Member, Rules

_DRAWS_LOCK = threading.Lock()
#: Tune's word for a value that is drawn anew.
_DRAWN = "resample"
#: Values that differ by less are one in the unit interval: PB2 computes in single precision.
_ALIKE = 1e-6


class Watch:
    """What Tune's parts share in this process; to its snapshots it is nothing.

    Args:
        ledger: of the study.
        halt: the file that asks members to stop, in a folder that all nodes see.
    """

    def __init__(self, ledger: Ledger | None, halt: Path) -> None:
        self._ledger, self.halt = ledger, halt
        self.failure: Exception | None = None
        self.deaths: dict[int, str] = {}
        self.busy = True

    def __reduce__(self) -> tuple[type[Watch], tuple[None, Path]]:
        return Watch, (None, self.halt)

    def fail(self, failure: Exception) -> None:
        """End all for this reason, unless there was one before."""
        self.failure = self.failure or failure

    def died(self, member: int, why: str) -> None:
        """End all after the running epochs: a member's process ended, for this reason."""
        self.deaths[member] = why

    @property
    def ledger(self) -> Ledger:
        """Of the study."""
        assert self._ledger is not None
        return self._ledger

    @property
    def stops(self) -> int:
        """As of the ledger; a failure ends everything at once."""
        return 2 if self.failure is not None else max(self.ledger.stops(), bool(self.deaths))


class _Decisions:
    """What both schedulers do our way; it stands before Tune's class.

    Attributes that begin with an underscore are Tune's own.
    """

    _num_perturbations: int
    _trial_state: Mapping[Any, Any]

    def prepare(self, members: Sequence[Member], rules: Rules, watch: Watch, slots: int) -> None:
        """Take the population, and how many members train at once."""
        self.rules, self.watch, self.slots = rules, watch, slots
        self.members = {member.number: member for member in members}
        # A study that goes on begins with the barrier that it had reached.
        self._next_perturbation_sync = max(rules.done, 1)

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """A member comes to Tune: its training, and the values that may change."""
        member = self.members[trial.config[keys.MEMBER]]
        trial.config.update(_told(member, self.rules) | {keys.FIRST: max(self.rules.done, 1)})
        super().on_trial_add(tune_controller, trial)  # type: ignore[misc]
        # It waits for :meth:`choose_trial_to_run`; Tune begins all that are pending unasked.
        trial.set_status(Trial.PAUSED)
        trial.init_local_path()  # in the end Tune asks for it, also where a member never began

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """A member is at a barrier, unless it halted; the last one there sets off all decisions.

        None is made once a process died: Tune would leave its member out of the comparison.
        """
        if result[keys.HALTED] or self.watch.deaths:
            return str(TrialScheduler.PAUSE)
        with _draws(self.rules.seed, int(result[keys.INTERVAL])):
            return str(super().on_trial_result(tune_controller, trial, result))  # type: ignore[misc]

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """The next member, unless the end was asked for or as many train as may."""
        trials = tune_controller.get_trials()
        begun = sum(t.status in (Trial.PENDING, Trial.RUNNING) for t in trials)
        if self.watch.stops or begun >= self.slots:
            return None
        waiting = (
            t
            for t in trials
            if t.status == Trial.PAUSED
            and self._trial_state[t].last_train_time < self._next_perturbation_sync
        )
        return next(waiting, None)

    def _checkpoint_or_exploit(
        self, trial: Any, tune_controller: Any, upper_quantile: list[Any], lower_quantile: list[Any]
    ) -> None:
        """A member's decision; Tune passes over a state whose process died as the last came.

        The decisions after that one would draw other values: they are made again with it.
        """
        if self.watch.deaths:
            return
        before = self._num_perturbations
        super()._checkpoint_or_exploit(  # type: ignore[misc]
            trial, tune_controller, upper_quantile, lower_quantile
        )
        if trial in lower_quantile and self._num_perturbations == before:
            self.watch.died(trial.config[keys.MEMBER], "the state to take over was lost")

    def _get_new_config(
        self, trial: Any, trial_to_clone: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The configuration of a member that takes over another's state."""
        config, operations = self._chosen(trial, trial_to_clone)
        member, parent = trial.config[keys.MEMBER], trial_to_clone.config[keys.MEMBER]
        values = _meant_values(config, self.rules)
        drawn = [name for name, how in operations.items() if how == _DRAWN]
        goes_on = self.watch.ledger.exploited(member, parent, values, drawn)
        return config | _told(goes_on, self.rules), operations

    def _chosen(self, trial: Any, trial_to_clone: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What Tune's class would give it."""
        chosen: tuple[Any, Any] = super()._get_new_config(trial, trial_to_clone)  # type: ignore[misc]
        return chosen


class Waiting(BasicVariantGenerator):  # type: ignore[misc]  # Ray has no types
    """Gives Tune the members, and says that more may come as long as one of them is not done.

    Tune keeps the process of a member at its barrier for the next one only while more may come.
    """

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def is_finished(self) -> bool:
        """Whether nothing is left to be begun."""
        none_left = not self._live_trials or self._watch.stops > 0
        return bool(super().is_finished()) and none_left


class _Perturbing(_Decisions, PopulationBasedTraining):  # type: ignore[misc]
    """Values are perturbed, or drawn anew."""


class _Bandit(_Decisions, PB2):  # type: ignore[misc]
    """Values come from a Gaussian process, which works in the unit interval."""

    def prepare(self, members: Sequence[Member], rules: Rules, watch: Watch, slots: int) -> None:
        """Take the population, and what was seen of it."""
        super().prepare(members, rules, watch, slots)
        names = [p.name for p in rules.parameters]
        rows = [[named(s.member), s.interval, *s.values, -s.score] for s in rules.seen]
        if rows:
            self.data = pandas.DataFrame(rows, columns=["Trial", "Time", *names, "Reward"])

    def _get_new_config(
        self, trial: Any, trial_to_clone: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        # Results come in any order: the process is to see them in one.
        order = ["Time", "Trial"]
        seen = self.data = self.data.sort_values(order, kind="stable", ignore_index=True)
        config, operations = super()._get_new_config(trial, trial_to_clone)
        # PB2 notes its own choice, but for the first barrier. The next improvement is one of the
        # values in force, and is lost where they differ, be it in a last digit.
        values = [config[p.name] for p in self.rules.parameters]
        parent = self._trial_state[trial_to_clone]
        row = [str(trial), parent.last_result[keys.INTERVAL], *values, parent.last_score]
        begins = pandas.DataFrame([row], columns=seen.columns)
        self.data = pandas.concat([seen, begins], ignore_index=True)
        self.current[-1] = values
        return config, operations

    def _chosen(self, trial: Any, trial_to_clone: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the process chose; with the values of before, a member would train as its parent.

        So it is at the first barrier, where no improvement is known, and where the best that
        was seen is thought to be the best there is: they are perturbed then.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", DeprecationWarning)  # of what PB2 asks of SciPy
            config, operations = super()._chosen(trial, trial_to_clone)
        rules, before = self.rules, trial_to_clone.config
        values = _meant_values(config, rules)
        if any(abs(p.to_unit(values[p.name]) - before[p.name]) > _ALIKE for p in rules.parameters):
            return config, operations
        factors = (rules.shrink, rules.grow)
        values, operations = _explore(values, _domains(rules), rules.resample, factors, None)
        units = {p.name: p.to_unit(p.clip(values[p.name])) for p in rules.parameters}
        return config | units, operations


def scheduler(members: Sequence[Member], rules: Rules, watch: Watch, slots: int) -> Any:
    """Tune's scheduler of a population, of which so many members train at once."""
    common = {
        "time_attr": keys.INTERVAL,
        "metric": keys.S,
        "mode": "min",
        "perturbation_interval": 1,
        "quantile_fraction": rules.quantile,
        "log_config": False,
        "synch": True,
    }
    if rules.bandit:
        bounds = {p.name: [0.0, 1.0] for p in rules.parameters}
        made: Any = _Bandit(hyperparam_bounds=bounds, **common)
    else:
        made = _Perturbing(
            hyperparam_mutations=_domains(rules),
            resample_probability=rules.resample,
            perturbation_factors=(rules.shrink, rules.grow),
            **common,
        )
    made.prepare(members, rules, watch, slots)
    return made


def _domains(rules: Rules) -> dict[str, Any]:
    return {p.name: _domain(p) for p in rules.parameters}


def _domain(p: Parameter) -> Any:
    """Of new draws; of an ordered list, a neighbour is a perturbation."""
    if isinstance(p, Categorical):
        return list(p.choices)
    if isinstance(p, Int):
        return list(range(p.low, p.high + 1, p.step))
    return tune.loguniform(p.low, p.high) if p.log else tune.uniform(p.low, p.high)


def _told(member: Member, rules: Rules) -> dict[str, Any]:
    """What Tune and the member's process are to know: for a Gaussian process, in the unit cube."""
    point = member.spec.point
    values = {p.name: point[p.name] for p in rules.parameters}
    if rules.bandit:
        values = {p.name: p.to_unit(point[p.name]) for p in rules.parameters}
    return values | {
        keys.MEMBER: member.number,
        keys.SPEC: json.dumps(member.spec.to_json()),
        keys.SCORE: member.score,
        keys.ENDED: member.ended,
    }


def _meant_values(config: Mapping[str, Any], rules: Rules) -> dict[str, Value]:
    """The inverse; within each parameter's range."""
    if rules.bandit:
        return {p.name: p.from_unit(min(max(config[p.name], 0), 1)) for p in rules.parameters}
    return {p.name: p.clip(config[p.name]) for p in rules.parameters}


def named(member: int) -> str:
    """What Tune calls a member."""
    return f"member-{member:03d}"


@contextmanager
def _draws(seed: int, interval: int) -> Iterator[None]:
    """Let Tune draw from (seed, interval): it uses global generators, which stay as they were."""
    with _DRAWS_LOCK:
        before, arrays_before = random.getstate(), np.random.get_state()  # noqa: NPY002
        words = np.random.SeedSequence([seed, interval]).generate_state(2)
        random.seed(int(words[0]))
        np.random.seed(int(words[1]))  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(before)
            np.random.set_state(arrays_before)  # noqa: NPY002
