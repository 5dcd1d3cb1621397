"""Every metaopt command that a page shows is one that the program takes.

Most pages are typed by other tests; those of clusters, populations and production need more than
a test's machine has, and sentences name commands as well.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from metaopt.cli.main import cli

from .blocks import DOCS, ROOT, blocks, command_of

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
SHELLS = ("sh", "bash", "console")
FENCED = re.compile(r"```.*?```", re.DOTALL)
IN_WORDS = re.compile(r"`metaopt ([^`]+)`")
TYPED = re.compile(r"^(?:\$ |srun |\w+=\S+ |[^#\n]*&& )*metaopt (.+)", re.MULTILINE)
#: Pipes, redirections and the next command.
REST = re.compile(r"\s[|;&>].*")


def commands(page: Path) -> Iterator[list[str]]:
    """The arguments of each command of a page."""
    shown = IN_WORDS.findall(FENCED.sub("", page.read_text()))
    for block in blocks(page):
        if block.language in SHELLS:
            shown += TYPED.findall(block.text.replace("\\\n", " "))
    for text in shown:
        yield shlex.split(REST.sub("", command_of(text)))


def accept(command: click.Command, args: list[str], parent: click.Context | None = None) -> None:
    """Parse as the program does, without asking for what is missing or is no file.

    Raises:
        click.UsageError: no such command or option.
    """
    context = click.Context(command, parent, info_name=command.name)
    _, rest, _ = command.make_parser(context).parse_args(args)
    if isinstance(command, click.Group) and rest:
        _, chosen, left = command.resolve_command(context, rest)
        assert chosen is not None
        accept(chosen, left, context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_can_be_typed(page: Path) -> None:
    for args in commands(page):
        accept(cli, args)


def test_commands_are_found_and_those_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Say `metaopt show\nfirst --trial 0`, or:\n```bash\n# metaopt speaks\n"
        "srun metaopt run a.toml \\\n  --trials 3 > log  # metaopt\n"
        "cd a && A=1 metaopt sho | less\nkubectl get secret metaopt -o json\n```\n"
    )
    asked, ran, mistyped = commands(page)
    assert asked == ["show", "first", "--trial", "0"]
    assert ran == ["run", "a.toml", "--trials", "3"]
    accept(cli, asked)
    accept(cli, ran)
    with pytest.raises(click.UsageError, match="No such command 'sho'"):
        accept(cli, mistyped)
    with pytest.raises(click.UsageError, match="--trails"):
        accept(cli, ["run", "--trails", "3"])
    with pytest.raises(click.UsageError, match="No such command"):
        accept(cli, ["geometry", "sho"])
