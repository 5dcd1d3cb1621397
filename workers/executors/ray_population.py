"""Populations on Ray Tune, which moves their members between processes.

What Tune decides is in :mod:`ray_decisions`, what a member does in :mod:`ray_member`. Nothing that
Tune writes is ever read: a killed study goes on from its own store and checkpoints.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray import tune

from search_spaces.errors import DataError, ExecutorError
from workers.executors import ray_member as keys
from workers.executors.ray_cluster import Cluster, cause_of_death
from workers.executors.ray_decisions import Waiting, Watch, named, scheduler
from workers.executors.ray_member import MemberTrainable, events_of
from workers.population import Ledger, Member, PopulationExecutor, Rules
from workers.runner import FULL, no_room
from workers.trial import Outcome, Resources, TrialResult

_log = logging.getLogger(__name__)

#: Most deaths of a member's processes in one sitting.
DEATHS = 8
#: What Tune writes, which nobody reads, beside the members' states.
SNAPSHOTS = "tune"
#: A file among them: members stop after their running epochs. Tune's scheduler cannot say so:
#: it is asked after an interval only.
HALT = "halt"
#: Tune's own files and words are nobody's business, and Ctrl-C is the study's.
_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "1000",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # of members whose process ended
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}


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

    def train(self, members: Sequence[Member], rules: Rules, ledger: Ledger) -> None:
        """Train to the end, or until the ledger's word.

        Where a process dies, all members stop after their running epochs, and go on from the
        record. Tune would begin the one member again with its first values, and ends it at once
        where its process died between two members.
        """
        deaths: Counter[int] = Counter()
        while True:
            watch = Watch(ledger, self._snapshots / HALT)
            self._fit(members, rules, watch)
            if watch.failure is not None:
                raise watch.failure
            if not watch.deaths or ledger.stops():
                return
            for member, why in watch.deaths.items():
                _log.warning("member %d ended: %s; all members go on from the record", member, why)
            deaths.update(watch.deaths.keys())
            member, times = deaths.most_common(1)[0]
            if times > DEATHS:
                raise ExecutorError(
                    f"member {member} ended {times} times, the last time: "
                    f"{watch.deaths[member]}; the same command goes on from the last interval"
                )
            members, rules = ledger.open()

    def _fit(self, members: Sequence[Member], rules: Rules, watch: Watch) -> None:
        """Let Tune train; nothing of it remains."""
        shutil.rmtree(self._snapshots, ignore_errors=True)
        before = {name: os.environ.get(name) for name in _QUIET}
        os.environ.update(_QUIET)
        words, level = logging.getLogger("ray.tune"), logging.getLogger("ray.tune").level
        words.setLevel(logging.CRITICAL)
        try:
            self._tuner(members, rules, watch).fit()
        except Exception:
            if watch.failure is None:  # which may also be why Tune failed
                raise
        finally:
            words.setLevel(level)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            shutil.rmtree(self._snapshots, ignore_errors=True)

    def close(self) -> None:
        """Leave the cluster."""
        self._cluster.leave()

    def _tuner(self, members: Sequence[Member], rules: Rules, watch: Watch) -> tune.Tuner:
        lengths = {
            "epochs": rules.epochs,
            "interval": rules.interval,
            "intervals": rules.intervals,
            "silence": rules.silence,
            "halt": str(watch.halt),
        }
        trainable = tune.with_resources(
            tune.with_parameters(MemberTrainable, **lengths),
            {"CPU": self._resources.cpus, "GPU": self._resources.gpus},
        )
        return tune.Tuner(
            trainable,
            param_space={keys.MEMBER: tune.grid_search([m.number for m in members])},
            tune_config=tune.TuneConfig(
                search_alg=Waiting(watch),
                scheduler=scheduler(members, rules, watch, self.slots),
                reuse_actors=True,
                trial_name_creator=_name,
            ),
            run_config=tune.RunConfig(
                name=SNAPSHOTS,
                storage_path=str(self._snapshots.parent),
                stop=_Results(watch),
                callbacks=[_Looks(watch)],
                verbose=0,
            ),
        )


class _Results(tune.Stopper):  # type: ignore[misc]  # Ray has no types
    """Is told each result before the scheduler decides on it."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Record a member's interval."""
        del trial_id
        events = events_of(result[keys.EVENTS])
        last = events[-1] if events else None
        if isinstance(last, TrialResult) and last.outcome is Outcome.UNREADABLE:
            self._watch.fail(DataError(last.reason))
            return False
        member, ledger = result["config"][keys.MEMBER], self._watch.ledger
        if result[keys.HALTED]:
            ledger.halted(member, events)
        elif events:
            ledger.reached(member, result[keys.INTERVAL], events)
        return False

    def stop_all(self) -> bool:
        """Whether to end: at once, or now that no member runs."""
        stops = self._watch.stops
        return stops > 1 or (stops == 1 and not self._watch.busy)


class _Looks(tune.Callback):  # type: ignore[misc]
    """Looks at Tune's trials from time to time."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Some time passed."""
        del iteration, info
        self._watch.busy = any(trial.status == "RUNNING" for trial in trials)
        self._watch.ledger.tick()
        if self._watch.stops:
            self._watch.halt.parent.mkdir(parents=True, exist_ok=True)
            self._watch.halt.touch()

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A member's process ended, or its training raised an exception."""
        del iteration, trials, info
        # Its own `get_error` reads a copy that is made later.
        text, member = Path(trial.error_file).read_text(encoding="utf-8"), trial.config[keys.MEMBER]
        why = cause_of_death(RuntimeError(text)) if "died" in text else _exception(text)
        if any(f"[Errno {number}]" in why for number in FULL):
            self._watch.fail(DataError(f"{self._watch.halt.parent.parent}: {no_room(why)}"))
        told = keys.silent_file(self._watch.halt, member)
        if told.is_file() and told.stat().st_size:
            why = "it was silent for trial.silence_limit"
        self._watch.died(member, why)


def _exception(traceback: str) -> str:
    """The line of a traceback that names the exception."""
    lines = traceback.strip().splitlines() or [""]
    named = (line for line in reversed(lines) if re.match(r"[\w.]*(Error|Exception)\b", line))
    return next(named, lines[-1])


def _name(trial: Any) -> str:
    return named(trial.config[keys.MEMBER])


_: type[PopulationExecutor] = RayPopulation
