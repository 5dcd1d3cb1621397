"""One sitting of ``metaopt run``: check, open, run with a live view, say what was found."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from shlex import quote
from typing import cast
from urllib.parse import urlsplit

from metaopt.cli.console import print_table, say, unheard
from metaopt.cli.live import on_signals
from metaopt.cli.monitor import TerminalMonitor
from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.errors import DONE, INTERRUPTED, NO_COMPLETE_TRIAL, ConfigError, MetaoptError
from metaopt.filesystems import place_of
from metaopt.monitoring import Monitor, Several
from metaopt.population.controller import PopulationController
from metaopt.population.options import PopulationTraining
from metaopt.preflight import Plan, check_same_study, prepare
from metaopt.reports.plans import costs_of, plan_table
from metaopt.reports.study.answer import verdict
from metaopt.reports.tables import comparison_table, number
from metaopt.sitting import SittingRecord
from metaopt.stopping import Ending
from metaopt.store import DEFAULT_URL
from metaopt.store.database import StudyStore, is_there, masked
from metaopt.store.standings import published_of, standings
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
from metaopt.strategies.warm_start import WARM
from metaopt.tracking.delivery import Delivery
from metaopt.tracking.registry import check_trackers, make_trackers
from metaopt.warm import warmed
from search_spaces.plugins import load_class
from workers.executors.base import Executor
from workers.population import PopulationExecutor

EXECUTORS = {
    "inline": "workers.executors.inline:InlineExecutor",
    "ray": "workers.executors.ray_pool:RayExecutor",
}
INLINE = "inline"


def run_study(config: StudyConfig) -> int:
    """Run or resume a study; returns the exit code.

    Raises:
        MetaoptError: of the kind that fits; the study store is then as it was.
    """
    with TerminalMonitor() as monitor:
        plan, store, stored = _checked(config, monitor)
        for line in idle_options(config, population=_trains(plan)):
            say(line)
        monitor.stage("starting the workers")
        executor = make_population_executor(config) if _trains(plan) else make_executor(config)
        try:
            # Only now, when all is known to fit, is anything written.
            store = store or StudyStore(config.study.storage, create=True)
            study = stored or store.create(config.name, plan.document)
            monitor.begin(plan, study.trials(), executor.slots)
            with ExitStack() as stack:
                record = stack.enter_context(SittingRecord(config, study, executor.slots))
                copies = [
                    stack.enter_context(Delivery(tracker, study.trials(), say))
                    for tracker in make_trackers(plan, study_key(config))
                ]
                told = Several(monitor, record, *copies)
                controller = _controller(plan, study, executor, told)
                stack.enter_context(on_signals(partial(_asked_to_stop, controller, monitor)))
                ending = controller.run()
                record.ended(ending)
        finally:
            monitor.stage("ending the workers")
            executor.close()
    code = _conclude(config, study, ending)
    store.close()
    return code


def show_plan(config: StudyConfig) -> int:
    """Print what a study would be and cost; nothing is run or written to the store.

    Raises:
        MetaoptError: whatever :func:`run_study` would find before it starts the workers.
    """
    with TerminalMonitor() as monitor:
        plan, _, stored = _checked(config, monitor)
        monitor.stage("timing small networks on this machine")
        costs = costs_of(plan)
    print_table(plan_table(plan, costs, len(stored.trials()) if stored else 0))
    return DONE


def _checked(
    config: StudyConfig, monitor: TerminalMonitor
) -> tuple[Plan, StudyStore | None, StoredStudy | None]:
    """All that is found before the workers start: the plan, the store and the study so far.

    Nothing is written to the store.

    Raises:
        MetaoptError: of the kind that fits.
    """
    # First what is checked at once: the showers may take minutes.
    if config.workers.executor not in EXECUTORS:
        _executor(config.workers.executor)
    check_trackers(config.study)
    store = StudyStore(config.study.storage) if is_there(config.study.storage) else None
    monitor.stage("reading and checking the showers")
    plan = prepare(config)
    stored = _existing(store, plan) if store else None
    return _taught(plan, store, stored), store, stored


def make_executor(config: StudyConfig) -> Executor:
    """The executor that a configuration names.

    Raises:
        ExecutorError: its resources cannot be had.
        ConfigError: no such executor, or it cannot be made.
    """
    workers = config.workers
    given = (workers.count, config.resources, workers.ray_address, study_key(config))
    try:
        made: Executor = _executor(workers.executor)(*(() if workers.executor == INLINE else given))
    except MetaoptError:
        raise
    except (TypeError, ValueError) as failure:
        raise ConfigError(f"executor {workers.executor!r} cannot be made: {failure}") from failure
    return made


def make_population_executor(config: StudyConfig) -> PopulationExecutor:
    """What trains a population.

    Raises:
        ExecutorError: its resources cannot be had.
        ConfigError: another executor is asked for.
    """
    workers = config.workers
    if workers.executor != "ray":
        raise ConfigError(
            f"a population is trained on Ray, got executor {workers.executor!r}; leave it out"
        )
    from workers.executors.ray_population import RayPopulation

    folder = config.folder.resolve()
    return RayPopulation(workers.count, config.resources, workers.ray_address, folder)


def _trains(plan: Plan) -> bool:
    """Whether the study is a population, and no search."""
    return isinstance(plan.strategy, PopulationTraining)


def idle_options(config: StudyConfig, *, population: bool) -> Iterator[str]:
    """What was given and has no effect in this study, one line each."""
    limit, workers = config.trial.time_limit, config.workers
    if population and limit:
        yield (
            f"a population has no limit for the time of a member, got trial.time_limit = {limit}; "
            "leave it out, and give trial.silence_limit for hung ones"
        )
    if workers.executor == INLINE and workers.count > 1:
        yield f"executor inline trains one trial at a time, got workers.count = {workers.count}"
    if workers.executor == INLINE and workers.ray_address:
        yield (
            "executor inline trains in this process, got workers.ray_address = "
            f"{workers.ray_address!r}; leave out the executor to use the cluster"
        )


def _controller(
    plan: Plan, study: StoredStudy, executor: Executor | PopulationExecutor, told: Monitor
) -> Controller | PopulationController:
    if isinstance(plan.strategy, PopulationTraining):
        return PopulationController(plan, study, cast("PopulationExecutor", executor), told)
    return Controller(plan, study, cast("Executor", executor), told)


def _executor(name: str) -> type:
    return load_class(
        name, EXECUTORS, "executor", "submit", "adopt", "events", "stop", "kill", "close"
    )


def study_key(config: StudyConfig) -> str:
    """What an executor knows a study by: the same for each of its controllers, and for no other.

    Made of the store's place, without user and password, and the study's name. A file that
    machines share is the same on all of them: a batch job may go on on another node.
    """
    store = urlsplit(config.study.storage)
    place = store.netloc.rpartition("@")[2] + store.path
    if store.scheme.startswith("sqlite"):  # the same from any working directory
        file = place_of(Path(store.path[1:]))
        seen = f"{file.source}:{file.path}" if file.shared else ""
        place = seen or f"{socket.gethostname()}:{Path(store.path[1:]).resolve()}"
    return hashlib.sha256(f"{place}\0{config.name}".encode()).hexdigest()[:16]


def _existing(store: StudyStore, plan: Plan) -> StoredStudy | None:
    if plan.config.name not in store.names():
        return None
    study = store.study(plan.config.name)
    if study.blank:
        return None
    check_same_study(study.document, plan)
    return study


def _taught(plan: Plan, store: StudyStore | None, stored: StoredStudy | None) -> Plan:
    """The plan with what earlier studies teach, where any are named."""
    if store is not None:
        return warmed(plan, store, stored.document if stored else {})
    if plan.config.search.earlier:
        raise ConfigError(
            f"search.earlier names studies of {masked(plan.config.study.storage)}, where there "
            "is no study store yet; check --storage"
        )
    return plan


def _asked_to_stop(controller: Controller | PopulationController, monitor: TerminalMonitor) -> None:
    controller.stop()
    monitor.stopping()


def _conclude(config: StudyConfig, study: StoredStudy, ending: Ending) -> int:
    """Print the published configuration against the best found, and what to type next."""
    trials = study.trials()
    best, published = next(iter(standings(trials)), None), published_of(trials)
    if best is not None:
        with unheard():  # the exit code says how it went to scripts
            print_table(comparison_table(published or best, best))
        say(verdict(published or best, best))
        if taught := _taught_words(trials):
            say(taught)
    if ending is Ending.INTERRUPTED:
        say("interrupted; the same command goes on")
        return INTERRUPTED
    if best is None:
        shown, on = "`metaopt show` gives the reasons", "the same command goes on"
        say(f"no trial was completed; {on if ending is Ending.TIME else shown}")
        return NO_COMPLETE_TRIAL
    say(f"{ending}; study {config.name!r}")
    say(_next_steps(config, ending))
    return DONE


def _taught_words(trials: Sequence[TrialView]) -> str:
    """What the points of earlier studies gave; empty where there were none."""
    given = [t for t in trials if t.note.get("operators") == WARM and t.complete and not t.seed]
    first = min(given, key=lambda t: t.score or 0.0, default=None)
    if first is None:
        return ""
    return (
        f"Of the points of earlier studies ({len(given)} complete), trial {first.number} was "
        f"best: S {number(first.score, first.error)}."
    )


def _next_steps(config: StudyConfig, ending: Ending) -> str:
    storage = config.study.storage
    where = "" if storage == DEFAULT_URL else f" --storage {quote(masked(storage))}"
    out = Path("production")
    lines = [
        "next:",
        f"  metaopt show {config.name}{where}",
        f"  metaopt dashboard{where}",
        f"  metaopt export {config.name} -o {out}{where}",
    ]
    if ending is Ending.TIME:
        lines.append("  the same command again goes on with the remaining trials")
    return "\n".join(lines)
