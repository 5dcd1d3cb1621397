"""What is kept of a study for those that may go on."""

from __future__ import annotations

from typing import Any

from metaopt.record import Record
from metaopt.store.views import TrialView
from workers.trial import NEVER_BEGAN


def pruned(number: int, epochs: int, score: float) -> TrialView:
    return TrialView(
        number, "pruned", "", {"x": 0.1 * number}, number, score=score, epochs=epochs,
        rungs=tuple((e, score) for e in range(1, epochs + 1)),
    )  # fmt: skip


def test_the_best_of_each_rung_may_go_on() -> None:
    near = [pruned(i, 1, 1.0 + 0.1 * i) for i in range(5)]
    far = [pruned(i, 3, 1.0 - 0.1 * i) for i in range(5, 9)]
    record = Record([*near, *far])
    assert [t.number for t in record.best_pruned(2)] == [8, 7, 0, 1]
    assert [t.number for t in record.best_pruned(9)] == [8, 7, 6, 5, 0, 1, 2, 3, 4]


def test_what_was_observed_but_for_some_proposals() -> None:
    record = Record([pruned(i, 1, 1.0) for i in range(3)])
    assert [o.number for o in record.observed(without={1})] == [0, 2]


def of(number: int, state: str = "fail", outcome: str = "", **known: Any) -> TrialView:
    """A trial of proposal 0, whose training had come to an epoch of its ``rungs``."""
    rungs = tuple((e, 1.0) for e in range(1, known.pop("epochs", 0) + 1))
    proposal = known.pop("proposal", 0)
    return TrialView(number, state, outcome, {"x": 0.5}, proposal, rungs=rungs, **known)


def test_of_the_trials_of_a_training_the_last_one_counts() -> None:
    other = pruned(1, 1, 1.0)
    first, then = of(0, "pruned", score=2.0, epochs=1), of(2, "pruned", score=1.5, epochs=3)
    record = Record([first, other])
    assert [o.number for o in record.history] == [0, 1] and record.proposals == 2
    record.add(then)
    assert [(o.number, o.score) for o in record.history] == [(1, 1.0), (2, 1.5)]
    assert [t.number for t in record.pruned] == [2, 1]
    assert {p: t.number for p, t in record.searched.items()} == {0: 2, 1: 1}
    assert record.trial(0) is first and record.trial(9) is record.trial(None) is None
    # One that is told late is not the last.
    record.add(of(1, "fail", "lost"))
    assert record.searched[0] is then and record.ended((0, 0)) and not record.repeats


def test_what_a_controller_died_recording_and_confirming_trials_are_no_proposals() -> None:
    record = Record([of(0, "fail", "interrupted", proposal=None)])
    assert (record.proposals, record.history, record.repeats) == (0, [], [])
    record.add(of(1, "complete", score=1.0, proposal=2, seed=1))
    assert (record.proposals, record.history, record.searched) == (3, [], {})
    assert record.ended((2, 1)) and not record.ended((2, 0))


def test_durations_are_those_of_complete_trials() -> None:
    ends = (("complete", 7.0), ("complete", 0.0), ("pruned", 3.0), ("fail", 2.0))
    trials = [of(i, state, score=1.0, seconds=s, proposal=i) for i, (state, s) in enumerate(ends)]
    assert Record(trials).durations == [7.0]


def test_attempts_are_counted_since_the_last_new_epoch() -> None:
    unfit = f"{NEVER_BEGAN}: no such folder"
    chain = [
        of(0, outcome="lost", epochs=2),
        of(1, outcome="lost", epochs=2, retry_of=0, attempt=2),
        of(2, outcome="interrupted", epochs=3, retry_of=1, attempt=3),
        of(3, outcome="lost", retry_of=2, attempt=1, reason=unfit),
        of(4, outcome="lost", epochs=1, retry_of=3, attempt=1),
    ]
    record = Record(chain)
    assert [record.known_epochs(t) for t in (None, *chain)] == [0, 2, 2, 3, 3, 3]
    assert [record.next_attempt(t) for t in chain] == [2, 3, 1, 1, 2]
    assert [t.number for t in record.repeats] == [4] and not record.ended((0, 0))
