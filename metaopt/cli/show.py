"""``metaopt show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from metaopt.store.study import StoredStudy
    from metaopt.store.views import TrialView


@click.command(name="show")
@click.argument("study")
@click.option("--trial", "number", type=int, metavar="N", help="Show one trial in full.")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    metavar="N",
    help="Rows of the table.",
)
@options.storage
@options.as_json
def command(study: str, number: int | None, most: int, storage: str, as_json: bool) -> None:
    """Show a study: its trials, and the best against the published one.

    Also the Pareto front of S and milliseconds per shower, where it has more
    than one trial.
    """
    from metaopt.store.database import StudyStore

    stored = StudyStore(storage).study(study)
    if number is None:
        _show_study(stored, most, as_json)
    else:
        _show_trial(stored, number, as_json)


def _show_study(stored: StoredStudy, most: int, as_json: bool) -> None:
    from metaopt.cli.console import print_json, print_table
    from metaopt.reports.tables import comparison_table, pareto_table, trials_table
    from metaopt.store.front import pareto_front
    from metaopt.store.standings import published_of, standings
    from search_spaces.records import encode

    trials = stored.trials()
    front = pareto_front(trials)
    if as_json:
        view = encode(stored.view())
        print_json(view | {"pareto_front": encode(front), "trials": encode(trials)})
        return
    print_table(trials_table(trials, most))
    published, ranked = published_of(trials), standings(trials)
    if published and ranked and published.best.proposal != ranked[0].best.proposal:
        print_table(comparison_table(published, ranked[0]))
    if len(front) > 1:
        print_table(pareto_table(front, published.best.point if published else {}))
    # A study of ours, and a search: what segments of a population score depends on their parents.
    search = "space" in stored.document and "population" not in stored.document
    if ranked and ranked[0].seeds == 1 and search:
        _say_expected(stored, trials)


def _say_expected(stored: StoredStudy, trials: list[TrialView]) -> None:
    """What the best would score if it was trained again: the luckiest score is too good."""
    from numpy.linalg import LinAlgError

    from metaopt.cli.console import say
    from metaopt.errors import NoCompleteTrialError
    from metaopt.record import Record
    from metaopt.reports.tables import number
    from metaopt.strategies.estimates import estimated_best
    from search_spaces.loader import space_from_tables

    space = space_from_tables(stored.document["space"], "study store", stored.name)
    try:
        best = estimated_best(space, Record(trials).history)
    except (NoCompleteTrialError, LinAlgError):
        return
    say(
        f"not confirmed yet; of another training, the lowest S is expected of trial {best.number}: "
        f"{number(best.mean, best.deviation)} (Gaussian process of all trials)"
    )


def _show_trial(stored: StoredStudy, number: int, as_json: bool) -> None:
    from metaopt.cli.console import print_json, print_table
    from metaopt.reports.tables import trial_tables
    from search_spaces.errors import StoreError
    from search_spaces.records import encode

    trials = stored.trials()
    if not trials:
        raise StoreError(f"study {stored.name!r} has no trials yet, got --trial {number}")
    if not 0 <= number < len(trials):
        last = len(trials) - 1
        raise StoreError(f"study {stored.name!r} has trials 0 to {last}, got --trial {number}")
    trial, epochs = trials[number], stored.epochs(number)
    if as_json:
        print_json(encode(trial) | {"epoch_breakdown": epochs})
        return
    for table in trial_tables(trial, epochs):
        print_table(table)
