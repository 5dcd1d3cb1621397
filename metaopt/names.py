"""Names of studies: given ones are checked, and those that are made follow the same rule."""

from __future__ import annotations

import re
from pathlib import Path

from search_spaces.errors import ConfigError
from search_spaces.records import shown

#: Most letters of a name, which is also that of a folder.
MOST_LETTERS = 100


def check_name(name: str) -> None:
    """Raise :class:`ConfigError` unless a study may have this name."""
    if not re.fullmatch(rf"\w[\w.-]{{0,{MOST_LETTERS - 1}}}", name):
        raise ConfigError(
            f"a study name has up to {MOST_LETTERS} letters, digits, '.', '_' and '-', the first "
            f"of them no '.' or '-' (it names a folder), got {shown(name)}; give another --study"
        )


def made_name(what: str, strategy: str) -> str:
    """The name of a study that was given none.

    Args:
        what: its space or geometry, built in or a file.
        strategy: as the user gave it.
    """
    name = f"{Path(what).stem}-{strategy.rpartition(':')[2].lower()}"
    return re.sub(r"^[.-]|[^\w.-]", "_", name)[:MOST_LETTERS]
