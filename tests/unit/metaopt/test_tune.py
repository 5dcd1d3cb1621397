"""Ray Tune: the script of the documentation, and what a strategy is told of Tune's trials."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from metaopt.strategies.base import State
from metaopt.strategies.registry import make_strategy
from metaopt.tune import StrategySearcher
from search_spaces.errors import SpaceError
from search_spaces.loader import load_space
from workers.executors.ray_tune import seed_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "tune.md"
STUDY = """
[data]
files = ["sample"]
geometry = "clic-12x12x12"
[search]
space = "toy"
[trial]
epochs = 2
showers = 100
evaluation_showers = 100
"""
#: What the script says of its trials afterwards, for the test.
REPORT = """
for o in search.history:
    print(o.number, o.state, o.epochs)
print("model in checkpoint", sorted(p.name for p in __import__("pathlib").Path(
    best.checkpoint.path).iterdir() if p.is_dir()))
print("processes", len({r.metrics["pid"] for r in results}))
"""


def searcher(**given: Any) -> StrategySearcher:
    return StrategySearcher(make_strategy("genetic", {}), load_space("toy"), **given)


def result(value: float, epoch: int, outcome: str = "running") -> dict[str, Any]:
    return {"S": value, "epoch": epoch, "outcome": outcome}


@pytest.fixture
def told() -> StrategySearcher:
    """A complete, a stopped, a failed, an erroneous and a running trial."""
    search = searcher()
    for name in "abcde":
        search.suggest(name)
    search.on_trial_result("a", result(2.0, 1))
    search.on_trial_complete("a", result(1.5, 2, "complete"))
    search.on_trial_complete("b", result(2.2, 1))
    search.on_trial_complete("c", result(2.8, 0, "failed"))
    search.on_trial_complete("d", error=True)
    return search


def test_the_script_of_the_documentation_runs_on_ray(tmp_path: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (tmp_path / "study.toml").write_text(STUDY)
    done = subprocess.run(
        [sys.executable, "-c", script + REPORT],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"},
        text=True,
        capture_output=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    states = re.findall(r"^(\d) (complete|pruned|failed) (\d)$", done.stdout, re.MULTILINE)
    assert [int(number) for number, _, _ in states] == list(range(6))
    # The second trial to end its first epoch is stopped where it is the worse one.
    assert {("pruned", "1"), ("complete", "2")} <= {(state, epochs) for _, state, epochs in states}
    assert "model in checkpoint ['model'" in done.stdout
    processes = re.search(r"processes (\d)", done.stdout)
    assert processes is not None and int(processes[1]) < 6


def test_states_of_the_history(told: StrategySearcher) -> None:
    complete, pruned, failed, erroneous = told.history
    assert (complete.state, complete.score, complete.rungs) == (State.COMPLETE, 1.5, ((1, 2.0),))
    assert (pruned.state, pruned.score, pruned.epochs) == (State.PRUNED, 2.2, 1)
    assert pruned.rungs == ((1, 2.2),)
    assert (failed.state, failed.score) == (State.FAILED, 2.8)
    assert (erroneous.state, erroneous.score) == (State.FAILED, 2.2)


def test_running_trials_are_pending_and_draws_come_from_the_seed() -> None:
    search = searcher(seed=3)
    points = [search.suggest(str(i)) for i in range(4)]
    assert points[0] == load_space("toy").baselines[0].point
    assert len({tuple(p.values()) for p in points}) == 4
    again = searcher(seed=3)
    assert [again.suggest(str(i)) for i in range(4)] == points


def test_a_strategy_gets_back_its_notes_and_the_human_numbers() -> None:
    search = searcher()
    for name in "ab":
        search.suggest(name)
    search.on_trial_complete("a", result(1.5, 2, "complete") | {"m_ms_per_shower": 0.5, "m_x": 3.0})
    search.on_trial_complete("b", result(2.2, 1) | {"ms_per_shower": 0.25})
    first, second = search.history
    assert first.note == {"operators": "baseline", "baseline": "published"}
    assert first.metrics == {"ms_per_shower": 0.5, "x": 3.0}
    assert second.note and second.metrics == {"ms_per_shower": 0.25}


def test_a_restored_searcher_goes_on_as_the_one_that_was_saved(
    told: StrategySearcher, tmp_path: Path
) -> None:
    told.save(str(tmp_path / "state"))
    again = searcher()
    again.restore(str(tmp_path / "state"))
    assert again.history == told.history
    assert again.suggest("f") == told.suggest("f")
    for search in (told, again):
        search.on_trial_complete("e", result(1.0, 2, "complete"))
    assert again.history == told.history and len(again.history) == 5


def test_maximising_turns_the_sign_and_nan_is_a_failure() -> None:
    search = searcher(metric="accuracy", mode="max")
    for name, value in (("a", 0.9), ("b", math.nan)):
        search.suggest(name)
        search.on_trial_complete(name, {"accuracy": value, "training_iteration": 5})
    good, bad = search.history
    assert (good.score, good.state, good.epochs) == (-0.9, State.COMPLETE, 5)
    assert (bad.score, bad.state) == (-0.9, State.FAILED)


def test_a_parameter_has_one_range() -> None:
    with pytest.raises(SpaceError, match="'rate' in param_space"):
        searcher().set_search_properties("S", "min", {"rate": 1})
    assert searcher().set_search_properties("S", "min", {"other": 1})


@pytest.mark.parametrize("given", [tune.uniform(0, 1), tune.grid_search([1, 2])])
def test_a_range_that_nobody_would_draw_from_is_refused(given: Any) -> None:
    with pytest.raises(SpaceError, match=r"fixed values only, got a range for 'a.b'"):
        searcher().set_search_properties("S", "min", {"a": {"b": given}})


def test_the_seed_of_a_training_is_of_its_point() -> None:
    assert seed_of(1, {"a": 1, "b": 2.0}) == seed_of(1, {"b": 2.0, "a": 1})
    assert len({seed_of(1, {"a": 1}), seed_of(1, {"a": 2}), seed_of(2, {"a": 1})}) == 3
