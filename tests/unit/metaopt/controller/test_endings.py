"""What ends a search: time, a target, nothing more to be expected."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from metaopt.preflight import prepare
from metaopt.record import Record
from metaopt.stopping import Ending, SearchEnd
from metaopt.store.views import TrialView
from search_spaces.parameters import Categorical
from search_spaces.space import SearchSpace

from .scripted import Make, Scripted, curve, run


def test_a_time_budget_ends_the_run_and_leaves_the_rest_for_later(toy_config: Make) -> None:
    config = toy_config(search__time_budget="2s", search__trials=100_000)
    timer = threading.Timer(60, lambda: pytest.fail("the time budget was not kept"))
    timer.start()
    ending, study = run(config)
    timer.cancel()
    assert ending is Ending.TIME
    assert 0 < len(study.trials()) < 100_000


def test_the_search_ends_at_its_target(toy_config: Make) -> None:
    executor = Scripted(lambda spec: curve(spec.number, 1.0 - 0.1 * spec.number, 2))
    config = toy_config(search__trials=20, search__target=0.6, search__confirm=1)
    ending, study = run(config, executor=executor)
    assert ending is Ending.TARGET
    assert [t.seed for t in study.trials()] == [0] * 5 + [1, 1, 2, 2]


@pytest.mark.parametrize("asked", [True, False])
def test_a_search_that_promises_nothing_more_ends(toy_config: Make, *, asked: bool) -> None:
    plan = prepare(toy_config(search__until_exhausted=asked, search__trials=60))
    tiny = SearchSpace("tiny", "toy", "default", (Categorical("cells", ("smooth", "gamma")),))
    record = Record(
        TrialView(n, "complete", "", {"cells": ("smooth", "gamma")[n % 2]}, n, score=1.0 + n % 2)
        for n in range(24)
    )
    end = SearchEnd(replace(plan, space=tiny), record)
    assert end.reached() == asked
    assert end.ending is (Ending.EXHAUSTED if asked else None)
