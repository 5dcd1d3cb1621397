"""The rule for seeds that a user gives: files and study stores hold 64 bits."""

from __future__ import annotations

from search_spaces.errors import ConfigError
from search_spaces.records import shown


def check_seed(key: str, seed: int) -> None:
    """Raise :class:`ConfigError` unless ``seed``, which ``key`` gives, can be stored."""
    for rule, holds in ((">= 0", seed >= 0), ("< 2^63", seed < 2**63)):
        if not holds:
            raise ConfigError(f"{key} {rule} must hold, got {shown(seed)}; give another one")
