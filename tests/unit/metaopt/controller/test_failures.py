"""What lost workers, hanging trials and failing configurations cost a study."""

from __future__ import annotations

import time

import pytest

from search_spaces.errors import ExecutorError, TrialFailedError
from workers.trial import NEVER_BEGAN, Outcome, TrialEvent, TrialResult, TrialSpec

from .scripted import Make, Scripted, curve, run


def test_a_lost_worker_costs_an_attempt_and_no_trial(toy_config: Make) -> None:
    lost: list[TrialEvent] = [TrialResult(Outcome.LOST, reason="SIGKILL")]
    executor = Scripted(lambda spec: lost if spec.number % 2 == 0 else curve(spec.number, 1.0, 2))
    _, study = run(toy_config(search__trials=4), executor=executor)
    trials = study.trials()
    assert [t.attempt for t in trials if t.complete] == [2, 2, 2, 2]
    assert [t.retry_of for t in trials if t.complete] == [0, 2, 4, 6]


def test_workers_lost_one_after_another_end_the_run(toy_config: Make) -> None:
    lost: list[TrialEvent] = [TrialResult(Outcome.LOST, reason="no such device")]
    with pytest.raises(ExecutorError, match=r"6 workers were lost.*no such device"):
        run(toy_config(search__trials=20), executor=Scripted(lambda spec: lost))


def test_the_same_exception_twice_is_the_configurations_own_failure(toy_config: Make) -> None:
    broken: list[TrialEvent] = [TrialResult(Outcome.LOST, reason="MemoryError: big", suspect=True)]
    executor = Scripted(lambda s: broken if s.number in (1, 2) else curve(s.number, 1.0, 2))
    _, study = run(toy_config(search__trials=3), executor=executor)
    first, second = study.trials()[1:3]
    assert (first.outcome, second.outcome, second.retry_of) == ("lost", "failed", 1)
    assert "2 attempts ended after epoch 0: MemoryError: big" in second.reason
    assert second.observation is not None and len(study.trials()) == 4


def test_a_worker_that_dies_counts_only_where_its_trial_came_no_further(toy_config: Make) -> None:
    died = TrialResult(Outcome.LOST, reason="the worker died: SIGKILL")

    def script(spec: TrialSpec) -> list[TrialEvent]:
        # Each attempt comes one epoch further, until the third stays where the second was.
        epochs = {0: 1, 1: 2, 2: 3, 3: 3, 4: 3}.get(spec.number)
        whole = curve(spec.number, 1.0, 5)
        return whole if epochs is None else [*whole[:epochs], died]

    _, study = run(toy_config(search__trials=2, trial__epochs=5), executor=Scripted(script))
    trials = study.trials()
    assert [t.attempt for t in trials[:5]] == [1, 2, 2, 2, 3]
    assert [t.outcome for t in trials[:5]] == ["lost"] * 4 + ["failed"]
    assert "3 attempts ended after epoch 3" in trials[4].reason
    assert trials[5].proposal == 1 and trials[5].complete


def test_a_node_that_cannot_run_trials_uses_up_no_attempt(toy_config: Make) -> None:
    unfit: list[TrialEvent] = [TrialResult(Outcome.LOST, reason=f"{NEVER_BEGAN}: no such folder")]
    executor = Scripted(lambda s: unfit if s.number < 5 else curve(s.number, 1.0, 2))
    _, study = run(toy_config(search__trials=1), executor=executor)
    *lost, last = study.trials()
    assert [t.attempt for t in lost] == [1] * 5 and {t.outcome for t in lost} == {"lost"}
    assert last.complete and last.attempt == 1


class Silent(Scripted):
    """Nothing comes from the trials until they are killed."""

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        time.sleep(min(timeout, 0.02))
        return super().events(timeout) if self.queue else []

    def kill(self, number: int) -> None:
        self.queue = [(number, TrialResult(Outcome.LOST, reason="killed"))]


@pytest.mark.parametrize(
    ("limit", "outcomes", "reason"),
    [
        ({"trial__time_limit": "0.1s"}, ["failed"], "took longer than trial.time_limit = 0.1s"),
        ({"trial__silence_limit": "0.1s"}, ["lost", "lost", "failed"], "silent for"),
    ],
)
def test_a_trial_that_hangs_is_ended(
    toy_config: Make, limit: dict[str, str], outcomes: list[str], reason: str
) -> None:
    _, study = run(toy_config(search__trials=1, **limit), executor=Silent(lambda spec: []))
    assert [t.outcome for t in study.trials()] == outcomes
    assert all(reason in t.reason for t in study.trials())


def test_trials_that_take_too_long_are_no_lost_workers(toy_config: Make) -> None:
    config = toy_config(search__trials=20, search__max_failures=7, trial__time_limit="0.05s")
    with pytest.raises(TrialFailedError, match=r"^7 configurations failed.*took longer than"):
        run(config, executor=Silent(lambda spec: []))


def test_attempts_are_counted_since_the_last_new_epoch_however_it_ended(toy_config: Make) -> None:
    died = TrialResult(Outcome.LOST, reason="the worker died: SIGKILL")

    def script(spec: TrialSpec) -> list[TrialEvent]:
        whole = curve(spec.number, 1.0, 4)
        stopped = [*whole[:2], TrialResult(Outcome.STOPPED, 1.5, epochs=2)]
        return {0: [died], 1: [died], 2: stopped, 3: [died]}.get(spec.number, whole)

    _, study = run(toy_config(search__trials=1, trial__epochs=4), executor=Scripted(script))
    assert [(t.outcome, t.attempt) for t in study.trials()] == [
        ("lost", 1), ("lost", 2), ("interrupted", 3), ("lost", 1), ("", 2),
    ]  # fmt: skip


def test_configurations_that_fail_one_after_another_end_the_run(toy_config: Make) -> None:
    failed: list[TrialEvent] = [TrialResult(Outcome.FAILED, 2.8, reason="NaN in the losses")]
    with pytest.raises(TrialFailedError, match=r"^4 configurations failed.*NaN in the losses"):
        run(toy_config(search__max_failures=4), executor=Scripted(lambda spec: failed))
