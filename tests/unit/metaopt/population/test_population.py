"""What a population leaves in its store, wherever its controller was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from metaopt.config import StudyConfig, checkpoint_folder
from metaopt.monitoring import Quiet
from metaopt.population.controller import PopulationController, rules_of
from metaopt.population.ledger import StudyLedger
from metaopt.population.lines import Lines
from metaopt.population.options import PopulationTraining, changing
from metaopt.preflight import Plan, check_same_study, prepare
from metaopt.showcase import Showcase
from metaopt.stopping import Ending
from metaopt.store.database import StudyStore
from metaopt.store.study import StoredStudy
from metaopt.store.views import TrialView
from metaopt.warm import warmed
from search_spaces.errors import ConfigError
from search_spaces.loader import load_space
from workers.population import FAILED, Rules

from ....inline_population import InlinePopulation
from ....optuna_store import opened

EPOCHS, MEMBERS = 3, 3
Config = Callable[..., StudyConfig]
Open = Callable[[str], StudyStore]


class KilledError(Exception):
    """Stands for kill -9: what has been written stays."""


class Deadly:
    """A study whose n-th write is the last thing that its controller does."""

    def __init__(self, study: StoredStudy, writes: int) -> None:
        self._study, self._left = study, writes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._study, name)
        if name not in ("start", "report", "finish", "abandon"):
            return found

        def written(*arguments: Any) -> Any:
            if not self._left:
                raise KilledError
            self._left -= 1
            return found(*arguments)

        return written


class Forgetful:
    """A study whose n-th beginning of a trial is recorded twice: its first answer was lost."""

    def __init__(self, study: Any, starts: int) -> None:
        self._study, self._left = study, starts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def start(self, *arguments: Any) -> int:
        self._left -= 1
        if not self._left:
            self._study.start(*arguments)
        return int(self._study.start(*arguments))


POPULATION = {"search__strategy": "pbt", "search__trials": MEMBERS, "trial__epochs": EPOCHS}
SMALL = {"trial__showers": 60, "trial__evaluation_showers": 50}


@pytest.fixture
def plan(toy_config: Config) -> Plan:
    return prepare(toy_config(**POPULATION, **SMALL))


def study_of(plan: Plan, store: StudyStore) -> StoredStudy:
    name = plan.config.name
    return store.study(name) if name in store.names() else store.create(name, plan.document)


def run(plan: Plan, study: Any) -> Ending:
    return PopulationController(plan, study, InlinePopulation(), Quiet()).run()


def ledger_of(plan: Plan, study: StoredStudy, rules: Rules) -> StudyLedger:
    showcase = Showcase(plan, study)
    return StudyLedger(plan, study, rules, showcase, Quiet(), lambda: None, lambda: 0)


def kept(plan: Plan, trial: TrialView) -> Path:
    """Where the state after a trial's last epoch must be."""
    folder = checkpoint_folder(plan.config.folder.resolve(), trial.proposal or 0)
    return folder / f"epoch-{trial.rungs[-1][0]:04d}"


def summary(trials: list[TrialView]) -> list[Any]:
    return [(t.state, t.proposal, t.point, t.rungs, t.score, dict(t.note)) for t in trials]


def test_the_record_of_a_population(plan: Plan, open_store: Open) -> None:
    study = study_of(plan, open_store(plan.config.study.storage))
    assert run(plan, study) is Ending.TRIALS
    trials = study.trials()
    assert trials[0].point == plan.space.baselines[0].point
    assert all(t.point["cells"] == "smooth" for t in trials)
    epochs = Counter((t.note["member"], epoch) for t in trials for epoch, _ in t.rungs)
    assert epochs == {(str(m), e): 1 for m in range(MEMBERS) for e in range(1, EPOCHS + 1)}
    assert [t.state for t in trials].count("complete") == MEMBERS
    taken = [t for t in trials if "parents" in t.note]
    assert len(taken) == EPOCHS - 1
    for trial in taken:
        first = int(trial.note["from epoch"])
        assert trial.rungs[0][0] == first
        parent = trials[int(trial.note["parents"])]
        assert parent.rungs[0][0] < first <= parent.rungs[-1][0] + 1
        assert trial.point != parent.point
    assert all(t.groups and t.seconds > 0 for t in trials if t.replaced)
    assert run(plan, study) is Ending.TRIALS
    assert study.trials() == trials
    assert not (plan.config.folder / "checkpoints").exists()


