"""A study that goes on with another strategy: who proposed what."""

from __future__ import annotations

from collections.abc import Callable

from metaopt.choice import choose
from metaopt.cli.session import run_study
from metaopt.config import StudyConfig
from metaopt.export import export
from metaopt.reports.segments import method
from metaopt.reports.tables import studies_table
from metaopt.store.database import StudyStore
from metaopt.store.searches import gone_on_with, search_of, searches

RANDOM = {"strategy": "random", "options": {}, "pruning": "none", "pruning_options": {}}
TPE = {**RANDOM, "strategy": "tpe", "options": {"tell_failures": True}}


def test_each_proposal_has_the_search_that_made_it() -> None:
    assert gone_on_with(RANDOM, RANDOM, 3) is RANDOM
    older = {key: value for key, value in RANDOM.items() if key != "pruning_options"}
    assert gone_on_with(older, RANDOM, 3) is older
    assert searches({}) == []
    told = gone_on_with(gone_on_with(RANDOM, TPE, 3), TPE, 5)
    assert [search_of(told, n)["strategy"] for n in (0, 2, 3, 9)] == ["random"] * 2 + ["tpe"] * 2
    assert method(told) == (
        "random, pruning none; from proposal 3 on tpe (tell_failures True), pruning none"
    )
    assert gone_on_with(told, RANDOM, 3) == {**RANDOM, "later_searches": []}  # it made none


def test_a_study_and_its_exports_name_the_strategy_that_proposed(
    toy_config: Callable[..., StudyConfig],
) -> None:
    for strategy, trials in (("random", 1), ("genetic", 3)):
        config = toy_config(
            search__strategy=strategy, search__trials=trials, search__confirm=0, trial__epochs=1
        )
        assert run_study(config) == 0
    study = StudyStore(config.study.storage).study(config.name)
    view, ended = study.view(), study.trials()
    for number, strategy in ((0, "random"), (2, "genetic")):
        made = export(view, choose(view, ended, number), config.folder / f"of-{number}")
        assert made.provenance["strategy"] == strategy
    (row,) = studies_table([view]).rows
    assert row[1] == "random, genetic"
