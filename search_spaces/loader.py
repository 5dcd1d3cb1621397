"""TOML to search spaces and geometries; an error names file, key, value and rule.

A name without a path or suffix is looked up among the built-in files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from search_spaces.documents import read_toml
from search_spaces.errors import GeometryError, InputError, SpaceError
from search_spaces.geometry import Geometry
from search_spaces.parameters import (
    Categorical,
    Condition,
    Float,
    Int,
    Parameter,
    Value,
    is_stepped,
)
from search_spaces.records import decode, suggestion
from search_spaces.space import Baseline, SearchSpace


@dataclass(frozen=True)
class _ParameterTable:
    """One parameter.

    Attributes:
        type: of its values.
        low, high: smallest and largest number.
        log: whether it is uniform in the logarithm.
        step: distance of its values; of whole numbers 1, where nothing is given.
        choices: the values of a categorical one.
        when: where it exists, as "name == value" or "name >= number".
    """

    type: Literal["float", "int", "categorical"]
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    step: float | int | None = None
    choices: tuple[Value, ...] = ()
    when: str | None = None


@dataclass(frozen=True)
class _SpaceTable:
    """A search space.

    Attributes:
        family: gan3d, toy, or "module:Class".
        preset: the published network that gives the values of all that is not a parameter.
        parameters: what varies, a table for each.
        name: of the space; the file's, where nothing is given.
        baselines: named points to begin with; the first is trial 0.
    """

    family: str
    preset: str
    parameters: Mapping[str, Any]
    name: str = ""
    baselines: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


def builtin_names(kind: Literal["spaces", "geometries"]) -> list[str]:
    """Names of the built-in spaces or geometries."""
    folder = resources.files("search_spaces") / kind
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def is_path(name: str) -> bool:
    """Whether a space or geometry is named by its file, and is no built-in one."""
    return name.endswith(".toml") or "/" in name


def _locate(
    given: str | Path, kind: Literal["spaces", "geometries"], error: type[InputError]
) -> Path:
    name = str(given)
    if is_path(name):
        return Path(name)
    names = builtin_names(kind)
    if name not in names:
        raise error(
            f"{name!r} is neither a built-in name nor a .toml file; {suggestion(name, names)}"
        )
    return Path(str(resources.files("search_spaces") / kind / f"{name}.toml"))


def load_geometry(name: str | Path) -> Geometry:
    """A geometry by built-in name or path.

    Raises:
        GeometryError: naming file, key, value and rule.
    """
    path = _locate(name, "geometries", GeometryError)
    data = read_toml(path, GeometryError)
    data.setdefault("name", path.stem)
    return decode(Geometry, data, str(path), GeometryError)


def load_space(name: str | Path) -> SearchSpace:
    """A search space by built-in name or path.

    Raises:
        SpaceError: naming file, key, value and rule.
    """
    path = _locate(name, "spaces", SpaceError)
    space = space_from_tables(read_toml(path, SpaceError), str(path), path.stem)
    try:
        space.check_conditions()
    except SpaceError as failure:
        raise SpaceError(f"{path}: {failure}") from failure
    return space


def space_from_tables(data: Mapping[str, Any], where: str, name: str) -> SearchSpace:
    """A search space from the tables of its TOML."""
    table = decode(_SpaceTable, data, where, SpaceError)
    parameters = tuple(
        _parameter(key, entry, f"{where}: parameters.{key}")
        for key, entry in table.parameters.items()
    )
    baselines = tuple(Baseline(key, dict(point)) for key, point in table.baselines.items())
    try:
        return SearchSpace(table.name or name, table.family, table.preset, parameters, baselines)
    except SpaceError as failure:
        raise SpaceError(f"{where}: {failure}") from failure


def _parameter(name: str, data: Any, where: str) -> Parameter:
    entry = decode(_ParameterTable, data, where, SpaceError)
    try:
        when = Condition.parse(entry.when) if entry.when is not None else None
        if entry.type == "categorical":
            _forbid(data, ("low", "high", "log", "step"))
            return Categorical(name, entry.choices, when)
        _forbid(data, ("choices",))
        if entry.low is None or entry.high is None:
            raise SpaceError("low and high are required; add them")
        if entry.type == "float":
            step = None if entry.step is None else float(entry.step)
            return Float(name, float(entry.low), float(entry.high), entry.log, step, when)
        return Int(
            name,
            _whole(entry.low, "low"),
            _whole(entry.high, "high"),
            entry.log,
            _whole(1 if entry.step is None else entry.step, "step"),
            when,
        )
    except SpaceError as failure:
        raise SpaceError(f"{where}: {failure}") from failure


def _whole(value: float | int, key: str) -> int:
    if not isinstance(value, int):
        raise SpaceError(f"{key} of an int parameter must be a whole number, got {value!r}")
    return value


def _forbid(data: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        if key in data:
            raise SpaceError(f"{key!r} has no meaning for type = {data['type']!r}; remove it")


def space_document(space: SearchSpace) -> dict[str, Any]:
    """The tables from which :func:`space_from_tables` makes an equal space."""
    tables: dict[str, Any] = {}
    for p in space.parameters:
        if isinstance(p, Categorical):
            entry: dict[str, Any] = {"type": "categorical", "choices": list(p.choices)}
        else:
            kind = "float" if isinstance(p, Float) else "int"
            entry = {"type": kind, "low": p.low, "high": p.high}
            entry |= {"log": True} if p.log else {}
            entry |= {"step": p.step} if is_stepped(p) else {}
        entry |= {"when": str(p.when)} if p.when else {}
        tables[p.name] = entry
    return {
        "name": space.name,
        "family": space.family,
        "preset": space.preset,
        "parameters": tables,
        "baselines": {b.name: dict(b.point) for b in space.baselines},
    }
