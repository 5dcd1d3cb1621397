"""``metaopt report``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from metaopt.reports.validation import Validation
    from metaopt.store.views import TrialView


@click.command(name="report")
@click.argument("study")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="PAGE.HTML", help="New page.")
@click.option(
    "--physics/--no-physics", default=True, help="The best trial against Geant4. [default: with]"
)
@options.storage
@options.as_json
def command(study: str, out: Path | None, physics: bool, storage: str, as_json: bool) -> None:
    """Write a study on one page, for readers who did not run it.

    The answer, the history, pruning, the parameters and what the Gaussian
    process expects of them, speed, workers, failures, lineage, and the best
    trial's showers against Geant4. One HTML file that needs no network; --json
    prints the numbers of its figures.
    """
    from metaopt.cli.console import check_place, print_json, say, write_file
    from metaopt.errors import ConfigError
    from metaopt.reports.study.report import report
    from metaopt.store.database import StudyStore
    from metaopt.store.standings import best_of

    if out is None and not as_json:
        raise ConfigError("give -o PAGE.HTML, or --json for the numbers of its figures")
    if out is not None:
        check_place(out)
    stored = StudyStore(storage).study(study)
    trials = stored.trials()
    made = report(stored.name, stored.document, trials)
    against = _physics(stored.document, best_of(trials)) if physics else ""
    if as_json:
        print_json(_document(made, against))
    if out is not None:
        from metaopt.reports.study.page import page

        write_file(out, page(made, against))
        say(f"page: {out}")


def _physics(document: Mapping[str, Any], best: TrialView | None) -> Validation | str:
    """The best trial against Geant4, or why there is nothing to compare."""
    from metaopt.cli.console import say
    from metaopt.errors import DataError
    from metaopt.reports.study.physics import physics

    if best is None:
        return "no trial is complete"
    say(f"comparing trial {best.number} with the test showers")
    try:
        return physics(document, best)
    except DataError as failure:
        say(f"left out: {failure}")
        return str(failure)


def _document(made: Any, against: Validation | str) -> dict[str, Any]:
    """Everything as plain data."""
    from metaopt.reports.validation_tables import document
    from search_spaces.records import encode

    plain: dict[str, Any] = encode(made)
    return plain | {"physics": against if isinstance(against, str) else document(against)}
