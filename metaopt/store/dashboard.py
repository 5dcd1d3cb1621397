"""The Optuna dashboard on a study store."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from metaopt.store.database import StudyStore
from metaopt.store.folders import folders
from metaopt.store.pictures import PICTURES, Pictures
from metaopt.store.study import DOCUMENT
from search_spaces.errors import ExecutorError


class _Server(ThreadingMixIn, WSGIServer):
    """Answers requests side by side: one page asks for several things at once."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Does not log every request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        del format, args


def serve(url: str, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until interrupted, by Ctrl-C or SIGTERM; in the main thread.

    Args:
        url: of the store.
        host: address to bind to.
        port: to bind to; 0 takes a free one.
        ready: called with the address, once it answers.

    Raises:
        StoreError: the store cannot be opened.
        ExecutorError: the port is taken.
    """
    from optuna_dashboard import wsgi

    store = StudyStore(url)
    app = wsgi(store.backend, Pictures(partial(picture_folders, store)))
    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_Quiet)
    except OSError as failure:
        raise ExecutorError(
            f"port {port} on {host} cannot be used ({failure.strerror}); give another --port or "
            "--host"
        ) from failure
    # A shell starts background jobs with SIGINT ignored, and Python leaves it so.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with server:
        ready(f"http://{host}:{server.server_port}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def picture_folders(store: StudyStore) -> list[Path]:
    """Where the studies of a store keep their pictures."""
    documents = (study.user_attrs.get(DOCUMENT, {}) for study in store.backend.get_all_studies())
    return list(dict.fromkeys(f.parent / PICTURES for d in documents for f in folders(d)))
