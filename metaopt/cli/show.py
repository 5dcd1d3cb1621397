"""``metaopt show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from metaopt.store.study import StoredStudy


@click.command(name="show")
@click.argument("study")
@click.option("--trial", "number", type=int, metavar="N", help="Show one trial in full.")
@click.option("--most", default=30, show_default=True, metavar="N", help="Rows of the table.")
@options.storage
@options.as_json
def command(study: str, number: int | None, most: int, storage: str, as_json: bool) -> None:
    """Show a study: its trials, and the best against the published one."""
    from metaopt.store.database import StudyStore

    stored = StudyStore(storage).study(study)
    if number is None:
        _show_study(stored, most, as_json)
    else:
        _show_trial(stored, number, as_json)


def _show_study(stored: StoredStudy, most: int, as_json: bool) -> None:
    from metaopt.cli.console import print_json, print_table
    from metaopt.reports.tables import comparison_table, trials_table
    from metaopt.store.views import baseline_of, best_of
    from search_spaces.records import encode

    trials = stored.trials()
    if as_json:
        view = encode(stored.view())
        print_json(view | {"trials": [encode(t) for t in trials]})
        return
    print_table(trials_table(trials, most))
    baseline, best = baseline_of(trials), best_of(trials)
    if baseline and best and baseline.number != best.number:
        print_table(comparison_table(baseline, best))


def _show_trial(stored: StoredStudy, number: int, as_json: bool) -> None:
    from metaopt.cli.console import print_json, print_table
    from metaopt.reports.tables import trial_tables
    from search_spaces.errors import StoreError
    from search_spaces.records import encode

    trials = stored.trials()
    if not 0 <= number < len(trials):
        last = len(trials) - 1
        raise StoreError(f"study {stored.name!r} has trials 0 to {last}, got --trial {number}")
    trial, epochs = trials[number], stored.epochs(number)
    if as_json:
        print_json(encode(trial) | {"epoch_breakdown": epochs})
        return
    for table in trial_tables(trial, epochs):
        print_table(table)
