"""What a result was made with: versions, and nothing about people or machines."""

from __future__ import annotations

import platform
from importlib import metadata

#: The libraries whose version can change a result.
LIBRARIES = ("metaopt", "tensorflow", "keras", "numpy", "scipy", "optuna", "deap", "ray")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that can change a result."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
