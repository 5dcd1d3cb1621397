"""Load what a user names as ``"my_lab.swarm:Swarm"``: plug-ins need no registry."""

from __future__ import annotations

import importlib
from typing import Any

from search_spaces.errors import ConfigError
from search_spaces.records import suggestion


def is_reference(name: str) -> bool:
    """Whether ``name`` reads ``module:attribute`` rather than a built-in name."""
    return ":" in name


def load_plugin(reference: str, what: str) -> Any:
    """The object that ``module:attribute`` names.

    Args:
        reference: a dotted module path, a colon, and an attribute of the module.
        what: the role in words ("strategy", "model family"), for the error text.

    Raises:
        ConfigError: the reference is malformed, the module cannot be imported, or it has no
            such attribute.
    """
    module_name, colon, attribute = reference.partition(":")
    dotted = all(part.isidentifier() for part in module_name.split("."))
    if not (colon and dotted and attribute.isidentifier()):
        raise ConfigError(f"a {what} is named as 'package.module:Name', got {reference!r}")
    try:
        module = importlib.import_module(module_name)
    except Exception as failure:  # an import runs a third party's code: it may raise anything
        raise ConfigError(
            f"{what} {reference!r}: module {module_name!r} cannot be imported "
            f"({type(failure).__name__}: {failure}); check the name and that it is installed"
        ) from failure
    if not hasattr(module, attribute):
        public = [name for name in vars(module) if not name.startswith("_")]
        raise ConfigError(
            f"{what} {reference!r}: {module_name!r} has no {attribute!r}; "
            f"{suggestion(attribute, public)}"
        )
    return getattr(module, attribute)
