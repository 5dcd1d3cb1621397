"""Passwords on the command line: every user of a machine can read it in the list of processes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from metaopt.store import PASSWORD_VARIABLE

OPTION = "--storage"
#: A storage URL with a password between its first ':' after the user and its only '@'.
URL = re.compile(r"(?P<user>[\w+.-]+://[^:/?@]*):(?P<password>[^@]*)@(?P<rest>[^@]*)")


def hide_password() -> None:
    """Where the command line shows a password, start again with it in the environment.

    The process stays the same. Ray's records of the command line are spared as well.
    """
    clean, password = without_password(sys.orig_argv)
    if password is not None:
        from urllib.parse import unquote

        os.environ[PASSWORD_VARIABLE] = unquote(password)
        os.execv(sys.executable, clean)  # noqa: S606 (no shell is wanted)


def without_password(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without the password of ``--storage URL``, and the password as it stands."""
    clean, password = list(arguments), None
    for i, argument in enumerate(arguments):
        together = argument.startswith(f"{OPTION}=")
        url = argument.removeprefix(f"{OPTION}=")
        found = URL.fullmatch(url) if together or arguments[i - 1] == OPTION else None
        if found and found["password"]:
            clean[i] = argument.removesuffix(url) + f"{found['user']}@{found['rest']}"
            password = found["password"]
    return clean, password
