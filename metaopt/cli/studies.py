"""``metaopt studies``."""

from __future__ import annotations

import click

from metaopt.cli import options


@click.command(name="studies")
@options.storage
@options.as_json
def command(storage: str, as_json: bool) -> None:
    """List the studies of a store."""
    from metaopt.cli.console import print_json, print_table
    from metaopt.reports.tables import studies_table
    from metaopt.store.database import StudyStore
    from search_spaces.records import encode

    studies = StudyStore(storage).studies()
    if as_json:
        print_json([encode(s) for s in studies])
    else:
        print_table(studies_table(studies))
