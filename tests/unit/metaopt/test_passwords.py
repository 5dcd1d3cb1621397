"""Passwords of storage URLs in arguments."""

from __future__ import annotations

import pytest

from metaopt.cli.passwords import without_password


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("url", "clean", "password"),
    [
        ("postgresql+psycopg://me:p%40w@host:1/db", "postgresql+psycopg://me@host:1/db", "p%40w"),
        ("postgresql://me:p/w:x@/db?host=/tmp", "postgresql://me@/db?host=/tmp", "p/w:x"),
        ("postgresql://me@host:1/db", "postgresql://me@host:1/db", None),
        ("sqlite:///a:b@c.db", "sqlite:///a:b@c.db", None),
        ("sqlite:///results/metaopt.db", "sqlite:///results/metaopt.db", None),
    ],
)
def test_a_password_is_taken_out(
    together: bool, url: str, clean: str, password: str | None
) -> None:
    def arguments(url: str) -> list[str]:
        option = [f"--storage={url}"] if together else ["--storage", url]
        return ["metaopt", "show", *option, "s"]

    assert without_password(arguments(url)) == (arguments(clean), password)


def test_other_arguments_stay_as_they_are() -> None:
    arguments = ["metaopt", "run", "--data", "https://me:word@host/x.h5"]
    assert without_password(arguments) == (arguments, None)
