"""``metaopt export``."""

from __future__ import annotations

from pathlib import Path

import click

from metaopt.cli import options


@click.command(name="export")
@click.argument("study")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="New folder.")
@click.option("--trial", "number", type=int, metavar="N", help="This trial instead of the best.")
@click.option("--list", "listing", is_flag=True, help="List the candidates, best first.")
@options.storage
@options.as_json
def command(
    study: str, out: Path | None, number: int | None, listing: bool, storage: str, as_json: bool
) -> None:
    """Export the best configuration for production training.

    Writes production.toml, the weights and a model summary, and checks that
    the export gives the trial's showers again.
    """
    from metaopt.cli.console import print_json, print_table, say
    from metaopt.errors import ConfigError
    from metaopt.export import candidates, choose, export
    from metaopt.reports.tables import trials_table
    from metaopt.store.database import StudyStore
    from search_spaces.records import encode

    stored = StudyStore(storage).study(study)
    trials = stored.trials()
    if listing:
        found = candidates(trials)
        if as_json:
            print_json([encode(t) for t in found])
        else:
            print_table(trials_table(found))
        return
    if out is None:
        raise ConfigError("where to? give -o DIR, or --list to see the candidates")
    view = stored.view()
    trial = choose(view, trials, number)
    production = export(view, trial, out)
    if as_json:
        print_json(encode(production))
    else:
        say(f"trial {trial.number} of {study!r}, S {trial.score:.3f}, is in {out}/")
        say("loaded again: it gives the trial's showers for the same seed")
