"""``metaopt export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from metaopt.store.database import StudyStore
    from metaopt.store.study import StoredStudy


@click.command(name="export")
@click.argument("study", required=False)
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="New folder.")
@click.option("--trial", "number", type=int, metavar="N", help="This trial instead of the best.")
@click.option(
    "--max-ms-per-shower",
    "max_ms",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="The best of the trials that take at most X milliseconds.",
)
@click.option("--list", "listing", is_flag=True, help="List the candidates, best first.")
@options.storage
@options.as_json
def command(
    study: str | None,
    out: Path | None,
    number: int | None,
    max_ms: float | None,
    listing: bool,
    storage: str,
    as_json: bool,
) -> None:
    """Export the best configuration for production training.

    Writes production.toml, the weights and a model summary, and checks that
    the export gives the trial's showers again. --list without STUDY gives the
    best of every study.
    """
    from metaopt.errors import ConfigError
    from metaopt.store.database import StudyStore

    store = StudyStore(storage)
    if listing:
        _list(store, study, max_ms, as_json)
    elif study is None or out is None:
        raise ConfigError("give STUDY and -o DIR, or --list to see the candidates")
    else:
        _export(store.study(study), out, number, max_ms, as_json)


def _list(store: StudyStore, study: str | None, max_ms: float | None, as_json: bool) -> None:
    from metaopt.choice import candidates, fast_enough
    from metaopt.cli.console import print_records
    from metaopt.errors import ConfigError
    from metaopt.reports.tables import studies_table, trials_table

    if study is None and max_ms is not None:
        raise ConfigError("--max-ms-per-shower chooses among the trials of one study; give STUDY")
    if study is None:
        studies = store.studies()
        print_records(studies, studies_table(studies), as_json)
    else:
        found = candidates(store.study(study).trials())
        found = found if max_ms is None else fast_enough(found, max_ms)
        print_records(found, trials_table(found), as_json)


def _export(
    stored: StoredStudy, out: Path, number: int | None, max_ms: float | None, as_json: bool
) -> None:
    from metaopt.choice import choose
    from metaopt.cli.console import print_json, say
    from metaopt.export import export
    from search_spaces.records import encode

    view = stored.view()
    trial = choose(view, stored.trials(), number, max_ms)
    production = export(view, trial, out)
    if as_json:
        print_json(encode(production))
    else:
        say(f"trial {trial.number} of {stored.name!r}, S {trial.score:.3f}, is in {out}/")
        say("loaded again: it gives the trial's showers for the same seed")
