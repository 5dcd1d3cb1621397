"""``metaopt dashboard``."""

from __future__ import annotations

import click

from metaopt.cli import options


@click.command(name="dashboard")
@options.storage
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    metavar="N",
    help="Port; 0 = any free.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind to.")
def command(storage: str, port: int, host: str) -> None:
    """Open the study store in the Optuna dashboard.

    The dashboard has no password and can delete studies: it is bound to this
    machine unless you say otherwise.
    """
    from metaopt.cli.console import say
    from metaopt.store.dashboard import serve

    serve(storage, host, port, ready=lambda url: say(f"Optuna dashboard at {url} (Ctrl-C ends)"))
