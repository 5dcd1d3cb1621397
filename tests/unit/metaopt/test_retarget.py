"""The search space of another calorimeter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from metaopt.config import StudyConfig
from metaopt.preflight import prepare
from metaopt.retarget import Target, fitting_space, study_of
from metaopt.store.database import StudyStore
from metaopt.store.searches import SEARCH
from metaopt.study_file import load_config
from search_spaces.cells import Cells
from search_spaces.errors import ConfigError
from search_spaces.loader import load_geometry, load_space
from search_spaces.parameters import Int


def test_kernels_are_no_wider_than_the_calorimeter() -> None:
    geometry = load_geometry("clic-12x12x12")
    flat = replace(geometry, cells=Cells((12, 12, 5), (10.0, 10.0, 10.0)))
    space = fitting_space(load_space("quick"), flat)
    kernels = [space[name] for name in ("g2_kernel_z", "d1_kernel", "d2_kernel")]
    assert [(p.low, p.high) for p in kernels if isinstance(p, Int)] == [(3, 5)] * 3
    assert space.baselines[0].point["g2_kernel_z"] == 5
    assert space.baselines[0].point["W_P"] == 0.1
    assert fitting_space(load_space("quick"), geometry).digest == load_space("quick").digest


def test_a_built_in_space_gives_way_to_its_like_with_the_angle() -> None:
    many, one = load_geometry("clic-51x51x25"), load_geometry("clic-25x25x25")
    assert fitting_space(load_space("quick"), many).name == "quick-angle"
    assert fitting_space(load_space("variable-angle"), one).name == "fixed-angle"
    assert fitting_space(load_space("toy"), many).name == "toy"


#: A user's own space, by the name of a built-in one.
OWN = """
name = "quick"
family = "gan3d"
preset = "fixed-angle"
[parameters.g1_kernel]
type = "int"
low = 3
high = 9
step = 2
[parameters.g2_kernel]
type = "int"
low = 5
high = 9
step = 2
[baselines.mine]
g1_kernel = 9
g2_kernel = 7
"""


def test_a_file_of_the_users_own_is_not_taken_for_a_built_in_space(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(OWN)
    own = load_space(str(tmp_path / "quick.toml"))
    assert fitting_space(own, load_geometry("clic-51x51x25")).digest == own.digest


def test_a_narrowed_kernel_stays_on_its_steps(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(OWN)
    own, geometry = load_space(str(tmp_path / "quick.toml")), load_geometry("clic-12x12x12")
    for cells, highs in ((8, (7, 7)), (4, (3, 4))):
        flat = replace(geometry, cells=Cells((12, 12, cells), (10.0, 10.0, 10.0)))
        space = fitting_space(own, flat)
        assert tuple(p.high for p in space.parameters if isinstance(p, Int)) == highs
        space.check(space.baselines[0].point)


def test_the_search_of_the_earlier_study_is_repeated(
    toy_config: Callable[..., StudyConfig], open_store: Callable[[str], StudyStore], tmp_path: Path
) -> None:
    config = toy_config(
        study__seed=7,
        search__strategy="genetic",
        search__options={"population": 5},
        search__pruning="halving",
        search__pruning_options={"first_rung": 2},
        data__by="event",
    )
    plan, store = prepare(config), open_store(config.study.storage)
    earlier = store.create("toy", plan.document)
    target = Target("new", "clic-12x12x12", ("sample",), 0, config.study.storage, str(tmp_path))
    study_of(target, earlier, plan.geometry, {})
    made = load_config(target.folder / "study.toml", {})
    assert (made.study.seed, made.data.by) == (7, "event")
    for key in SEARCH:
        assert getattr(made.search, key) == getattr(config.search, key)
    bayesian = study_of(target, earlier, plan.geometry, {"search": {"strategy": "bayesian"}})
    assert bayesian.search.options == {}
    other, tpe = replace(target, name="other"), {"search": {"strategy": "tpe"}}
    with pytest.raises(ConfigError, match="'tpe' cannot start from earlier studies"):
        study_of(other, earlier, plan.geometry, tpe)
    assert not other.folder.exists()