def test_the_dashboard_shows_where_a_member_got_its_state(plan: Plan, open_store: Open) -> None:
    run(plan, study := study_of(plan, open_store(plan.config.study.storage)))
    with opened(plan.config.study.storage) as storage:
        kept = optuna.load_study(study_name=study.name, storage=storage)
        shown = storage.get_study_system_attrs(kept._study_id)
        notes = [str(shown[f"dashboard:{t._trial_id}:note_str:0"]) for t in kept.trials]
    replaced = [t.number for t in study.trials() if t.replaced]
    assert [i for i, note in enumerate(notes) if note.startswith("**Replaced**")] == replaced
    taken = next(t for t in study.trials() if "parents" in t.note)
    assert f"weights of trial {taken.note['parents']}" in notes[taken.number]
    assert "dashboard:plot_data:S-by-epoch:0" in shown


def test_a_killed_controller_is_followed_as_if_nothing_had_happened(
    plan: Plan, open_store: Open
) -> None:
    store = open_store(plan.config.study.storage)
    run(plan, whole := study_of(plan, store))
    # Killed as members begin, at the first and the second barrier, and at the end.
    for writes in (1, 7, 8, 15):
        study = store.create(f"killed-{writes}", plan.document)
        with pytest.raises(KilledError):
            run(plan, Deadly(study, writes))
        before = summary(study.trials())
        again = store.study(study.name)
        assert run(plan, again) is Ending.TRIALS
        assert summary(again.trials()) == summary(whole.trials())
        assert len(before) <= len(again.trials())


def test_another_seed_gives_other_members(plan: Plan, open_store: Open) -> None:
    store, rates = open_store(plan.config.study.storage), []
    for seed in (1, 2):
        study = store.create(f"seed-{seed}", plan.document)
        seeded = replace(plan.config, study=replace(plan.config.study, seed=seed))
        members, _ = ledger_of(replace(plan, config=seeded), study, rules_of(plan)).open()
        rates.append([m.spec.point["rate"] for m in members])
    assert rates[0][0] == rates[1][0]  # the baseline
    assert len({*rates[0], *rates[1]}) == 2 * MEMBERS - 1


def test_members_come_back_with_their_scores_at_the_barrier(plan: Plan, open_store: Open) -> None:
    study = study_of(plan, open_store(plan.config.study.storage))
    with pytest.raises(KilledError):
        run(plan, Deadly(study, 9))
    assert [len(t.rungs) for t in study.trials()][:3] == [2, 1, 1]  # one member went further
    members, rules = ledger_of(plan, study, rules_of(plan)).open()
    assert rules.done == 1
    assert [m.score for m in members] == [t.rungs[0][1] for t in study.trials()[:MEMBERS]]


def test_two_members_end_wherever_their_controller_was_killed(
    toy_config: Config, open_store: Open
) -> None:
    plan = prepare(toy_config(**POPULATION | SMALL | {"search__trials": 2}))
    store = open_store(plan.config.study.storage)
    run(plan, whole := study_of(plan, store))
    for writes in count():
        study = store.create(f"killed-{writes}", plan.document)
        try:
            assert run(plan, Deadly(study, writes)) is Ending.TRIALS
            break
        except KilledError:
            pass
        # A state for each member, and the one that is replaced.
        states = list((plan.config.folder / "checkpoints").glob("*"))
        assert len(states) <= 3, writes
        again = store.study(study.name)
        assert run(plan, again) is Ending.TRIALS
        assert summary(again.trials()) == summary(whole.trials()), writes
    assert writes > len(whole.trials())


