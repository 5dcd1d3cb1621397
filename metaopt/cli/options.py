"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from metaopt.store import DEFAULT_URL

F = TypeVar("F", bound=Callable[..., Any])


def storage(function: F) -> F:
    """``--storage``: the study store."""
    return click.option(
        "--storage",
        default=DEFAULT_URL,
        show_default=True,
        metavar="URL",
        help="Study store (SQLAlchemy URL).",
    )(function)


def as_json(function: F) -> F:
    """``--json``: machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def interval(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[float, float] | None:
    """Both ends of ``LOW:HIGH``; of one number, it twice."""
    if value is None:
        return None
    low, colon, high = value.partition(":")
    try:
        return float(low), float(high if colon else low)
    except ValueError:
        raise click.BadParameter(
            f"a range reads like 10:200, or 50, got {value!r}", context, option
        ) from None
