"""Every error that metaopt raises, and the exit code that the command line gives it.

The tree is drawn in :mod:`search_spaces.errors`; import the classes from here.
"""

from __future__ import annotations

from search_spaces.errors import (
    ConfigError,
    DataError,
    DivergedError,
    ExecutorError,
    GeometryError,
    InfeasibleError,
    InputError,
    MetaoptError,
    MissingExtraError,
    NoCompleteTrialError,
    SpaceError,
    StoreError,
    TrialFailedError,
)

__all__ = [
    "DONE",
    "FAILURE",
    "INTERRUPTED",
    "MISSING_EXTRA",
    "NO_COMPLETE_TRIAL",
    "USAGE",
    "ConfigError",
    "DataError",
    "DivergedError",
    "ExecutorError",
    "GeometryError",
    "InfeasibleError",
    "InputError",
    "MetaoptError",
    "MissingExtraError",
    "NoCompleteTrialError",
    "SpaceError",
    "StoreError",
    "TrialFailedError",
    "exit_code",
]

DONE, FAILURE, USAGE, NO_COMPLETE_TRIAL, MISSING_EXTRA, INTERRUPTED = 0, 1, 2, 3, 4, 130


def exit_code(error: MetaoptError) -> int:
    """The exit code of an error: what the user can mend in the input is 2."""
    if isinstance(error, InputError):
        return USAGE
    if isinstance(error, NoCompleteTrialError):
        return NO_COMPLETE_TRIAL
    if isinstance(error, MissingExtraError):
        return MISSING_EXTRA
    return FAILURE