def test_a_segment_that_is_recorded_twice_goes_on_with_the_later_one(
    plan: Plan, open_store: Open
) -> None:
    store = open_store(plan.config.study.storage)
    run(plan, whole := study_of(plan, store))
    # The first segment that takes over a state; killed before and after its first epoch, or never.
    for writes in (7, 8, 9, 1000):
        study = store.create(f"killed-{writes}", plan.document)
        with suppress(KilledError):
            run(plan, Forgetful(Deadly(study, writes), MEMBERS + 1))
        again = store.study(study.name)
        assert run(plan, again) is Ending.TRIALS
        trials = again.trials()
        assert "running" not in {t.state for t in trials}
        left = [t for t in trials if t.outcome == "interrupted"]
        assert [(t.number, t.rungs) for t in left] == ([(MEMBERS, ())] if writes > 7 else []), (
            writes
        )
        counted = [t for t in trials if t not in left]
        assert [t.rungs for t in counted] == [t.rungs for t in whole.trials()]


def test_time_is_up_and_the_next_run_goes_on(plan: Plan, open_store: Open) -> None:
    search = replace(plan.config.search, time_budget="0.01s")
    short = replace(plan, config=replace(plan.config, search=search))
    store = open_store(short.config.study.storage)
    assert run(short, study_of(short, store)) is Ending.TIME
    assert {len(t.rungs) for t in study_of(short, store).trials()} == {0}
    assert run(plan, study_of(plan, store)) is Ending.TRIALS


def test_a_population_that_stops_within_an_interval_trains_nothing_twice(
    toy_config: Config, open_store: Open
) -> None:
    given = POPULATION | SMALL | {"trial__epochs": 5, "search__options": {"interval": 2}}
    plan = prepare(toy_config(**given))
    store = open_store(plan.config.study.storage)
    run(plan, whole := study_of(plan, store))
    # Within the first interval, and within the second one.
    for looks, trained in ((1, [1]), (8, [3, 2, 2])):
        study = store.create(f"stopped-{looks}", plan.document)
        PopulationController(plan, study, InlinePopulation(looks), Quiet()).run()
        assert [t.rungs[-1][0] for t in study.trials() if t.rungs][:3] == trained
        for trial in (t for t in study.trials() if t.state == "running" and t.rungs):
            assert kept(plan, trial).is_dir()
        again = store.study(study.name)
        assert run(plan, again) is Ending.TRIALS
        assert summary(again.trials()) == summary(whole.trials())


def test_a_diverged_member_is_healed_by_another_or_fails(
    toy_config: Config, open_store: Open, tmp_path: Path
) -> None:
    space = tmp_path / "hot.toml"
    space.write_text(
        'family = "toy"\npreset = "default"\n[parameters.rate]\ntype = "float"\nlow = 1.4\n'
        "high = 4.0\n[baselines.good]\nrate = 1.5\n"
    )
    config = toy_config(search__space=str(space), **POPULATION, **SMALL)
    plan = prepare(config)
    store = open_store(config.study.storage)
    study = study_of(plan, store)
    assert run(plan, study) is Ending.TRIALS
    failed = [t for t in study.trials() if t.outcome == "failed"]
    assert failed and all(t.rungs[-1][1] == 2.8 and "overshoots" in t.reason for t in failed)
    assert any("parents" in t.note and t.complete for t in study.trials())
    # The reason is known to a controller that comes later, wherever the first one was killed.
    for writes in range(4, 10):
        killed = store.create(f"killed-{writes}", plan.document)
        with pytest.raises(KilledError):
            run(plan, Deadly(killed, writes))
        again = store.study(killed.name)
        assert run(plan, again) is Ending.TRIALS
        assert [t.reason for t in again.trials()] == [t.reason for t in study.trials()]
        assert summary(again.trials()) == summary(study.trials())
    # Where the word of a failure is damaged, the member fails again.
    for writes, damage in ((5, ""), (7, '{"outco'), (8, "[]")):
        killed = store.create(f"damaged-{writes}", plan.document)
        with pytest.raises(KilledError):
            run(plan, Deadly(killed, writes))
        for marker in (plan.config.folder / "checkpoints").glob(f"*/{FAILED}"):
            marker.write_text(damage)
        again = store.study(killed.name)
        assert run(plan, again) is Ending.TRIALS
        assert [t.rungs for t in again.trials()] == [t.rungs for t in study.trials()]


