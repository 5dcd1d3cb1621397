"""Configurations: defaults, precedence, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metaopt.durations import seconds
from metaopt.names import check_name
from metaopt.store.urls import sqlite_file
from metaopt.study_file import load_config
from search_spaces.errors import ConfigError


def test_the_embedded_default_uses_the_bundled_sample() -> None:
    config = load_config(None, {"search": {"strategy": "bayesian"}})
    assert config.name == "quick-bayesian"
    (file,) = config.files()
    assert Path(file).is_file() and Path(file).stat().st_size < 3_000_000


def test_options_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('[data]\nfiles=["sample"]\ngeometry="clic-12x12x12"\n[search]\ntrials = 5\n')
    assert load_config(path, {}).search.trials == 5
    assert load_config(path, {"search": {"trials": 7}}).search.trials == 7


def test_another_strategy_or_rule_leaves_the_options_of_the_one_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        "[data]\nfiles = ['sample']\ngeometry = 'clic-12x12x12'\n[search]\ntrials = 5\n"
        "options = { population = 6 }\npruning_options = { first_rung = 2 }\n"
    )
    for same in ({}, {"strategy": "genetic", "pruning": "halving"}):
        search = load_config(path, {"search": same}).search
        assert (search.options, search.pruning_options) == (
            {"population": 6},
            {"first_rung": 2},
        )
    search = load_config(path, {"search": {"strategy": "bayesian"}}).search
    assert (search.options, search.pruning_options) == ({}, {"first_rung": 2})
    search = load_config(path, {"search": {"pruning": "none"}}).search
    assert (search.options, search.pruning_options) == ({"population": 6}, {})
    assert search.pruning == "none" and search.trials == 5


@pytest.mark.parametrize(
    ("tables", "rule"),
    [
        ({"search": {"trials": 0}}, r"search.trials >= 1 must hold, got 0"),
        ({"search": {"confirm": -3}}, r"search.confirm >= 0 must hold, got -3"),
        ({"search": {"confirm_seeds": 0}}, r"search.confirm_seeds >= 1 must hold, got 0"),
        ({"search": {"max_failures": -1}}, r"search.max_failures >= 1 must hold, got -1"),
        ({"search": {"target": -1.0}}, r"search.target >= 0 must hold, got -1"),
        ({"search": {"trails": 5}}, "unknown key 'trails'; did you mean 'trials'"),
        ({"serach": {"trials": 5}}, "unknown key 'serach'; did you mean 'search'"),
        ({"search": {"trials": "many"}}, "search.trials must be a whole number"),
        ({"search": {"trials": True}}, "search.trials must be a whole number, got True"),
        ({"search": {"options": 5}}, "search.options must be a table, got 5"),
        (
            {"search": {"options": {"sizes": [1, 2]}}},
            r"search.options.sizes must be a number, a text, true or false, got \[1, 2\]",
        ),
        ({"search": {"time_budget": "soon"}}, "search.time_budget reads like 90s"),
        ({"trial": {"silence_limit": "2 hours"}}, "trial.silence_limit reads like 90s"),
        ({"data": {"split": [0.5, 0.2, 0.2]}}, "add up to 1"),
        ({"data": {"files": ["/nowhere/*.h5"]}}, "geometry is required"),
        ({"data": {"files": "showers.h5"}}, "data.files must be a list, got 'showers.h5'"),
        ({"data": {"split": [0.7, 0.3]}}, "data.split must have 3 entries, got 2"),
        ({"workers": {"gpus": 1.5}}, "share of one GPU"),
        ({"workers": {"gpus": True}}, "workers.gpus must be a number, got True"),
        ({"workers": {"cpus": 0}}, "workers.cpus >= 1"),
        ({"trial": {"evaluation_showers": 3}}, "evaluation_showers >= 50"),
        ({"study": {"name": "../up"}}, "letters, digits"),
        ({"study": {"seed": -1}}, "study.seed >= 0"),
    ],
)
def test_a_bad_value_is_refused_with_its_rule(tables: dict[str, Any], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        load_config(None, tables)


def test_a_pattern_without_files() -> None:
    given = {"files": ["/nowhere/*.h5"], "geometry": "clic-25x25x25"}
    with pytest.raises(ConfigError, match="no file matches"):
        load_config(None, {"data": given}).files()


def test_a_file_is_taken_by_its_name_before_it_is_a_pattern(tmp_path: Path) -> None:
    for name in ("run[1].h5", "run1.h5"):
        (tmp_path / name).touch()
    for given, found in (("run[1].h5", "run[1].h5"), ("run[12].h5", "run1.h5")):
        tables = {"data": {"files": [f"{tmp_path}/{given}"], "geometry": "clic-25x25x25"}}
        assert load_config(None, tables).files() == (str(tmp_path / found),)


def test_the_users_folder_stands_for_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.h5").touch()
    path = tmp_path / "study.toml"
    path.write_text(
        "[study]\nresults = '~/r'\nstorage = 'sqlite:///~/x.db'\n"
        "[search]\nspace = '~/s.toml'\n[data]\nfiles = ['~/x.h5']\ngeometry = '~/g.toml'\n"
    )
    config = load_config(path, {})
    assert (config.study.results, config.data.geometry) == (f"{tmp_path}/r", f"{tmp_path}/g.toml")
    assert (config.search.space, config.files()) == (f"{tmp_path}/s.toml", (f"{tmp_path}/x.h5",))
    assert config.study.storage == f"sqlite:///{tmp_path}/x.db"
    assert sqlite_file("sqlite:///~/x.db") == tmp_path / "x.db"
    nobody = load_config(path, {"study": {"results": "~nobody-of-this-name/r"}})
    assert nobody.study.results == "~nobody-of-this-name/r"


def test_times() -> None:
    assert [seconds(t) for t in ("90", "90s", "4m", "1.5h", "1d", "")] == [
        90, 90, 240, 5400, 86400, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("space", "strategy", "name"),
    [
        ("my toy.toml", "genetic", "my_toy-genetic"),
        ("quick", "optuna:NSGAIISampler", "quick-nsgaiisampler"),
        ("spaces/.hidden.toml", "random", "_hidden-random"),
        ("x" * 200 + ".toml", "random", "x" * 100),
    ],
)
def test_a_name_that_is_made_follows_the_rule_for_names(
    space: str, strategy: str, name: str
) -> None:
    config = load_config(None, {"search": {"space": space, "strategy": strategy}})
    assert config.name == name
    check_name(config.name)
