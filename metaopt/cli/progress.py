"""Counts what is done: on one line of a terminal, and now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from metaopt.cli.console import say
from metaopt.reports.tables import duration

#: Seconds between lines where there is no terminal.
QUIET_SECONDS = 30.0


def counter(total: int, things: str) -> Callable[[int], None]:
    """What prints how many things there are, and the time that the others will take."""
    began, first, said = time.monotonic(), -1, -QUIET_SECONDS

    def tell(done: int) -> None:
        nonlocal began, first, said
        now = time.monotonic()
        if first < 0:
            began, first = now, done
        rate = (done - first) / (now - began) if now > began else 0.0
        left = f", about {duration((total - done) / rate)} left" if rate and done < total else ""
        text = f"{done:,} of {total:,} {things}{left}"
        if sys.stderr.isatty():
            click.echo(f"\r{text:<60}", err=True, nl=done == total)
        elif now - said >= QUIET_SECONDS or done == total:
            said = now
            say(text)

    return tell