def test_what_a_gaussian_process_saw_is_found_in_the_store(plan: Plan, open_store: Open) -> None:
    study = study_of(plan, open_store(plan.config.study.storage))
    run(plan, study)
    lines, rules = Lines(study.trials()), rules_of(plan)
    assert lines.barriers(rules, MEMBERS) == EPOCHS - 1
    seen = lines.seen(rules, EPOCHS - 1, MEMBERS)
    # All members at the first barrier, and the one that was replaced there.
    assert [s.interval for s in seen] == [1] * (MEMBERS + 1)
    assert seen[-1].score == min(s.score for s in seen[:-1])
    assert all(0 <= u <= 1 for s in seen for u in s.values)
    for bandit in (True, False):
        told = replace(rules, bandit=bandit)
        _, found = ledger_of(plan, study, told).open()
        assert found == replace(told, done=EPOCHS - 1, seen=tuple(seen) if bandit else ())


def test_members_begin_with_one_network_and_values_of_their_own() -> None:
    space = load_space("quick")
    made = PopulationTraining().propose(space, [], [], 4, np.random.default_rng(1))
    base = space.baselines[0].point
    names = {p.name for p in changing(space, base)}
    assert names == {"W_P", "W_E", "g_learning_rate", "d_learning_rate", "g_steps"}
    assert made[0].point == base
    for proposal in made[1:]:
        assert {k for k, v in proposal.point.items() if v != base[k]} <= names
        assert proposal.point["W_E"] != base["W_E"]
    earlier = PopulationTraining(warm=({**base, "g1_filters": 8},))
    assert earlier.base(space)[0]["g1_filters"] == 8


def test_the_network_comes_from_an_earlier_study(plan: Plan, open_store: Open) -> None:
    point = {"rate": 0.4, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}
    lessons = {"studies": ["first"], "points": [point, {**point, "rate": 0.5}], "scored": []}
    store = open_store(plan.config.study.storage)
    taught = warmed(plan, store, {"earlier": lessons})
    members = [
        taught.strategy.propose(plan.space, [], [{}] * m, 1, np.random.default_rng([1, m]))[0].point
        for m in range(3)
    ]
    assert members[0] == point
    assert [m["cells"] for m in members] == ["gamma"] * 3
    assert len({m["rate"] for m in members}) == 3


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"search__trials": 1}, "at least 2 members"),
        ({"search__options": {"quantile": 0.7}}, "0 < quantile <= 0.5"),
        ({"search__options": {"grow": 0.9}}, "shrink < 1 < grow"),
        ({"search__options": {"interval": 0}}, "interval >= 1"),
        ({"search__options": {"baseline": "mine"}}, "got 'mine'"),
        ({"search__options": {"intervall": 2}}, "did you mean 'interval'"),
    ],
)
def test_bad_populations_are_refused(
    toy_config: Config, changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ConfigError, match=rule):
        prepare(toy_config(search__strategy="pbt", **changes))


@pytest.mark.parametrize("strategy", ["pbt", "pb2"])
def test_what_a_study_sets_are_the_rules_of_its_population(
    toy_config: Config, strategy: str
) -> None:
    given = {"interval": 2, "quantile": 0.5, "resample": 0.1, "shrink": 0.5, "grow": 3.0}
    changes = {"search__strategy": strategy, "search__options": given, "study__seed": 7}
    rules = rules_of(prepare(toy_config(**POPULATION | changes, trial__silence_limit="90s")))
    assert {name: getattr(rules, name) for name in given} == given
    assert (rules.epochs, rules.seed, rules.silence) == (EPOCHS, 7, 90)
    assert rules.bandit == (strategy == "pb2")


def test_a_study_keeps_its_population(plan: Plan, toy_config: Config) -> None:
    for changes in ({"search__trials": 4}, {"search__strategy": "random"}):
        given = POPULATION | SMALL | changes
        with pytest.raises(ConfigError, match="another population: a population keeps"):
            check_same_study(plan.document, prepare(toy_config(**given)))
