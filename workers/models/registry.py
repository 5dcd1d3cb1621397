"""Model families by name."""

from __future__ import annotations

from typing import cast

from search_spaces.errors import ConfigError
from search_spaces.plugins import load_class
from workers.models.base import ModelFamily

BUILTIN = {
    "gan3d": "workers.models.gan3d.family:Gan3D",
    "toy": "workers.models.toy:Toy",
}


def make_family(name: str) -> ModelFamily:
    """The family of a built-in name or of ``"module:Class"``.

    Raises:
        ConfigError: no such name, module or class, or one that cannot be made.
    """
    cls = load_class(name, BUILTIN, "model family", "problem", "build", "load")
    try:
        return cast("ModelFamily", cls())
    except (TypeError, ValueError) as failure:
        raise ConfigError(f"model family {name!r} cannot be made: {failure}") from failure
