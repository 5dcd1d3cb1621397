"""Populations on Ray Tune's schedulers: ``PopulationBasedTraining``, and ``PB2``.

Tune decides who takes over whose state and with which values, and moves members between
processes. It is run synchronously: all members have seen equally many showers when they are
compared, and its decisions are functions of the scores and the seed, whatever order results
come in. So a killed study makes the last decisions again, and needs no snapshot of Tune's.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from ray import tune
from ray.tune.schedulers import PopulationBasedTraining
from ray.tune.schedulers.pb2 import PB2

from search_spaces.errors import DataError, ExecutorError
from search_spaces.parameters import Categorical, Int, Parameter, Value
from workers.executors import ray_member as keys
from workers.executors.ray_cluster import Cluster, cause_of_death
from workers.executors.ray_member import MemberTrainable, events_of
from workers.population import Ledger, Member, PopulationExecutor, Rules
from workers.trial import Outcome, Resources, TrialResult

#: Most deaths of a member's workers in one sitting.
DEATHS = 8
#: What Tune writes, which nobody reads, beside the members' states.
SNAPSHOTS = "tune"
#: Tune's own files and words are nobody's business, and Ctrl-C is the study's.
_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_WARN_THRESHOLD_S": "1000",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}
_DRAWS_LOCK = threading.Lock()


class RayPopulation:
    """Implements :class:`~workers.population.PopulationExecutor`.

    Args:
        count: members at once; 0 = as many as fit.
        resources: of each.
        address: of a running cluster; empty starts a local one.
        folder: of the study, which all nodes see.

    Raises:
        ExecutorError: the cluster cannot be reached, or has not what a member needs.
    """

    def __init__(self, count: int, resources: Resources, address: str, folder: Path) -> None:
        self._cluster = Cluster(address)
        self._resources = resources
        self._snapshots = folder / SNAPSHOTS
        room = self._cluster.room(resources)
        if room < max(count, 1):
            have = self._cluster.resources()
            self.close()
            raise ExecutorError(
                f"{max(count, 1)} members at once need {resources.cpus} CPUs and "
                f"{resources.gpus:g} GPUs each, the Ray cluster has {have}; lower --workers, "
                "--cpus or --gpus"
            )
        self.slots = count or room
        # Tune knows no other bound that counts running members only.
        self._cpus = max(resources.cpus, resources.cpus * room // self.slots)

    def train(self, members: Sequence[Member], rules: Rules, ledger: Ledger) -> None:
        """Train to the end, or until the ledger's word."""
        shutil.rmtree(self._snapshots, ignore_errors=True)
        before = {name: os.environ.get(name) for name in _QUIET}
        os.environ.update(_QUIET)
        watch = _Watch(ledger)
        try:
            self._tuner(members, rules, watch).fit()
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            shutil.rmtree(self._snapshots, ignore_errors=True)
        if watch.failure is not None:
            raise watch.failure

    def close(self) -> None:
        """Leave the cluster."""
        self._cluster.leave()

    def _tuner(self, members: Sequence[Member], rules: Rules, watch: _Watch) -> tune.Tuner:
        lengths = {
            "epochs": rules.epochs,
            "interval": rules.interval,
            "intervals": rules.intervals,
        }
        trainable = tune.with_resources(
            tune.with_parameters(MemberTrainable, **lengths),
            {"CPU": self._cpus, "GPU": self._resources.gpus},
        )
        return tune.Tuner(
            trainable,
            param_space={keys.MEMBER: tune.grid_search([m.number for m in members])},
            tune_config=tune.TuneConfig(
                scheduler=_scheduler(members, rules, watch),
                reuse_actors=True,
                trial_name_creator=_name,
            ),
            run_config=tune.RunConfig(
                name=SNAPSHOTS,
                storage_path=str(self._snapshots.parent),
                stop=_Results(watch),
                callbacks=[_Looks(watch)],
                failure_config=tune.FailureConfig(max_failures=DEATHS),
                verbose=0,
            ),
        )


class _Watch:
    """What Tune's parts share in this process; to its snapshots it is nothing."""

    def __init__(self, ledger: Ledger | None) -> None:
        self._ledger = ledger
        self.failure: Exception | None = None
        self.busy = True

    def __reduce__(self) -> tuple[type[_Watch], tuple[None]]:
        return _Watch, (None,)

    def fail(self, failure: Exception) -> None:
        """End all for this reason, unless there was one before."""
        self.failure = self.failure or failure

    @property
    def ledger(self) -> Ledger:
        """Of the study."""
        assert self._ledger is not None
        return self._ledger

    @property
    def stops(self) -> int:
        """As of the ledger; a failure ends everything at once."""
        return 2 if self.failure is not None else self.ledger.stops()


