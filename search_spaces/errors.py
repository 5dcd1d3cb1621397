"""The error tree. Every text gives the rule, the value got and the remedy.

It stands in the lowest package so that all four can raise from one tree; users
import it from :mod:`metaopt.errors`, where each class meets its exit code.

::

    MetaoptError
    ├── InputError (ValueError)           what the user gave cannot be used
    │   ├── SpaceError                    a search space or a point of it
    │   ├── GeometryError                 a calorimeter description
    │   ├── DataError                     shower files and arrays
    │   └── ConfigError                   study.toml and command-line options
    ├── TrialFailedError (ValueError)     a trial's own fault: told to the strategy, never retried
    │   ├── InfeasibleError               the network cannot be built or does not fit in memory
    │   └── DivergedError                 NaN, or all energy lost
    ├── StoreError (OSError)              the study store cannot be read or written
    ├── ExecutorError (RuntimeError)      workers cannot be had
    ├── NoCompleteTrialError (LookupError)
    └── MissingExtraError (ImportError)   an optional package is absent
"""

from __future__ import annotations


class MetaoptError(Exception):
    """Base of every error that metaopt raises on purpose."""


class InputError(MetaoptError, ValueError):
    """What the user gave cannot be used."""


class SpaceError(InputError):
    """A search space, or a point of one, breaks a rule."""


class GeometryError(InputError):
    """A calorimeter description breaks a rule."""


class DataError(InputError):
    """Shower files or arrays are not what the geometry says."""


class ConfigError(InputError):
    """A study configuration or command-line option breaks a rule."""


class TrialFailedError(MetaoptError, ValueError):
    """A trial failed because of its own parameters: told to the strategy, never retried."""


class InfeasibleError(TrialFailedError):
    """The network cannot be built for the geometry, or does not fit in memory."""


class DivergedError(TrialFailedError):
    """Training gave NaN, or a generator without energy."""


class StoreError(MetaoptError, OSError):
    """The study store cannot be opened, read or written."""


class ExecutorError(MetaoptError, RuntimeError):
    """Workers, or the resources asked for, cannot be had."""


class NoCompleteTrialError(MetaoptError, LookupError):
    """The study has no complete trial to answer from."""


class MissingExtraError(MetaoptError, ImportError):
    """An optional package is absent; the text gives the install line."""
