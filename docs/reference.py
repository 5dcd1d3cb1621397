"""Write ``docs/reference/``: every command, and every key of a TOML file, from the code.

    python docs/reference.py

The pages are committed, so that they can be read without a build; a test says when they are
stale.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import click

from metaopt import config
from metaopt.cli.main import cli
from metaopt.strategies.registry import POPULATIONS, PRUNINGS, STRATEGIES
from search_spaces import geometry, loader
from workers.models.gan3d import params
from workers.trial import Budget

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/reference.py. -->\n\n"
#: Whose docstring describes the keys of a table that its own does not.
ALSO: Mapping[type, type] = {config.TrialTable: Budget}
#: Fields of strategies that a study fills by itself.
NO_KEYS = ("warm", "earlier", "bandit")
#: A file that does not give it has its own name.
NAMED_BY_FILE = ("name",)
WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false", Any: "any"}


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


def commands_page() -> str:
    """Every command with its options, as ``--help`` gives them."""
    context = click.Context(cli, info_name="metaopt", max_content_width=100)
    text = (
        "# Commands\n\n`metaopt COMMAND --help` says the same. Data go to standard output, "
        "progress to standard error.\n\nExit codes: 0 done, 1 failure, 2 bad input, 3 no complete "
        "trial, 4 an extra is missing, 130 interrupted and resumable.\n"
    )
    return (
        NOTE + text + "".join(_command(cli, name, context) for name in cli.list_commands(context))
    )


def _command(group: click.Group, name: str, parent: click.Context) -> str:
    command = group.get_command(parent, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    text = f"\n## {context.command_path}\n\n```text\n{usage}\n```\n\n{_help(command)}\n"
    if isinstance(command, click.Group):
        names = command.list_commands(context)
        return text + "".join(_command(command, inner, context) for inner in names)
    records = [p.get_help_record(context) for p in command.params]
    rows = [(f"`{record[0]}`", record[1]) for record in records if record and record[1]]
    return text + ("\n" + _table(("option", "meaning"), rows) if rows else "")


def _help(command: click.Command) -> str:
    """The help text as Markdown: what Click is told not to rewrap stands as it is."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(
        f"```text\n{p.removeprefix(mark)}\n```" if p.startswith(mark := "\b\n") else p
        for p in paragraphs
    )


def keys_page() -> str:
    """Every key of study.toml, of search spaces and of geometries."""
    parts = [
        "# Keys of TOML files\n",
        "With commented examples: [studies, search spaces and geometries](../study.md).\n",
        "## study.toml\n",
        *(_record(t, f"[{name}]") for name, t in typing.get_type_hints(config.StudyConfig).items()),
        "## Options of strategies\n",
        "Keys of `search.options`. Other strategies: [choose a strategy](../choose-strategy.md).\n",
        *_plugins({**STRATEGIES, **POPULATIONS}),
        "## Options of pruning rules\n",
        "Keys of `search.pruning_options`.\n",
        *_plugins(PRUNINGS),
        "## Search spaces\n",
        _record(loader._SpaceTable, "top level of a search space"),
        _record(loader._ParameterTable, "[parameters.NAME]"),
        "### NAME of the family gan3d\n",
        _table(("name", "type", "range", "meaning"), _network_names()),
        "## Geometries\n",
        _record(geometry.Geometry, "top level of a geometry"),
        _record(geometry.Cells, "[cells] of a regular grid"),
        _record(geometry.Cylinder, "[cells] of a cylinder"),
        _record(geometry.Layers, "[layers]"),
        _record(geometry.Storage, "[storage]"),
        _record(geometry.GFlash, "[gflash]"),
    ]
    return NOTE + "\n".join(parts)


def _plugins(references: Mapping[str, str]) -> Iterator[str]:
    """The options of what is named in a study; of several names for one class, once."""
    for reference in dict.fromkeys(references.values()):
        module, _, name = reference.partition(":")
        cls = getattr(import_module(module), name)
        if dataclasses.fields(cls):
            names = [f"`{name}`" for name, known in references.items() if known == reference]
            yield _record(cls, ", ".join(names))


def _record(cls: type, title: str) -> str:
    """A heading, what the record is, and its keys."""
    hints, texts = typing.get_type_hints(cls), attributes(cls)
    summary = _markdown(inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")
    rows = [
        (f"`{f.name}`", _kind(hints[f.name]), _default(f), texts[f.name])
        for f in dataclasses.fields(cls)
        if f.name not in NO_KEYS or cls is config.SearchTable
    ]
    head = title if title.startswith("`") else title.replace("[", "\\[")
    return f"### {head}\n\n{summary}\n\n{_table(('key', 'type', 'default', 'meaning'), rows)}"


def attributes(cls: type) -> dict[str, str]:
    """The text of every field, from the section "Attributes" of the class's docstring."""
    doc = inspect.getdoc(cls) or ""
    section = re.search(r"^Attributes:\n((?:    .*\n?|\n)+)", doc, re.MULTILINE)
    texts = attributes(ALSO[cls]) if cls in ALSO else {}
    for names, text in re.findall(
        r"^    ([\w, ]+): ((?:.|\n(?=     ))+)", section[1] if section else "", re.MULTILINE
    ):
        for name in names.split(", "):
            texts[name] = _markdown(re.sub(r"\s+", " ", text)).strip()
    return texts


def _markdown(text: str) -> str:
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def _kind(hint: Any) -> str:
    """The type of a key in words."""
    origin, given = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return ", ".join(f'"{value}"' for value in given)
    if origin in (typing.Union, types.UnionType):
        # A whole number is a number too.
        kinds = [g for g in given if g is not type(None) and not (g is int and float in given)]
        return " or ".join(map(_kind, kinds))
    if origin is tuple:
        several = given[-1] is ...
        return f"list: {_kind(given[0])}" if several else f"{len(given)} x {_kind(given[0])}"
    return WORDS.get(hint, "table")


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is None or field.name in NAMED_BY_FILE:
        return ""
    if field.default is not dataclasses.MISSING:
        return f"`{_toml(field.default)}`"
    return "required" if field.default_factory is dataclasses.MISSING else ""


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _network_names() -> Iterator[tuple[str, str, str, str]]:
    """The parameters that a search space may give, with their ranges."""
    sections = typing.get_type_hints(params.Params)

    def meaning(section: str, field: str) -> str:
        known = attributes(sections[section])
        return f"{section}: {known.get(field, field.replace('_', ' '))}"

    for name, (section, field, kind, low, high) in params._SCALARS.items():
        ends = f"{low:g} to {high:g}" if high < float("inf") else f"from {low:g}"
        yield f"`{name}`", WORDS[kind], ends, meaning(section, field)
    for name, (section, field, choices) in params._CHOICES.items():
        yield f"`{name}`", "text", ", ".join(choices), meaning(section, field)
    for letter, network in (("g", "generator"), ("d", "discriminator")):
        most = params.MAX_LAYERS
        yield (
            f"`{letter}_layers`",
            "whole number",
            f"1 to {most}",
            f"{network}: hidden convolutions",
        )
        for what, most in params._MAX_SIZE.items():
            yield f"`{letter}{{i}}_{what}`", "whole number", f"1 to {most}", f"{network}, layer i"
        axes = ", ".join(f"`{letter}{{i}}_kernel_{axis}`" for axis in "xyz")
        yield axes, "whole number", f"1 to {params._MAX_SIZE['kernel']}", f"{network}, layer i"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *([c.replace("|", "\\|") for c in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


PAGES: Mapping[str, Callable[[], str]] = {"commands.md": commands_page, "keys.md": keys_page}

if __name__ == "__main__":
    main()
