"""``metaopt geometry``."""

from __future__ import annotations

from pathlib import Path

import click

from metaopt.cli import options


@click.group(name="geometry")
def command() -> None:
    """Describe a calorimeter: one TOML file for simulation, training and scores."""


@command.command(name="list")
@options.as_json
def list_(as_json: bool) -> None:
    """List the built-in calorimeters."""
    from metaopt.cli.console import print_records
    from metaopt.reports.geometries import list_table
    from search_spaces.loader import builtin_names, load_geometry

    known = [load_geometry(name) for name in builtin_names("geometries")]
    print_records(known, list_table(known), as_json)


@command.command(name="show")
@click.argument("geometry", metavar="NAME|FILE")
@options.as_json
def show(geometry: str, as_json: bool) -> None:
    """Show a calorimeter: axes, layers, lengths, and the networks that fit."""
    from metaopt.cli.console import print_json, print_table
    from metaopt.geometries import fits
    from metaopt.reports import geometries
    from search_spaces.loader import load_geometry
    from search_spaces.records import encode

    loaded = load_geometry(geometry)
    if as_json:
        print_json({**encode(loaded), "fits": encode(fits(loaded))})
        return
    for table in (
        geometries.axes_table(loaded),
        geometries.layers_table(loaded),
        geometries.facts_table(loaded),
        geometries.fits_table(fits(loaded)),
    ):
        if table.rows:
            print_table(table)


@command.command(name="check")
@click.argument("file", metavar="FILE.TOML")
@options.as_json
def check(file: str, as_json: bool) -> None:
    """Check a geometry file: every error in one line, or "fits".

    Also says which published networks fit it, and whether it can be simulated.
    """
    import sys

    from metaopt.cli.console import print_json
    from metaopt.errors import USAGE
    from metaopt.geometries import errors_of

    found = errors_of(file)
    if as_json:
        print_json(_document(file, found))
    elif found:
        for line in found:
            click.echo(line)
    else:
        _print_fits(file)
    if found:
        sys.exit(USAGE)


def _print_fits(file: str) -> None:
    from metaopt.cli.console import print_table
    from metaopt.geometries import fits, simulators
    from metaopt.reports.geometries import fits_table
    from search_spaces.loader import load_geometry

    geometry = load_geometry(file)
    able, reason = simulators(geometry)
    click.echo(f"{file}: fits")
    click.echo(f"can be simulated: {', '.join(able)}" if able else f"cannot be simulated: {reason}")
    print_table(fits_table(fits(geometry)))


def _document(file: str, found: list[str]) -> dict[str, object]:
    from metaopt.geometries import fits, simulators
    from search_spaces.loader import load_geometry
    from search_spaces.records import encode

    if found:
        return {"errors": found, "fits": [], "cannot_be_simulated": ""}
    geometry = load_geometry(file)
    _, reason = simulators(geometry)
    return {"errors": [], "fits": encode(fits(geometry)), "cannot_be_simulated": reason}


@command.command(name="new")
@click.argument("name")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE.TOML",
    help="New file.",
)
def new(name: str, out: Path) -> None:
    """Write a commented geometry file to begin from; NAME is its title."""
    from metaopt.cli.console import say, write_file
    from metaopt.errors import ConfigError
    from metaopt.geometries import template

    if out.suffix != ".toml":
        raise ConfigError(f"{out}: a geometry file must end in .toml; choose another name")
    if out.exists():
        raise ConfigError(f"{out}: a new file must not be there yet; choose another name")
    write_file(out, template(name))
    say(f"{out}: adapt it, then: metaopt geometry check {out}")
