"""``metaopt bench``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from metaopt.cli import bench_inference, options

if TYPE_CHECKING:
    from metaopt.bench.comparison import Comparison, Design

PROBLEMS = ("hartmann6", "hartmann-mixed", "gan15")
STRATEGIES = ("random", "genetic", "bayesian", "tpe")
F = TypeVar("F", bound=Callable[..., Any])


def _number(name: str, default: int, text: str, least: int = 1) -> Callable[[F], F]:
    """An option that takes a whole number from ``least``."""
    kind = click.IntRange(min=least)
    return click.option(name, type=kind, default=default, show_default=True, metavar="N", help=text)


def _several(
    argument: str, name: str, default: Sequence[str], metavar: str, text: str
) -> Callable[[F], F]:
    """An option that may be given several times."""
    return click.option(
        name,
        argument,
        multiple=True,
        default=default,
        show_default=True,
        metavar=metavar,
        help=f"{text} (repeatable).",
    )


@click.group(name="bench")
def command() -> None:
    """Compare search strategies on simulated studies, and time trained generators."""


command.add_command(bench_inference.command)


@command.command(name="strategies")
@_several(
    "problems",
    "--problem",
    PROBLEMS,
    "NAME|FILE",
    "Function, with :SD of its noise and @N epochs, or table of trials, with fitted: before it to "
    "continue it between its rows",
)
@_several("strategies", "--strategy", STRATEGIES, "NAME[,KEY=VALUE]", "Strategy with options")
@_number("--trials", 60, "Trials of a study.")
@_number("--workers", 1, "Simulated workers: trials at once.")
@click.option(
    "--proposal-seconds",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    metavar="X",
    help="Simulated time of the controller for a proposal.",
)
@click.option(
    "--pruning",
    default="none",
    show_default=True,
    metavar="NAME[,KEY=VALUE]",
    help="halving or none.",
)
@_number("--seeds", 10, "Studies of each strategy on each problem.")
@_number("--seed", 0, "The first of them.", least=0)
@_number("--processes", 1, "Studies computed at once; changes no result.")
@click.option(
    "--markdown",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the tables there as well.",
)
@options.as_json
def strategies(
    problems: tuple[str, ...],
    strategies: tuple[str, ...],
    processes: int,
    markdown: Path | None,
    as_json: bool,
    **setting: Any,
) -> None:
    """Compare search strategies on problems that are answered at once.

    Problems: hartmann6, hartmann-mixed, gan15 (gan15:0.1 has noise,
    gan15:0.1@30 30 epochs instead of nine), or a table of real trials
    (trials.jsonl.gz).

    Strategies: those of `metaopt run`, and tpe, cmaes, optuna-gp, skopt,
    optuna:NSGAIISampler or any other; e.g. tpe,tell_failures=true. On one
    worker also tpe-hyperband: plain Optuna's TPE with its own pruner.

    Workers, pruning and failures are simulated as the controller would meet
    them. The yardstick is random search with 200 trials.
    """
    from metaopt.bench.comparison import compare
    from metaopt.cli.console import check_place, print_json, write_file

    if markdown is not None:
        check_place(markdown)
    made = compare(_design(problems, strategies, setting), processes, _tell)
    if as_json:
        print_json(_document(made))
    else:
        _print(made)
    if markdown is not None:
        from metaopt.bench import tables

        write_file(markdown, tables.markdown(tables.tables(made), tables.note(made)))


def _design(
    problems: tuple[str, ...], strategies: tuple[str, ...], given: dict[str, Any]
) -> Design:
    from metaopt.bench.clock import Setting
    from metaopt.bench.comparison import Design

    setting = Setting(given["trials"], given["workers"], given["proposal_seconds"])
    return Design(problems, strategies, setting, given["seeds"], given["seed"], given["pruning"])


def _tell(done: int, studies: int) -> None:
    import sys

    # On one line of a terminal; a log gets the last word only.
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {studies} studies", err=True, nl=done == studies)
    elif done == studies:
        click.echo(f"{done} of {studies} studies", err=True)


def _document(made: Comparison) -> dict[str, Any]:
    """Everything as plain data; a cost that was never met is null."""
    from metaopt.bench.statistics import lines, overall, targets
    from search_spaces.records import encode

    return {
        "design": encode(made.design),
        "targets": [_finite(encode(target)) for target in targets(made)],
        "lines": [_finite(encode(line)) for line in lines(made)],
        "overall": [_finite(encode(line)) for line in overall(made)],
        "studies": [encode(result) for result in made.results],
        "yardstick": [encode(result) for result in made.yardstick],
    }


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    import math

    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in record.items()
    }


def _print(made: Comparison) -> None:
    from metaopt.bench.tables import note, tables
    from metaopt.cli.console import print_table

    for table in tables(made):
        print_table(table)
    click.echo(note(made))
