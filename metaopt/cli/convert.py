"""``metaopt convert``."""

from __future__ import annotations

from pathlib import Path

import click

from metaopt.cli import options
from metaopt.formats import FILES


@click.command(name="convert")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="DIR")
@click.option(
    "--format",
    "forms",
    type=click.Choice(tuple(FILES)),
    multiple=True,
    default=("onnx",),
    show_default=True,
    help="What to write (repeatable).",
)
@options.as_json
def command(model: Path, out: Path, forms: tuple[str, ...], as_json: bool) -> None:
    """Write a trained generator for other programs, Geant4 among them.

    \b
    keras         Keras' own layers, for any Keras 3
    tensorflow    a SavedModel
    onnx          float32, for ONNX Runtime: the fastest on a CPU
    onnx-float16  half the size; for GPUs
    onnx-int8     8-bit arithmetic in the inner layers

    MODEL is a folder of `metaopt export`, or of a training. Inputs are energy
    [GeV], theta [rad] and particle, where the model has them, and noise; the
    output is GeV per cell. Every file is checked against the model.
    """  # noqa: D301  # Click's mark of lines that stay as they are is the character itself
    from metaopt.cli.console import print_json, print_table, say
    from metaopt.formats.conversion import convert
    from metaopt.formats.tables import conversion_table
    from search_spaces.records import encode

    made = convert(model, out, forms, lambda c: say(f"{c.path}: {c.size / 1e6:.1f} MB"))
    if as_json:
        print_json([{**encode(c), "path": str(c.path)} for c in made])
    else:
        print_table(conversion_table(made))
