"""``metaopt validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from metaopt.reports.validation import Validation


@click.command(name="validate")
@click.argument("generated", metavar="GENERATED.H5")
@click.argument("reference", metavar="REFERENCE.H5")
@click.option("--geometry", metavar="NAME|FILE", help="Calorimeter. [default: found in the files]")
@click.option("--events", type=click.IntRange(min=1), metavar="N", help="At most N of each file.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="PAGE.HTML", help="New page.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of random choices.",
)
@options.as_json
def command(
    generated: str,
    reference: str,
    geometry: str | None,
    events: int | None,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Compare generated showers with full-simulation ones.

    Both are HDF5 files of showers with their primary energies (and angles), of
    any generator. Prints the score S, what is wrong in words, and cross-checks,
    each beside what the full simulation gives against itself; -o writes a page
    with plots.
    """
    from metaopt.cli.console import check_place, print_json, say, write_file
    from metaopt.reports.calorimeters import find_geometry
    from metaopt.reports.shower_files import validate
    from metaopt.reports.validation_tables import document

    if out is not None:
        check_place(out)
    calorimeter, note = find_geometry(reference, geometry, generated)
    if note:
        say(note)
    made = validate(generated, reference, calorimeter, events or 0, seed, say)
    if as_json:
        print_json(document(made) | {"seed": seed})
    else:
        _print(made)
    if out is not None:
        from metaopt.reports.page import page

        write_file(out, page(made))
        say(f"page: {out}")


def _print(made: Validation) -> None:
    from metaopt.cli.console import print_table
    from metaopt.reports.validation_tables import (
        crosschecks_table,
        groups_table,
        headline,
        metrics_table,
        particles_table,
    )

    for line in (*headline(made), *(f"note: {note}" for note in made.notes)):
        click.echo(line)
    tables = (particles_table, groups_table, metrics_table, crosschecks_table)
    for table in (of(made) for of in tables):
        if table.rows:
            print_table(table)
