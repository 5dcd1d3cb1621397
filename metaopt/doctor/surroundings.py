"""What a study talks to: the Ray cluster, the study store, the port of the dashboard."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from metaopt.doctor.finding import Finding, problem_of
from metaopt.filesystems import place_of
from search_spaces.errors import MetaoptError

#: Of `metaopt dashboard`, unless another is asked for.
DASHBOARD_PORT = 8080
_TOKENS = "docs/cluster.md says how nodes share a token"


def ray_cluster(address: str) -> Iterator[Finding]:
    """Whether a cluster answers, what it has, and how it is protected."""
    yield _token(address)
    if not address:
        yield Finding("ray", "ok", "no address given: `metaopt run` starts Ray on this machine")
        return
    try:
        from workers.executors.ray_cluster import Cluster

        cluster = Cluster(address)
    except (MetaoptError, ImportError) as failure:
        yield problem_of("ray", failure, address)
        return
    try:
        yield Finding("ray", "ok", f"the cluster answers, with {cluster.resources()}")
    finally:
        cluster.leave()


def store(url: str) -> Iterator[Finding]:
    """Whether the study store can be used, and what is in it."""
    try:
        from metaopt.store.database import is_there
        from metaopt.store.inspection import inspect

        if not is_there(url):
            yield Finding("store", "ok", "none yet: `metaopt run` makes it")
            return
        facts = inspect(url)
    except (MetaoptError, ImportError) as failure:
        yield problem_of("store", failure, url)
        return
    if not facts.schema:
        yield Finding("store", "ok", f"{facts.kind}, empty: `metaopt run` makes its tables")
    else:
        studies = f"{facts.studies} stud{'ies' if facts.studies != 1 else 'y'}"
        yield Finding("store", "ok", f"{facts.kind}, schema {facts.schema}, {studies}")
    if facts.file and (place := place_of(facts.file)).shared:
        # SQLite's locks and write-ahead log fail there.
        remedy = "keep it on a local disk, or use PostgreSQL"
        yield Finding("store", "warning", f"SQLite on a shared file system ({place.kind})", remedy)


def dashboard_port() -> Iterator[Finding]:
    """Whether the dashboard's port is free."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", DASHBOARD_PORT))
        except OSError:
            remedy = "give `metaopt dashboard --port 0`, which takes a free one"
            yield Finding("dashboard", "warning", f"port {DASHBOARD_PORT} is taken", remedy)
            return
    yield Finding("dashboard", "ok", f"port {DASHBOARD_PORT} is free")


def _token(address: str) -> Finding:
    """How Ray's token is set here; which one is never said."""
    mode, source = os.environ.get("RAY_AUTH_MODE", ""), _token_source()
    if mode != "token":
        text = f"RAY_AUTH_MODE is {mode or 'not set'}: no token is shown to a cluster"
        hint = "a cluster that `ray start` began wants RAY_AUTH_MODE=token and its token"
        return Finding("ray token", "ok", text, hint if address else "")
    if source:
        return Finding("ray token", "ok", f"RAY_AUTH_MODE=token, with that of {source}")
    text = "RAY_AUTH_MODE=token, and there is no token"
    return Finding("ray token", "problem" if address else "warning", text, _TOKENS)


def _token_source() -> str:
    """Where Ray takes the token from."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return "RAY_AUTH_TOKEN"
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    if named and Path(named).is_file():
        return "RAY_AUTH_TOKEN_PATH"
    return "~/.ray/auth_token" if (Path.home() / ".ray" / "auth_token").is_file() else ""
