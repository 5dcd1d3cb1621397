"""``metaopt run``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metaopt.store import DEFAULT_URL

if TYPE_CHECKING:
    from metaopt.config import StudyConfig

#: Command-line option to its table and key in study.toml.
KEYS = {
    "study": ("study", "name"),
    "seed": ("study", "seed"),
    "storage": ("study", "storage"),
    "results": ("study", "results"),
    "log": ("study", "log"),
    "space": ("search", "space"),
    "strategy": ("search", "strategy"),
    "trials": ("search", "trials"),
    "time_budget": ("search", "time_budget"),
    "pruning": ("search", "pruning"),
    "confirm": ("search", "confirm"),
    "target": ("search", "target"),
    "until_exhausted": ("search", "until_exhausted"),
    "earlier": ("search", "earlier"),
    "data": ("data", "files"),
    "geometry": ("data", "geometry"),
    "epochs": ("trial", "epochs"),
    "showers": ("trial", "showers"),
    "evaluation_showers": ("trial", "evaluation_showers"),
    "time_limit": ("trial", "time_limit"),
    "executor": ("workers", "executor"),
    "workers": ("workers", "count"),
    "cpus": ("workers", "cpus"),
    "gpus": ("workers", "gpus"),
    "gpu_memory_mib": ("workers", "gpu_memory_mib"),
    "ray_address": ("workers", "ray_address"),
}


def tables_of(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables of study.toml that options were given for."""
    tables: dict[str, dict[str, Any]] = {}
    for option, (table, key) in KEYS.items():
        value = given.get(option)
        if value not in (None, ()):
            tables.setdefault(table, {})[key] = list(value) if isinstance(value, tuple) else value
    return tables


def asked_study(path: Path | None, given: Mapping[str, Any]) -> StudyConfig:
    """The configuration of a study.toml, with the options that were given over it.

    Raises:
        ConfigError: naming file or option, key, value and rule.
    """
    from metaopt.errors import ConfigError
    from metaopt.study_file import load_config

    tables = tables_of(given)
    try:
        return load_config(path, tables)
    except ConfigError as failure:
        for option, (table, key) in KEYS.items():
            at_fault = re.match(rf"{table}\.{key}\b", str(failure))
            if at_fault and key in tables.get(table, {}):
                raise ConfigError(f"--{option.replace('_', '-')}: {failure}") from failure
        if str(failure).startswith("data.geometry is required"):
            raise ConfigError(f"{failure} with --geometry, the calorimeter of --data") from failure
        raise


@click.command(name="run")
@click.argument("config", required=False, metavar="[STUDY.TOML]", type=click.Path(path_type=Path))
@click.option("--study", metavar="NAME", help="Name; a study of this name is resumed.")
@click.option("--strategy", metavar="NAME", help="genetic, bayesian, nsga2, random, ...")
@click.option("--earlier", multiple=True, metavar="STUDY", help="Start from it (repeatable).")
@click.option("--space", metavar="NAME|FILE", help="Search space: built in, or TOML.")
@click.option("--geometry", metavar="NAME|FILE", help="Calorimeter: built in, or TOML.")
@click.option("--data", multiple=True, metavar="GLOB", help="HDF5 showers (repeatable).")
@click.option("--trials", type=int, metavar="N", help="Number of trials.")
@click.option("--time-budget", metavar="TIME", help="Wall-clock limit: 90s, 4m, 2h.")
@click.option("--epochs", type=int, metavar="N", help="Epochs per trial.")
@click.option("--showers", type=int, metavar="N", help="Training showers per epoch.")
@click.option("--evaluation-showers", type=int, metavar="N", help="Showers per score.")
@click.option("--pruning", metavar="NAME", help="halving or none.")
@click.option("--confirm", type=int, metavar="N", help="Candidates trained again at the end.")
@click.option("--target", type=float, metavar="S", help="End the search at this score.")
@click.option(
    "--until-exhausted",
    is_flag=True,
    default=None,
    help="End the search where no improvement above the noise is expected.",
)
@click.option("--time-limit", metavar="TIME", help="Longest time of one trial.")
@click.option("--executor", metavar="NAME", help="ray, inline or module:Class.")
@click.option("--workers", type=int, metavar="N", help="Trials at once; 0 = all that fit.")
@click.option("--cpus", type=int, metavar="N", help="CPUs per trial.")
@click.option("--gpus", type=float, metavar="X", help="GPUs per trial, e.g. 0.25.")
@click.option("--gpu-memory-mib", type=int, metavar="N", help="GPU memory per trial.")
@click.option("--ray-address", metavar="ADDRESS", help="Running Ray cluster.")
@click.option("--storage", metavar="URL", help=f"Study store. [default: {DEFAULT_URL}]")
@click.option("--results", metavar="DIR", help="Folder of results. [default: results]")
@click.option("--log", multiple=True, metavar="NAME", help="tensorboard, mlflow (repeatable).")
@click.option("--seed", type=int, metavar="N", help="Seed of every random draw.")
@click.option(
    "--dry-run", is_flag=True, help="Check study and data, predict the cost, run nothing."
)
def command(config: Path | None, dry_run: bool, **given: Any) -> None:
    """Search for the best 3DGAN configuration; run again to resume.

    Without STUDY.TOML or --data: a five-minute search on bundled Geant4 showers.
    Ctrl-C ends after the running epochs, twice at once; the study is kept.

    Strategies: genetic, bayesian, nsga2 (S and ms per shower), random; to compare
    with, tpe, cmaes, optuna-gp, any "optuna:Sampler", skopt; your own "module:Class".
    Or pbt and pb2: loss weights and learning rates change while --trials members of
    one network train together; the worst take over the state of the best.
    """
    import sys

    from metaopt.cli.console import say
    from metaopt.cli.session import run_study, show_plan
    from workers.simulation.label import parametrised

    asked = asked_study(config, given)
    for line in parametrised(asked.files()):
        say(f"note: {line}")
    sys.exit(show_plan(asked) if dry_run else run_study(asked))
