"""Studies that start from earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

import pytest

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import Plan, prepare
from metaopt.store.database import StudyStore
from metaopt.store.study import StoredStudy
from metaopt.strategies.bayesian import Bayesian
from metaopt.warm import LESSONS, warmed
from search_spaces.errors import ConfigError, NoCompleteTrialError, StoreError
from workers.executors.inline import InlineExecutor

Make = Callable[..., StudyConfig]


@pytest.fixture
def store(toy_config: Make) -> Iterator[StudyStore]:
    """A store with a study of four trials."""
    config = toy_config(study__name="first", search__trials=4)
    opened = StudyStore(config.study.storage, create=True)
    run(prepare(config), opened)
    yield opened
    opened.close()


def run(plan: Plan, store: StudyStore) -> StoredStudy:
    study = store.create(plan.config.name, plan.document)
    Controller(plan, study, InlineExecutor(), Quiet()).run()
    return study


def test_a_study_begins_with_the_best_points_of_earlier_ones(
    toy_config: Make, store: StudyStore
) -> None:
    config = toy_config(search__earlier=["first"], search__strategy="genetic", search__trials=4)
    study = run(warmed(prepare(config), store, {}), store)
    published, *others = study.trials()
    earlier = [t for t in store.study("first").trials() if t.complete]
    earlier.sort(key=lambda t: t.score or 9.0)
    best = [t.point for t in earlier if t.point != published.point]
    assert [t.point for t in others[: len(best)]] == best
    assert others[0].note["operators"] == "warm start"


def test_a_resumed_study_keeps_its_lessons(toy_config: Make, store: StudyStore) -> None:
    config = toy_config(search__earlier=["first"], search__strategy="bayesian")
    first = warmed(prepare(config), store, {})
    document = store.create("toy", first.document).document
    complete = [t.score for t in store.study("first").trials() if t.complete]
    assert [s.score for s in cast("Bayesian", first.strategy).earlier] == sorted(complete)
    # Whatever became of the earlier one, and whether or not it is named again.
    more = toy_config(study__name="first", search__trials=7)
    Controller(prepare(more), store.study("first"), InlineExecutor(), Quiet()).run()
    unnamed = replace(config, search=replace(config.search, earlier=()))
    assert warmed(prepare(unnamed), store, document).strategy == first.strategy
    again = warmed(prepare(config), store, document)
    assert again.strategy == first.strategy and document[LESSONS]["studies"] == ["first"]
    assert again.strategy != prepare(config).strategy
    plain = prepare(toy_config(study__name="plain"))
    assert warmed(plain, store, plain.document) is plain


def test_a_study_that_started_from_earlier_ones_may_go_on_with_any_strategy(
    toy_config: Make, store: StudyStore
) -> None:
    config = toy_config(search__earlier=["first"], search__strategy="genetic", search__trials=3)
    study = run(warmed(prepare(config), store, {}), store)
    for strategy in ("random", "tpe"):
        count = len(study.trials()) + 1
        other = prepare(toy_config(search__strategy=strategy, search__trials=count))
        plan = warmed(other, store, study.document)
        assert plan.strategy == other.strategy and plan.document[LESSONS]["studies"] == ["first"]
        Controller(plan, study, InlineExecutor(), Quiet()).run()
        assert len(study.trials()) == count


def test_an_existing_study_is_not_given_other_lessons_without_a_word(
    toy_config: Make, store: StudyStore
) -> None:
    late = toy_config(study__name="first", search__earlier=["x"], search__strategy="genetic")
    with pytest.raises(ConfigError, match=r"'first' began from none, got search.earlier = x"):
        warmed(prepare(late), store, store.study("first").document)
    config = toy_config(search__earlier=["first"], search__strategy="genetic")
    document = warmed(prepare(config), store, {}).document
    other = toy_config(search__earlier=["first", "x"], search__strategy="genetic")
    with pytest.raises(ConfigError, match=r"'toy' began from first, got .*first, x"):
        warmed(prepare(other), store, document)


def test_what_cannot_teach_is_refused(toy_config: Make, store: StudyStore) -> None:
    def refused(kind: type[Exception], text: str, strategy: str, earlier: str) -> None:
        config = toy_config(search__earlier=[earlier], search__strategy=strategy)
        with pytest.raises(kind, match=text):
            warmed(prepare(config), store, {})

    store.create("empty", prepare(toy_config(study__name="empty")).document)
    refused(ConfigError, "'random' cannot start from earlier studies", "random", "first")
    refused(StoreError, "no study 'second'", "genetic", "second")
    refused(NoCompleteTrialError, "'empty' has no ended trial", "genetic", "empty")