class _Results(tune.Stopper):  # type: ignore[misc]  # Ray has no types
    """Is told each result before the scheduler decides on it."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Record a member's interval."""
        del trial_id
        events = events_of(result[keys.EVENTS])
        last = events[-1] if events else None
        if isinstance(last, TrialResult) and last.outcome is Outcome.UNREADABLE:
            self._watch.fail(DataError(last.reason))
        elif events:
            member = result["config"][keys.MEMBER]
            self._watch.ledger.reached(member, result[keys.INTERVAL], events)
        return False

    def stop_all(self) -> bool:
        """Whether to end: at once, or now that no member runs."""
        stops = self._watch.stops
        return stops > 1 or (stops == 1 and not self._watch.busy)


class _Looks(tune.Callback):  # type: ignore[misc]
    """Looks at Tune's trials from time to time."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Some time passed."""
        del iteration, info
        self._watch.busy = any(trial.status == "RUNNING" for trial in trials)
        self._watch.ledger.tick()

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A member cannot go on: the others stop where they are."""
        del iteration, trials, info
        text = str(trial.get_error())
        last = (text.strip().splitlines() or [""])[-1]
        why = cause_of_death(RuntimeError(text)) if "died" in text else last
        self._watch.fail(
            ExecutorError(
                f"member {trial.config[keys.MEMBER]} ended {DEATHS + 1} times, the last time: "
                f"{why}; the same command goes on from the last interval"
            )
        )


class _Decisions:
    """What both schedulers do our way; it stands before Tune's class.

    Attributes that begin with an underscore are Tune's own.
    """

    def prepare(self, members: Sequence[Member], rules: Rules, watch: _Watch) -> None:
        """Take the population."""
        self.rules, self.watch = rules, watch
        self.members = {member.number: member for member in members}
        # A study that goes on begins with the barrier that it had reached.
        self._next_perturbation_sync = max(rules.done, 1)

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """A member comes to Tune: its training, and the values that may change."""
        member = self.members[trial.config[keys.MEMBER]]
        trial.config.update(_told(member, self.rules) | {keys.FIRST: max(self.rules.done, 1)})
        super().on_trial_add(tune_controller, trial)  # type: ignore[misc]

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """A member is at a barrier; the last one there sets off all decisions."""
        with _draws(self.rules.seed, int(result[keys.INTERVAL])):
            return str(super().on_trial_result(tune_controller, trial, result))  # type: ignore[misc]

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """The next member, unless the end was asked for."""
        if self.watch.stops:
            return None
        return super().choose_trial_to_run(tune_controller)  # type: ignore[misc]

    def _get_new_config(
        self, trial: Any, trial_to_clone: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The configuration of a member that takes over another's state."""
        config, operations = super()._get_new_config(trial, trial_to_clone)  # type: ignore[misc]
        member, parent = trial.config[keys.MEMBER], trial_to_clone.config[keys.MEMBER]
        values = _meant_values(config, self.rules)
        chosen = (f"{name} {how}" for name, how in operations.items())
        note = "values of the Gaussian process" if self.rules.bandit else ", ".join(chosen)
        goes_on = self.watch.ledger.exploited(member, parent, values, note)
        return config | _told(goes_on, self.rules), operations


class _Perturbing(_Decisions, PopulationBasedTraining):  # type: ignore[misc]
    """Values are perturbed, or drawn anew."""


class _Bandit(_Decisions, PB2):  # type: ignore[misc]
    """Values come from a Gaussian process, which works in the unit interval."""

    def prepare(self, members: Sequence[Member], rules: Rules, watch: _Watch) -> None:
        """Take the population, and what was seen of it."""
        super().prepare(members, rules, watch)
        names = [p.name for p in rules.parameters]
        rows = [[_named(s.member), s.interval, *s.values, -s.score] for s in rules.seen]
        if rows:
            self.data = pandas.DataFrame(rows, columns=["Trial", "Time", *names, "Reward"])

    def _get_new_config(
        self, trial: Any, trial_to_clone: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        # Results come in any order: the process is to see them in one.
        self.data = self.data.sort_values(["Time", "Trial"], kind="stable", ignore_index=True)
        return super()._get_new_config(trial, trial_to_clone)


def _scheduler(members: Sequence[Member], rules: Rules, watch: _Watch) -> Any:
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
            hyperparam_mutations={p.name: _domain(p) for p in rules.parameters},
            resample_probability=rules.resample,
            perturbation_factors=(rules.shrink, rules.grow),
            **common,
        )
    made.prepare(members, rules, watch)
    return made


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


def _name(trial: Any) -> str:
    return _named(trial.config[keys.MEMBER])


def _named(member: int) -> str:
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


_: type[PopulationExecutor] = RayPopulation
