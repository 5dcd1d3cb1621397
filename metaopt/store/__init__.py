"""The study store: Optuna's tables, and our own beside them in the same database.

:mod:`metaopt.store.views` holds plain records and is cheap to import;
:mod:`metaopt.store.database` and :mod:`metaopt.store.study` import Optuna.
"""

#: Where studies are kept unless the user says otherwise.
DEFAULT_URL = "sqlite:///results/metaopt.db"
#: Environment variable with the password of a storage URL that has none.
PASSWORD_VARIABLE = "METAOPT_STORAGE_PASSWORD"  # noqa: S105 (its name)
