"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

#: The default of ``--storage``; repeated from the store, which is slow to import.
STORAGE = "sqlite:///results/metaopt.db"


def storage(function: F) -> F:
    """``--storage``: the study store."""
    return click.option(
        "--storage",
        default=STORAGE,
        show_default=True,
        metavar="URL",
        help="Study store (SQLAlchemy URL).",
    )(function)


def as_json(function: F) -> F:
    """``--json``: machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
