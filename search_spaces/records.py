"""Frozen dataclasses to plain data and back, strictly.

TOML files, JSON messages between controller and workers, and study
configurations are all read by :func:`decode`: an unknown key, a missing key or
a wrong type is an error that names its place, and a misspelt key is answered
with the nearest right one.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import reprlib
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from search_spaces.errors import ConfigError, InputError

T = TypeVar("T")

#: Letters of a name, and names, that an error text shows and a misspelt one is compared with.
MAX_NAME, MAX_NAMES = 80, 200


def encode(value: Any) -> Any:
    """Plain data (dict, list, str, int, float, bool, None) of a record, field by field."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(v) for v in value]
    return value


def suggestion(name: str, known: typing.Iterable[str]) -> str:
    """``did you mean 'x'?`` for a misspelt name, else the list of known names."""
    names = sorted(known)
    near = [n for n in names if name and n.startswith(name)]
    near = near or difflib.get_close_matches(name[:MAX_NAME], names[:MAX_NAMES], n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names[:MAX_NAMES]) or 'none'}{', ...' * (len(names) > MAX_NAMES)}"


def shown(value: Any) -> str:
    """A value as error texts show it: cut where it is long or deep."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = MAX_NAME
    return short.repr(value)


def decode(cls: type[T], data: Any, where: str = "", error: type[InputError] = ConfigError) -> T:
    """Build the record ``cls`` from plain data.

    Args:
        cls: a frozen dataclass; nested dataclasses, tuples, mappings, optionals
            and unions of scalars are followed.
        data: what :func:`encode`, TOML or JSON gave.
        where: the place (file and key) that an error text names.
        error: the class to raise.

    Raises:
        InputError: of the class ``error``, for an unknown or missing key or a wrong type.
    """
    if not isinstance(data, Mapping):
        raise error(f"{where or cls.__name__} must be a table, got {shown(data)}")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            place = f"{where}: " if where else ""
            raise error(f"{place}unknown key {shown(key)}; {suggestion(str(key), fields)}")
    values = {}
    for name, field in fields.items():
        path = f"{where}.{name}" if where else name
        if name in data:
            values[name] = _convert(hints[name], data[name], path, error)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise error(f"{path} is required; add it")
    return cls(**values)


def _convert(hint: Any, value: Any, where: str, error: type[InputError]) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_union(args, value, where, error)
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast("type[Any]", hint), value, where, error)
    if origin is typing.Literal:
        return _one_of(args, value, where, error)
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return hint(_one_of([str(member) for member in hint], value, where, error))
    if origin is tuple:
        return _convert_tuple(args, value, where, error)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise error(f"{where} must be a table, got {shown(value)}")
        return {k: _convert(args[1], v, f"{where}.{k}", error) for k, v in value.items()}
    return _scalar(hint, value, where, error)


def _one_of(choices: typing.Sequence[Any], value: Any, where: str, error: type[InputError]) -> Any:
    if value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise error(f"{where} must be one of {known}, got {shown(value)}")
    return value


def _convert_tuple(args: tuple[Any, ...], value: Any, where: str, error: type[InputError]) -> Any:
    if not isinstance(value, (list, tuple)):
        raise error(f"{where} must be a list, got {shown(value)}")
    if args[-1] is Ellipsis:
        args = (args[0],) * len(value)
    if len(value) != len(args):
        raise error(f"{where} must have {len(args)} entries, got {len(value)}: {shown(value)}")
    pairs = enumerate(zip(args, value, strict=True))
    return tuple(_convert(a, v, f"{where}[{i}]", error) for i, (a, v) in pairs)


def _convert_union(args: tuple[Any, ...], value: Any, where: str, error: type[InputError]) -> Any:
    if value is None and type(None) in args:
        return None
    members = [a for a in args if a is not type(None)]
    if isinstance(value, Mapping) and all(dataclasses.is_dataclass(m) for m in members):
        return _convert(_of_kind(members, value, where, error), value, where, error)
    # The exact scalar type wins, so that 1 stays an int where int and float are both allowed.
    for member in members:
        if type(value) is member:
            return value
    failures = []
    for member in members:
        try:
            return _convert(member, value, where, error)
        except InputError as failure:
            failures.append(failure)
    if all(member in _NAMES for member in members):
        # A whole number is a number too.
        names = [_NAMES[m] for m in members if not (m is int and float in members)]
        raise error(f"{where} must be {', '.join(names)}, got {shown(value)}")
    raise failures[0]


def _of_kind(
    members: list[Any], value: Mapping[str, Any], where: str, error: type[InputError]
) -> Any:
    """Which of several records the key ``kind`` names; the first one where it is absent."""
    kinds = {m.kind: m for m in members}
    kind = value.get("kind", next(iter(kinds)))
    if not isinstance(kind, str) or kind not in kinds:
        raise error(f"{where}.kind must be one of {', '.join(kinds)}, got {shown(kind)}")
    return kinds[kind]


def _scalar(hint: Any, value: Any, where: str, error: type[InputError]) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise error(f"{where} must be {_NAMES.get(hint, hint.__name__)}, got {shown(value)}")
    return value


_NAMES: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
}
