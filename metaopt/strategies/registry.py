"""Strategies and pruning rules by name; options are their dataclass fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from metaopt.strategies.base import Strategy
from metaopt.strategies.pruning import Pruning
from search_spaces.errors import ConfigError, InputError
from search_spaces.plugins import load_class
from search_spaces.records import decode

#: Import paths, so that naming one strategy does not import the libraries of another.
STRATEGIES: Mapping[str, str] = {
    "bayesian": "metaopt.strategies.bayesian:Bayesian",
    "genetic": "metaopt.strategies.genetic:Genetic",
    "nsga2": "metaopt.strategies.nsga2:NSGA2",
    "random": "metaopt.strategies.random_search:RandomSearch",
}
#: Not of the proposing kind: members of one population that trains together.
POPULATIONS: Mapping[str, str] = dict.fromkeys(
    ("pbt", "pb2"), "metaopt.population.options:PopulationTraining"
)
#: Samplers of Optuna by a short name; any other is named as ``"optuna:QMCSampler"``.
SAMPLERS: Mapping[str, str] = {
    "cmaes": "CmaEsSampler",
    "optuna-gp": "GPSampler",
    "tpe": "TPESampler",
}
#: Options that are not arguments of the sampler itself.
SAMPLER_OPTIONS = ("arguments", "tell_failures")
#: Optimisers of other projects, to compare with.
PEERS: Mapping[str, str] = {
    **dict.fromkeys(SAMPLERS, "metaopt.strategies.optuna_strategy:OptunaStrategy"),
    "skopt": "metaopt.strategies.skopt_strategy:ScikitOptimize",
}
OPTUNA = "optuna:"
PRUNINGS: Mapping[str, str] = {
    "halving": "metaopt.strategies.halving:SuccessiveHalving",
    "none": "metaopt.strategies.pruning:NoPruning",
}


def make_strategy(name: str, options: Mapping[str, Any]) -> Strategy:
    """The strategy ``name`` with its options.

    Args:
        name: a key of :data:`STRATEGIES` or :data:`PEERS`, any sampler of Optuna as
            ``"optuna:QMCSampler"``, or ``"my_lab.swarm:Swarm"``.
        options: values of the strategy's dataclass fields, or arguments of Optuna's sampler; the
            others keep their defaults.

    Raises:
        ConfigError: unknown name, no such class, or an unknown or unfit option.
        MissingExtraError: the strategy needs a package that is not installed.
    """
    known = {**STRATEGIES, **PEERS, **POPULATIONS}
    if name in POPULATIONS:
        options = {**options, "bandit": name == "pb2"}
    sampler = SAMPLERS.get(name)
    if name.startswith(OPTUNA):
        sampler, known[name] = name.removeprefix(OPTUNA), PEERS["tpe"]
    if sampler is not None:
        own = {key: value for key, value in options.items() if key in SAMPLER_OPTIONS}
        arguments = {key: value for key, value in options.items() if key not in own}
        options = {"arguments": arguments, **own, "sampler": sampler}
    return cast("Strategy", _make(name, options, known, "strategy", "propose"))


def make_pruning(name: str, options: Mapping[str, Any]) -> Pruning:
    """The pruning rule ``name`` (a key of :data:`PRUNINGS`, or an import path).

    Raises:
        ConfigError: as :func:`make_strategy`.
    """
    return cast("Pruning", _make(name, options, PRUNINGS, "pruning", "should_stop"))


def _make(
    name: str, options: Mapping[str, Any], builtin: Mapping[str, str], what: str, method: str
) -> object:
    cls = load_class(name, builtin, what, method)
    try:
        if dataclasses.is_dataclass(cls):
            return decode(cls, options, f"{what} {name!r}")
        if options:
            raise ConfigError(
                f"{what} {name!r} takes no options because it is not a dataclass; "
                f"got {sorted(options)}"
            )
        return cls()
    except InputError:
        raise
    except (TypeError, ValueError) as failure:
        raise ConfigError(f"{what} {name!r} cannot be made: {failure}") from failure
