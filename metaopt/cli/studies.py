"""``metaopt studies``."""

from __future__ import annotations

import click

from metaopt.cli import options


@click.command(name="studies")
@options.storage
@options.as_json
def command(storage: str, as_json: bool) -> None:
    """List the studies of a store."""
    from metaopt.cli.console import print_records
    from metaopt.reports.tables import studies_table
    from metaopt.store.database import StudyStore

    studies = StudyStore(storage).studies()
    print_records(studies, studies_table(studies), as_json)
