from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from metaopt.strategies.halving import SuccessiveHalving
from metaopt.strategies.pruning import NoPruning
from metaopt.strategies.registry import make_pruning, make_strategy
from search_spaces.errors import ConfigError
from search_spaces.plugins import load_plugin


def test_options_are_fields() -> None:
    assert make_strategy("genetic", {"population": 12, "sigma": 1}).population == 12  # type: ignore[attr-defined]
    assert make_pruning("halving", {"factor": 4}) == SuccessiveHalving(factor=4)
    assert make_pruning("none", {}) == NoPruning()


def test_import_path() -> None:
    made = make_strategy("metaopt.strategies.random_search:RandomSearch", {})
    assert type(made).__name__ == "RandomSearch"


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("genetics", {}, "unknown strategy 'genetics'; did you mean 'genetic'?"),
        ("", {}, "unknown strategy ''"),
        ("genetic", {"populaton": 3}, "'genetic': unknown key 'populaton'; did you mean"),
        ("genetic", {"population": "many"}, "population must be a whole number, got 'many'"),
        ("genetic", {"population": 1}, "population >= 2"),
        ("genetic", {"crossover": 1.5}, "0 <= crossover <= 1"),
        ("bayesian", {"max_points": 1}, "max_points >= 10"),
        ("random", {"seed": 1}, "unknown key 'seed'"),
        ("no_such_lab.swarm:Swarm", {}, "module 'no_such_lab.swarm' cannot be imported"),
        ("metaopt.strategies.genetic:Genetics", {}, "did you mean 'Genetic'?"),
        ("metaopt.strategies:", {}, "is named as 'package.module:Name'"),
        ("os/path:join", {}, "is named as 'package.module:Name'"),
        ("os.path:join", {}, "must be a class with a method 'propose'"),
        ("metaopt.strategies.base:State", {}, "must be a class with a method 'propose'"),
    ],
)
def test_bad_names_and_options(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_strategy(name, options)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_module_that_fails_to_import(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_lab.py").write_text("raise RuntimeError('no licence')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="RuntimeError: no licence"):
        load_plugin("broken_lab:Swarm", "strategy")


def test_a_plain_class_has_no_options(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plain_lab.py").write_text(
        "class Swarm:\n    def propose(self, *a): return []\n"
        "class Needy(Swarm):\n    def __init__(self, size): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert make_strategy("plain_lab:Swarm", {}) is not None
    with pytest.raises(ConfigError, match="takes no options"):
        make_strategy("plain_lab:Swarm", {"size": 3})
    with pytest.raises(ConfigError, match="cannot be made"):
        make_strategy("plain_lab:Needy", {})


def test_the_registry_imports_no_heavy_library() -> None:
    code = (
        "import sys; import metaopt.strategies.registry; "
        "print({'deap', 'scipy', 'sklearn', 'skopt', 'optuna'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
