"""What is kept of a study for those that may go on."""

from __future__ import annotations

from metaopt.record import Record
from metaopt.store.views import TrialView


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
