"""Load what a user names as ``"my_lab.swarm:Swarm"``: plug-ins need no registry."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from search_spaces.errors import ConfigError
from search_spaces.records import shown, suggestion


def is_reference(name: str) -> bool:
    """Whether ``name`` reads ``module:attribute`` rather than a built-in name."""
    return ":" in name


def load_class(name: str, builtin: Mapping[str, str], what: str, *methods: str) -> type:
    """The class of a built-in name, or of ``"package.module:Class"``.

    Args:
        name: what the user gave.
        builtin: names to references.
        what: the role in words ("strategy", "model family"), for the error text.
        methods: what the role needs.

    Raises:
        ConfigError: no such name, module or attribute, or not a class with these methods.
    """
    if name not in builtin and not is_reference(name):
        raise ConfigError(
            f"unknown {what} {shown(name)}; {suggestion(name, builtin)}, or name your own as "
            "'package.module:Class'"
        )
    found = load_plugin(builtin.get(name, name), what)
    for method in methods:
        if not isinstance(found, type) or not callable(getattr(found, method, None)):
            raise ConfigError(
                f"{what} {name!r} must be a class with a method {method!r}, got {shown(found)}"
            )
    return cast("type", found)


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
        raise ConfigError(
            f"your own {what} is named as 'package.module:Name', got {shown(reference)}"
        )
    try:
        module = importlib.import_module(module_name)
    # An import runs a third party's code: it may raise anything, or end as a script does.
    except (Exception, SystemExit) as failure:
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
