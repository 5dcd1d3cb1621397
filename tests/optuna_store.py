"""A study store as another program opens it: by Optuna alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from optuna.storages import RDBStorage


@contextmanager
def opened(url: str) -> Iterator[RDBStorage]:
    """Optuna's storage; its connections are closed at the end, which Optuna leaves to chance."""
    storage = RDBStorage(url.replace("{", "{{").replace("}", "}}"))  # Optuna formats braces
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()
