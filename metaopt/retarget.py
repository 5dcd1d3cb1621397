"""The search of an earlier study for another calorimeter: its space made to fit, and a file.

The file is an ordinary ``study.toml``, with the space beside it, both written once: they may
be read and changed, and the study resumed with ``metaopt run`` too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from metaopt.config import StudyConfig
from metaopt.names import check_name
from metaopt.preflight import check_simulated
from metaopt.store.searches import SEARCH, searches
from metaopt.store.study import StoredStudy
from metaopt.store.urls import masked
from metaopt.strategies.registry import make_strategy
from metaopt.study_file import config_of, load_config
from metaopt.warm import check_startable
from search_spaces.errors import ConfigError
from search_spaces.geometry import Geometry
from search_spaces.loader import load_geometry, load_space, space_document, space_from_tables
from search_spaces.parameters import Int, Parameter, Point
from search_spaces.space import SearchSpace
from search_spaces.whole import whole
from workers.models.registry import make_family

STUDY, SPACE, SHOWERS = "study.toml", "space.toml", "showers.h5"
#: Built-in spaces for one angle, and their likes for many.
WITH_ANGLE = {"quick": "quick-angle", "fixed-angle": "variable-angle"}
_KERNEL = re.compile(r"[gd]\d+_kernel(?:_([xyz]))?")


@dataclass(frozen=True)
class Target:
    """What the new study is about.

    Attributes:
        name: of the new study.
        geometry: built-in name or path, as the user gave it.
        files: of its showers; none: they are simulated.
        events: to simulate.
        storage, results: as of the new study.
    """

    name: str
    geometry: str
    files: tuple[str, ...]
    events: int
    storage: str
    results: str

    @property
    def folder(self) -> Path:
        """Where the study's files go."""
        return Path(self.results) / self.name

    @property
    def showers(self) -> Path:
        """Where simulated showers go."""
        return self.folder / SHOWERS


def study_of(
    target: Target,
    earlier: StoredStudy,
    geometry: Geometry,
    options: Mapping[str, Mapping[str, Any]],
) -> StudyConfig:
    """The study that starts from an earlier one, written as ``study.toml`` and ``space.toml``.

    Those that are there already stay as they are. Nothing is written before all that was
    given is known to fit.

    Args:
        target: what the study is about.
        earlier: the study to start from.
        geometry: of the target.
        options: of the command line, over the file.

    Raises:
        ConfigError: no showers are named, or twice, a value breaks a rule, the strategy cannot
            start from another study, or the study that is there is another one.
        DataError: the showers to simulate would be too few, or could not be split.
        SpaceError: the earlier space has no counterpart for the geometry.
    """
    check_name(target.name)
    if target.files and target.events:
        raise ConfigError("showers are given or simulated, got both; give --data or --simulate")
    path = target.folder / STUDY
    if path.exists():
        config = load_config(path, options)
        _check_same(config, target, earlier.name, geometry)
        return config
    if not target.files and not target.events:
        raise ConfigError("showers of the new calorimeter are needed: give --data or --simulate N")
    document = earlier.document
    space = fitting_space(space_from_tables(document["space"], "study store", ""), geometry)
    tables = _tables(target, earlier.name, document)
    config = config_of(tables, options, str(path))
    # What would end the study ends it before showers are simulated.
    make_family(space.family)
    search = config.search
    check_startable(make_strategy(search.strategy, search.options), search.strategy)
    if target.files:
        config.files()
    else:
        check_simulated(target.events, config)
    target.folder.mkdir(parents=True, exist_ok=True)
    with whole(target.folder / SPACE) as part:
        part.write_text(tomli_w.dumps(space_document(space)), encoding="utf-8")
    head = f"# The search of study {earlier.name} for {geometry.title or geometry.name}.\n"
    with whole(path) as part:
        part.write_text(head + tomli_w.dumps(tables), encoding="utf-8")
    return config


def _check_same(config: StudyConfig, target: Target, earlier: str, geometry: Geometry) -> None:
    """Raise :class:`ConfigError` unless the study that is there is the one that is asked for."""
    there = load_geometry(config.data.geometry)
    studies, storage = config.search.earlier, config.study.storage
    other = ""
    if replace(there, name="", title="") != replace(geometry, name="", title=""):
        other = f"is of {there.name}"
    elif earlier not in studies:
        other = f"starts from {', '.join(studies) or 'no other study'}"
    elif storage != target.storage:
        other = f"is kept in {masked(storage)}"
    elif not _has_same_files(config, target):
        other = f"has other showers, {', '.join(config.data.files)}"
    if other:
        raise ConfigError(f"{target.name} {other}; give another --study")


def _has_same_files(config: StudyConfig, target: Target) -> bool:
    """Whether the showers that were given, if any, are those of the study that is there."""
    if target.events:  # their file may still be missing
        return config.data.files == (str(target.showers.resolve()),)
    if target.files in ((), config.data.files):
        return True
    given = replace(config, data=replace(config.data, files=target.files))
    return given.files() == config.files()


def fitting_space(space: SearchSpace, geometry: Geometry) -> SearchSpace:
    """A search space for another geometry: kernels no wider than its cells are many.

    A built-in space without the angle gives way to its like with it, and the other way
    round. Everything else keeps its range; what cannot be built is never proposed.
    """
    space = _with_angle(space, has_angle=geometry.has_angle)
    parameters = tuple(_narrowed(p, geometry.shape) for p in space.parameters)
    bounds = {p.name: p for p in parameters}
    baselines = tuple(
        replace(baseline, point=_clipped(baseline.point, bounds)) for baseline in space.baselines
    )
    return SearchSpace(space.name, space.family, space.preset, parameters, baselines)


def _with_angle(space: SearchSpace, *, has_angle: bool) -> SearchSpace:
    likes = WITH_ANGLE if has_angle else {v: k for k, v in WITH_ANGLE.items()}
    # A user's own file may have the name of a built-in one.
    built_in = space.name in likes and space.digest == load_space(space.name).digest
    return load_space(likes[space.name]) if built_in else space


def _narrowed(parameter: Parameter, shape: tuple[int, int, int]) -> Parameter:
    match = _KERNEL.fullmatch(parameter.name)
    if match is None or not isinstance(parameter, Int):
        return parameter
    most = shape["xyz".index(match[1])] if match[1] else min(shape)
    low, high = min(parameter.low, most), min(parameter.high, most)
    return replace(parameter, low=low, high=high - (high - low) % parameter.step)


def _clipped(point: Point, bounds: Mapping[str, Parameter]) -> Point:
    # What is in range stays as it is: clipping changes the last digit of a number.
    return {
        name: value if bounds[name].contains(value) else bounds[name].clip(value)
        for name, value in point.items()
    }


def _tables(target: Target, earlier: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The study as its file has it: budget, split, seed and strategy of the earlier one."""
    data = {key: document["data"][key] for key in ("split", "by") if key in document["data"]}
    search = {key: value for key, value in searches(document)[-1].items() if key in SEARCH}
    files = target.files or (str(target.showers.resolve()),)
    return {
        "study": {
            "name": target.name,
            "seed": document["seed"],
            "storage": target.storage,
            "results": target.results,
        },
        "search": {
            "space": str((target.folder / SPACE).resolve()),
            **search,
            "earlier": [earlier],
        },
        "data": {"files": list(files), "geometry": target.geometry, **data},
        "trial": dict(document["budget"]),
    }
