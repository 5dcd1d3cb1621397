"""What is trained: pruned trials that go on, and candidates that are confirmed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metaopt import agenda, controller
from metaopt.agenda import Agenda
from metaopt.preflight import prepare
from metaopt.record import Record
from metaopt.stopping import Ending
from metaopt.store.database import StudyStore
from metaopt.store.standings import standings
from metaopt.store.views import TrialView
from metaopt.strategies.base import Observation, Proposal
from metaopt.strategies.pruning import NoPruning, so_far
from search_spaces.errors import SpaceError
from workers.trial import Outcome, TrialEvent, TrialResult, TrialSpec

from .scripted import Make, Scripted, curve, run


def test_bad_trials_are_pruned_and_keep_their_last_score(toy_config: Make) -> None:
    config = toy_config(search__pruning="halving", trial__epochs=6, search__trials=12)
    executor = Scripted(lambda spec: curve(spec.number, 0.5 + 0.1 * spec.number, 6))
    _, study = run(config, executor=executor)
    states = [t.state for t in study.trials()]
    assert states[0] == "complete" and states.count("pruned") >= 6
    pruned = [t for t in study.trials() if t.state == "pruned"]
    assert all(t.score is not None and t.epochs < 6 for t in pruned)


class Resuming(Scripted):
    """Leaves a checkpoint where it stops, as a worker does."""

    def __init__(self, script: Callable[[TrialSpec], list[TrialEvent]]) -> None:
        super().__init__(script)
        self.specs: dict[int, TrialSpec] = {}

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        ((number, event),) = super().events(timeout)
        if isinstance(event, TrialResult) and event.outcome is Outcome.STOPPED:
            Path(self.specs[number].checkpoint).mkdir(parents=True, exist_ok=True)
        return [(number, event)]

    def submit(self, spec: TrialSpec) -> None:
        self.specs[spec.number] = spec
        super().submit(spec)


def in_order(spec: TrialSpec) -> list[TrialEvent]:
    """Each proposal is worse than the one before, whatever was trained of it already."""
    return curve(spec.number, 1.0 + 0.1 * int(Path(spec.checkpoint).name), 6)


def test_a_pruned_trial_goes_on_once_its_peers_turn_out_worse(toy_config: Make) -> None:
    config = toy_config(search__pruning="halving", trial__epochs=6, search__trials=14)
    executor = Resuming(in_order)
    _, study = run(config, executor=executor)
    trials = study.trials()
    # The second one is the second best, so of the best third once there are six.
    first = trials[1]
    assert first.state == "pruned" and first.proposal == 1
    again = next(t for t in trials if t.retry_of == 1)
    assert again.proposal == 1 and again.attempt == 1 and again.number >= 6
    assert executor.specs[again.number].seed == executor.specs[1].seed
    last = [t for t in trials if t.proposal == 1][-1]
    record = Record(trials)
    assert [o.number for o in record.history if o.point == first.point] == [last.number]
    assert len(record.history) == 14


class StopsTheFirst(NoPruning):
    """Every proposal's first trial stops after an epoch; the first one is taken up at once."""

    def should_stop(self, trial: Observation, *_: Any) -> bool:
        return trial.number in (0, 1, 3)

    def promotable(self, stopped: Sequence[Observation], *_: Any) -> list[int]:
        return [trial.number for trial in stopped if trial.number == 0]


class Beside(Resuming):
    """Two trials at once: the third, which takes up the first, runs until the fourth begins."""

    slots = 2

    def submit(self, spec: TrialSpec) -> None:
        self.specs[spec.number] = spec
        if spec.number == 3:
            self.kept = Path(self.specs[2].checkpoint).is_dir()
            self.queue += self.held
        events = [(spec.number, event) for event in in_order(spec)]
        if spec.number == 2:
            self.held = events
        else:
            self.queue += events[:1] + events[-1:]

    def stop(self, number: int) -> None:
        Path(self.specs[number].checkpoint).mkdir(parents=True)
        self.queue = [(n, event) for n, event in self.queue if n != number]
        self.queue.append((number, TrialResult(Outcome.STOPPED, 3.0 - number, epochs=1)))


