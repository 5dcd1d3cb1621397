"""The Optuna dashboard as a person sees it: a real server, a real study, a real browser."""

from __future__ import annotations

from collections.abc import Callable

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.database import StudyStore
from workers.executors.inline import InlineExecutor

from ..dashboard import dashboard, page

#: Whether the picture in the note of a trial is there, as wide as it is meant to be.
DRAWN = "document.querySelector('img[src^=\"/artifacts/\"]')?.naturalWidth > 900"


def test_a_trial_shows_its_note_and_its_picture(toy_config: Callable[..., StudyConfig]) -> None:
    config = toy_config(study__plots=True, search__trials=2)
    plan = prepare(config)
    study = StudyStore(config.study.storage, create=True).create("toy", plan.document)
    Controller(plan, study, InlineExecutor(), Quiet()).run()
    with dashboard(config.study.storage) as address, page() as (tab, complaints):
        tab.goto(f"{address}/dashboard/studies/1/trials?numbers=1")
        tab.wait_for_function(DRAWN)
        text = tab.inner_text("body")
        assert "the published configuration, trial 0" in text and "Furthest from Geant4" in text
        assert "depth and layers" in text and "| group" not in text
        tab.goto(f"{address}/dashboard/studies/1/note")
        tab.get_by_text("clic-12x12x12.h5").wait_for()
        assert "metaopt export toy" in tab.inner_text("body")
        tab.goto(f"{address}/dashboard/studies/1")
        for figure in ("S-by-compute", "published-and-best"):
            tab.wait_for_selector(f"[id='user-defined-plot:{figure}'] .main-svg")
        assert complaints == []
