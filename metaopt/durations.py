"""Times as users write them."""

from __future__ import annotations

import re

from search_spaces.errors import ConfigError
from search_spaces.records import shown

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
#: No time [s] is longer.
_LONGEST = 10**9


def seconds(text: str, key: str = "a time") -> float | None:
    """Seconds of ``"90"``, ``"90s"``, ``"4m"``, ``"2h"`` or ``"1d"``; None of an empty text.

    Args:
        text: as the user gave it.
        key: what an error text calls it.

    Raises:
        ConfigError: it reads otherwise.
    """
    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    length = _UNITS[match[2]] * float(match[1]) if match else 0.0
    if not 0 < length <= _LONGEST:
        raise ConfigError(
            f"{key} reads like 90s, 4m, 2h or 1d and is longer than 0, got {shown(text)}"
        )
    return length
