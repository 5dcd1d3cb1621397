"""``metaopt bench inference``."""

from __future__ import annotations

from pathlib import Path

import click

from metaopt.cli import options

AT_LEAST_1 = click.IntRange(min=1)
NOTE = "Medians of turns on the same conditions and noise, ± half the distance of the quartiles."


@click.command(name="inference")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL")
@click.option(
    "--reference-file",
    "reference",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE.H5",
    help="Full-simulation showers: S of every form, and the simulation's time.",
)
@click.option(
    "--batch",
    "batches",
    type=AT_LEAST_1,
    multiple=True,
    default=(1, 16, 64, 512),
    show_default=True,
    metavar="N",
    help="Showers at once (repeatable).",
)
@click.option("--turns", type=AT_LEAST_1, default=7, show_default=True, metavar="N")
@click.option("--threads", type=AT_LEAST_1, default=1, show_default=True, metavar="N")
@click.option(
    "--markdown", type=click.Path(path_type=Path), metavar="FILE", help="Write the tables there."
)
@options.as_json
def command(
    model: Path,
    reference: str | None,
    batches: tuple[int, ...],
    turns: int,
    threads: int,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Time a trained generator in every form of `metaopt convert`, side by side.

    MODEL is a folder of `metaopt export`, or of a training. Forms take turns, so
    that other work on the machine meets all of them; CPU time is the steadier
    figure. "times metaopt" is the gain over the network as metaopt runs it.
    """
    from metaopt.bench.inference import measure
    from metaopt.bench.inference_tables import inference_tables
    from metaopt.bench.tables import markdown as as_markdown
    from metaopt.cli.console import print_json, print_table, say, write_file
    from search_spaces.records import encode

    made = measure(model, batches, turns, threads, reference, say)
    tables = inference_tables(made)
    if as_json:
        print_json(encode(made))
    else:
        for table in tables:
            print_table(table)
    if markdown is not None:
        write_file(markdown, as_markdown(tables, NOTE))
