"""The study store: Optuna's tables, and our own beside them in the same database.

:mod:`metaopt.store.views` holds plain records and is cheap to import;
:mod:`metaopt.store.database` and :mod:`metaopt.store.study` import Optuna.
"""

from __future__ import annotations

import os

#: Where studies are kept unless the user says otherwise.
DEFAULT_URL = "sqlite:///results/metaopt.db"
#: Environment variable with the password of a storage URL that has none.
PASSWORD_VARIABLE = "METAOPT_STORAGE_PASSWORD"  # noqa: S105 (its name)


def with_home(url: str) -> str:
    """The URL of an SQLite store with the user's folder for the ``~`` that its path begins with."""
    scheme, mark, path = url.partition(":///")
    home = mark and scheme.startswith("sqlite") and path.startswith("~")
    return f"{scheme}{mark}{os.path.expanduser(path)}" if home else url  # noqa: PTH111 (a query may follow)
