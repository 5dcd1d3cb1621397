"""From study.toml and command-line options to a study's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from metaopt.config import SearchTable, StudyConfig
from metaopt.paths import expanded
from metaopt.store import with_home
from search_spaces.documents import read_toml
from search_spaces.errors import ConfigError
from search_spaces.records import decode


def load_config(path: Path | None, options: Mapping[str, Mapping[str, Any]]) -> StudyConfig:
    """The configuration of a study.toml, with command-line options over it.

    Args:
        path: of study.toml; None, and no data files among the options, means the embedded
            default, ``metaopt/sample/quick.toml``.
        options: table name to the keys that were given on the command line.

    Raises:
        ConfigError: naming file, key, value and rule.
    """
    if path is None and "files" not in options.get("data", {}):
        path = Path(str(resources.files("metaopt") / "sample" / "quick.toml"))
    tables: dict[str, Any] = read_toml(path, ConfigError) if path else {}
    return config_of(tables, options, str(path) if path else "")


def config_of(
    tables: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]], where: str
) -> StudyConfig:
    """The configuration of the tables of a study.toml, with command-line options over them.

    Args:
        tables: as its TOML has them.
        options: table name to the keys that were given on the command line.
        where: the file that an error text names.

    Raises:
        ConfigError: naming file, key, value and rule.
    """
    merged = dict(tables)
    for table, given in options.items():
        before = tables.get(table, {})
        # What is no table is refused below.
        if given and isinstance(before, Mapping):
            merged[table] = {**_without_options(before, given), **given}
    if "data" not in merged:
        raise ConfigError(f"{where}: a study needs a [data] table with files and geometry; add it")
    return _with_home(_decoded(merged, options, where))


def _decoded(
    tables: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]], where: str
) -> StudyConfig:
    """The configuration; an error names the file only if the value is the file's."""
    try:
        return decode(StudyConfig, tables)
    except ConfigError as failure:
        given = tuple(f"{table}.{key}" for table, keys in options.items() for key in keys)
        if str(failure).startswith(given):
            raise
    return decode(StudyConfig, tables, where)


def _with_home(config: StudyConfig) -> StudyConfig:
    """The configuration with the user's folder for each ``~`` that a path begins with."""
    study, search, data = config.study, config.search, config.data
    return replace(
        config,
        study=replace(study, storage=with_home(study.storage), results=expanded(study.results)),
        search=replace(search, space=expanded(search.space)),
        data=replace(data, geometry=expanded(data.geometry)),
    )


def _without_options(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A table without the options of a strategy or pruning rule in whose place another is given."""
    kept = dict(before)
    for name, options in (("strategy", "options"), ("pruning", "pruning_options")):
        was = before.get(name, getattr(SearchTable, name))
        if given.get(name, was) != was:
            kept.pop(options, None)
    return kept
