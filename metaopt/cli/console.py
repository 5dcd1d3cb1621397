"""Printing: tables and JSON to stdout, progress and messages to stderr."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from metaopt.reports.tables import Table

#: Letters of an error's line.
MAX_LINE = 2000


def print_table(table: Table) -> None:
    """A table to stdout, at the terminal's width; plain columns without a terminal."""
    import shutil

    from rich.console import Console

    # Without a terminal (a pipe, a log) nothing is cut: width follows the content.
    width = shutil.get_terminal_size((80, 24)).columns
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=max(width, 160))
    console.print(rich_table(table))


def rich_table(table: Table) -> RichTable:
    """The table in the style of all metaopt tables."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    made = RichTable(
        title=table.title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for i, header in enumerate(table.headers):
        made.add_column(header, justify="left" if i in table.left else "right")
    for row in table.rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def print_records(records: Sequence[Any], table: Table, as_json: bool) -> None:
    """Records as JSON, or as the table made of them."""
    from search_spaces.records import encode

    if as_json:
        print_json([encode(r) for r in records])
    else:
        print_table(table)


def print_json(data: Any) -> None:
    """Plain data to stdout as JSON."""
    click.echo(json.dumps(data, indent=2, default=str))


def check_place(file: Path) -> None:
    """Fail before the work, not after it.

    Raises:
        ConfigError: no file of this name can be written there.
    """
    from search_spaces.errors import ConfigError

    if file.is_dir() or not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise ConfigError(
            f"{file}: needs the name of a file in a folder that can be written to; make the folder"
        )


def write_file(file: Path, text: str) -> None:
    """Write a text file that the user asked for, whole or not at all.

    Raises:
        ConfigError: it cannot be written there.
    """
    from search_spaces.errors import ConfigError
    from search_spaces.whole import whole

    # A pipe or a terminal has no other name meanwhile.
    apart = file.exists() and not file.is_file()
    try:
        with nullcontext(file) if apart else whole(file) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise ConfigError(
            f"{file}: cannot be written ({failure.strerror}); choose another file"
        ) from failure


@contextmanager
def unheard() -> Iterator[None]:
    """Go on where what is told cannot be written: a closed pipe, a log on a full disk."""
    with suppress(OSError, SystemExit):  # rich ends programs whose pipe is closed
        yield


def say(text: str) -> None:
    """A line for people, to stderr; no work ends because nobody can read it."""
    with unheard():
        click.echo(text, err=True)


def complain(text: str) -> None:
    """An error in one line to stderr: names and values in it may hold anything."""
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else "?" for c in line)
    say(f"metaopt: {line[:MAX_LINE]}")