def test_a_pruned_trial_that_runs_again_keeps_its_checkpoint(
    toy_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (agenda, controller):
        monkeypatch.setattr(module, "KEPT_PRUNED", 1)
    rule, executor = f"{__name__}:StopsTheFirst", Beside(in_order)
    config = toy_config(search__pruning=rule, trial__epochs=6, search__trials=3)
    _, study = run(config, executor=executor)
    # Trial 1, better after as many epochs, took the place of trial 0 while trial 2 went on.
    assert [(t.proposal, t.state) for t in study.trials()[:3]] == [
        (0, "pruned"), (1, "pruned"), (0, "complete"),
    ]  # fmt: skip
    assert executor.kept


class StopsAll(NoPruning):
    """A rule that lets no trial beyond its first epoch."""

    def should_stop(self, *_: Any) -> bool:
        return True


def test_a_search_ends_with_its_best_trial_complete(toy_config: Make) -> None:
    rule = f"{__name__}:StopsAll"
    config = toy_config(search__pruning=rule, trial__epochs=6, search__trials=5)
    ending, _ = run(config, stop_after=5, executor=Resuming(in_order))
    assert ending is Ending.INTERRUPTED
    ending, study = run(config, executor=Resuming(in_order))
    assert [(t.proposal, t.state) for t in study.trials()] == [
        *((i, "pruned") for i in range(5)),
        (0, "complete"),
    ]
    assert ending is Ending.TRIALS


def score_of(spec: TrialSpec) -> float:
    """A score that depends on the configuration and, a little, on the seed."""
    return float(1.0 + abs(float(spec.point["rate"]) - 0.5) + 1e-4 * (spec.seed % 100))


def test_the_best_and_the_published_configuration_are_confirmed_with_fresh_seeds(
    toy_config: Make,
) -> None:
    seen: list[TrialSpec] = []

    def script(spec: TrialSpec) -> list[TrialEvent]:
        seen.append(spec)
        return curve(spec.number, score_of(spec), 2)

    config = toy_config(search__trials=16, search__confirm=1, search__confirm_seeds=2)
    ending, study = run(config, executor=Scripted(script))
    trials = study.trials()
    searched, confirming = trials[:12], trials[12:]
    assert ending is Ending.TRIALS and len(trials) == 16
    assert all(t.seed == 0 and t.observation for t in searched)
    best = min(searched, key=lambda t: t.score or 9.0)
    assert [t.training for t in confirming] == [
        (best.proposal, 1),
        (0, 1),
        (best.proposal, 2),
        (0, 2),
    ]
    assert all(t.observation is None and t.note["confirms"] for t in confirming)
    assert len({spec.seed for spec in seen}) == 16
    assert [bool(spec.test_reference) for spec in seen] == [False] * 12 + [True] * 4
    ranked = standings(trials)
    assert [s.seeds for s in ranked[:3]] == [3, 3, 1]
    assert run(config, executor=Scripted(script))[0] is Ending.TRIALS and len(seen) == 16


class Listening:
    """Proposes always the same, and keeps what it was told to run."""

    def propose(self, _: Any, __: Any, pending: Sequence[Any], *___: Any) -> list[Proposal]:
        self.pending = list(pending)
        return [Proposal(POINT)]


def test_what_runs_waits_or_is_left_is_told_and_counted_once(toy_config: Make) -> None:
    plan = prepare(toy_config(search__trials=16, search__confirm=1, search__confirm_seeds=2))
    record = Record(
        TrialView(n, "complete", "", {**POINT, "rate": 0.1 + 0.1 * n}, n, score=1.0 + n)
        for n in range(11)
    )
    agenda = Agenda(plan, record)
    assert agenda.trials_left == 1 + 4
    assert agenda.proposals_left == 1

    def ended(number: int, state: str, outcome: str, proposal: int, seed: int) -> int:
        trial = TrialView(number, state, outcome, POINT, proposal, seed, score=2.0)
        record.add(trial)
        return agenda.trials_left

    assert ended(11, "fail", "lost", 11, 0) == 1 + 4
    assert ended(12, "complete", "", 11, 0) == 4
    confirming = agenda.confirmation(())
    assert confirming is not None and confirming.training == (0, 1)
    assert ended(13, "fail", "lost", 0, 1) == 4
    assert ended(14, "complete", "", 0, 1) == 3

    # What waits and what runs is told to the strategy, and waited for.
    strategy = Listening()
    points = [{**POINT, "rate": rate} for rate in (0.1, 0.2, 0.3)]
    record = Record([TrialView(0, "fail", "lost", points[0], 0)])
    agenda = Agenda(replace(plan, strategy=strategy), record)
    running = {(1, 0): so_far(1, points[1], []), (0, 1): so_far(2, points[2], [])}
    made = agenda.proposal(running)
    assert made is not None and made.proposal == 1 and strategy.pending == points[:2]
    for n in range(16):
        record.add(TrialView(10 + n, "complete", "", POINT, n, score=1.0))
    assert agenda.proposal(running) is None
    assert agenda.confirmation(running) is None and agenda.completion(running) is None
    second = agenda.confirmation([(0, 1)])
    assert second is not None and second.training == (0, 2)
    assert Agenda(replace(plan, config=toy_config()), record).confirmations == 0


def test_each_configuration_is_confirmed_once_where_a_small_space_repeats_itself(
    toy_config: Make, tmp_path: Path
) -> None:
    space = tmp_path / "tiny.toml"
    space.write_text(
        'family = "toy"\npreset = "default"\n[parameters.cells]\ntype = "categorical"\n'
        'choices = ["gamma", "smooth"]\n'
    )
    config = toy_config(search__space=str(space), search__trials=16, search__confirm=3)
    _, study = run(config, executor=Scripted(lambda spec: curve(spec.number, 1.0, 2)))
    trials = study.trials()
    searched = {t.proposal: t.point for t in trials if not t.seed}
    assert len(searched) == 12
    confirming = [t for t in trials if t.seed]
    assert [t.seed for t in confirming] == [1, 1, 2, 2]
    assert len({(t.seed, t.point["cells"]) for t in confirming}) == 4
    assert 0 in {t.proposal for t in confirming}


def test_a_confirming_trial_is_scored_on_test_showers(toy_config: Make) -> None:
    _, study = run(toy_config(search__trials=8, search__confirm=1, search__confirm_seeds=1))
    tested = ["test_score" in t.metrics for t in study.trials()]
    assert tested == [False] * 6 + [True] * 2
    found = standings(study.trials())[0].test
    assert found is not None and 0 < found.value < 2.8 and found.error and found.seeds == 1


POINT = {"rate": 0.5, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}


class Stubborn:
    """Proposes always the same."""

    made: Any = ()

    def propose(self, *_: Any) -> Any:
        return self.made


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ([Proposal({**POINT, "rate": 99.0})], r"rate must lie in \[0.01, 3.0\] \(log\), got 99.0"),
        ([Proposal({"rate": 0.5})], "'fluctuation' is active and must have a value"),
        ([Proposal({**POINT, "foo": 1})], "unknown parameter 'foo'"),
        ([], "was asked for 1 proposal, got 0"),
        (None, "must return a list of .*Proposal, got None"),
        ([POINT], "must return a list of .*Proposal, got .*'cells': 'gamma'"),
        ([Proposal(POINT, {"step": 3})], "note must be text by name, got 3 for 'step'"),  # type: ignore[dict-item]
    ],
)
def test_what_is_not_of_the_space_is_refused_before_it_is_recorded(
    toy_config: Make,
    monkeypatch: pytest.MonkeyPatch,
    made: Any,
    why: str,
) -> None:
    monkeypatch.setattr(Stubborn, "made", made)
    config = toy_config(search__strategy=f"{__name__}:Stubborn")
    with pytest.raises(SpaceError, match=rf"strategy '.*:Stubborn'.*{why}"):
        run(config)
    assert StudyStore(config.study.storage).study(config.name).trials() == []
