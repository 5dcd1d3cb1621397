"""``metaopt watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from metaopt.cli.watch_view import WatchView
    from metaopt.store.database import StudyStore


@click.command(name="watch")
@click.argument("study")
@options.storage
@click.option("--once", is_flag=True, help="Print how it stands, and end.")
@click.option("--wait", is_flag=True, help="Wait for a study that is not being run yet.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.2),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two looks.",
)
@options.as_json
def command(study: str, storage: str, once: bool, wait: bool, every: float, as_json: bool) -> None:
    """Watch a study that runs in another terminal, or on another machine.

    Reads the study store only. Ends with the study, or with Ctrl-C, which the
    study does not notice. --json prints how it stands as JSON, and ends.
    """
    from metaopt.cli.console import print_json, say
    from metaopt.cli.live import on_signals
    from metaopt.cli.watch_view import WatchView
    from metaopt.store.database import StudyStore

    try:
        with on_signals(_interrupt):
            store = _begun(study, storage, every) if wait else StudyStore(storage)
            view = WatchView(store.study(study), silent=once or as_json)
            if as_json or once:
                view.look()
                print_json(view.state()) if as_json else view.show()
                return
            with view:
                _follow(view, store, storage, every)
        click.echo(view.conclusion())
    except KeyboardInterrupt:
        say(f"no longer watching; study {study!r} is not touched by that")


def _interrupt() -> None:
    """Also in the background, where a shell has Ctrl-C's signal ignored."""
    raise KeyboardInterrupt


def _follow(view: WatchView, store: StudyStore, storage: str, every: float) -> None:
    """Look until nobody runs the study, however often the store is away."""
    import time

    from metaopt.store.database import is_there
    from search_spaces.errors import StoreError

    unexplained = 0
    while True:
        try:
            if not is_there(storage):  # a look would make an empty one
                raise StoreError("the study store is not there")
            view.look()
        except StoreError as failure:
            if isinstance(failure.__cause__, KeyError):  # the study was deleted
                raise
            store.close()
            view.lost(str(failure))
        else:
            # Why a run ended is recorded a moment after its lease is given back.
            unexplained = unexplained + 1 if view.over else 0
            if view.over and (view.explained or unexplained > 1):
                return
        time.sleep(every)


def _begun(study: str, storage: str, every: float) -> StudyStore:
    """The store, once the study is being run."""
    import time

    from metaopt.cli.console import say
    from metaopt.store.database import StudyStore, is_there

    say(f"waiting for study {study!r} to be run (Ctrl-C ends)")
    while not is_there(storage):
        time.sleep(every)
    store = StudyStore(storage)
    while not _is_run(store, study):
        time.sleep(every)
    return store


def _is_run(store: StudyStore, name: str) -> bool:
    """Whether the study is being run, as far as the store answers."""
    from metaopt.store.faults import is_away
    from search_spaces.errors import StoreError

    try:
        if name not in store.names():
            return False
        study = store.study(name)
        return bool(study.document) and study.holder() is not None
    except StoreError as failure:
        if not is_away(failure):
            raise
        store.close()
        return False
