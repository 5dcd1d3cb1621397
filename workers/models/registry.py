"""Model families by name."""

from __future__ import annotations

from typing import cast

from search_spaces.plugins import load_plugin
from workers.models.base import ModelFamily

BUILTIN = {
    "gan3d": "workers.models.gan3d.family:Gan3D",
    "toy": "workers.models.toy:Toy",
}


def make_family(name: str) -> ModelFamily:
    """The family of a built-in name or of ``"module:Class"``.

    Raises:
        ConfigError: no such name, module or class.
    """
    return cast("ModelFamily", load_plugin(BUILTIN.get(name, name), "model family")())
