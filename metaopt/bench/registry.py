"""Problems and strategies of a comparison by name."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from metaopt.bench.adversarial import gan15
from metaopt.bench.fitted import FittedTable
from metaopt.bench.functions import hartmann6, hartmann_mixed
from metaopt.bench.problem import Problem
from metaopt.bench.synthetic import Synthetic
from metaopt.bench.table import load_table
from metaopt.strategies.base import Strategy
from metaopt.strategies.pruning import Pruning
from metaopt.strategies.registry import make_pruning, make_strategy
from search_spaces.errors import ConfigError
from search_spaces.records import suggestion

#: Each takes the noise of its score.
FUNCTIONS: Mapping[str, Callable[[float], Synthetic]] = {
    "hartmann6": hartmann6,
    "hartmann-mixed": hartmann_mixed,
    "gan15": gan15,
}
TABLE_SUFFIXES = (".jsonl", ".jsonl.gz")
#: Of a function, each of which is computed.
MOST_EPOCHS = 10_000
#: Before the name of a table: continued between its rows.
FITTED = "fitted:"


def make_problem(name: str) -> Problem:
    """The problem of a name.

    ``hartmann6``, ``gan15:0.1`` (with that noise), ``gan15:0.1@30`` (in 30 epochs instead of
    nine), a file of trials, or ``fitted:`` and one.

    Raises:
        ConfigError: no such problem, a noise that is no number from 0, or epochs that are no
            whole number from 1.
        DataError: the file of trials breaks its format.
    """
    if name.endswith(TABLE_SUFFIXES):
        table = load_table(name.removeprefix(FITTED))
        return FittedTable(table, name) if name.startswith(FITTED) else table
    formula, at, epochs = name.partition("@")
    function, colon, noise = formula.partition(":")
    if function not in FUNCTIONS:
        raise ConfigError(
            f"unknown problem {name!r}; {suggestion(function, FUNCTIONS)}, or name a table of "
            f"trials ({' or '.join(TABLE_SUFFIXES)})"
        )
    made = FUNCTIONS[function](_noise(name, noise) if colon else 0.0)
    return dataclasses.replace(made, name=name, epochs=_epochs(name, epochs) if at else made.epochs)


def _epochs(name: str, text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MOST_EPOCHS):
        raise ConfigError(
            f"the epochs of a problem are a whole number from 1 to {MOST_EPOCHS}, got {name!r}"
        )
    return int(text)


def _noise(name: str, text: str) -> float:
    try:
        noise = float(text)
    except ValueError:
        noise = -1.0
    if not 0 <= noise < float("inf"):
        raise ConfigError(f"the noise of a problem is a number from 0, got {name!r}")
    return noise


def make_labelled(label: str) -> Strategy:
    """The strategy of a label: ``genetic``, or ``genetic,population=12,sigma=0.1``.

    Raises:
        ConfigError: as :func:`make_strategy`, or an option that is not ``key=value``.
        MissingExtraError: the strategy needs a package that is not installed.
    """
    return make_strategy(*_parsed(label))


def make_labelled_pruning(label: str) -> Pruning:
    """The pruning rule of a label: ``none``, or ``halving,first_rung=1``.

    Raises:
        ConfigError: as :func:`make_pruning`, or an option that is not ``key=value``.
    """
    return make_pruning(*_parsed(label))


def _parsed(label: str) -> tuple[str, dict[str, Any]]:
    name, *options = label.split(",")
    return name, dict(_option(label, text) for text in options)


def _option(label: str, text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    try:
        if equals:
            return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        pass
    raise ConfigError(f"options read 'name,key=value,...' with TOML values, got {label!r}")
