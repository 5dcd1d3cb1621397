"""Storage URLs and their passwords."""

from __future__ import annotations

import pytest

from metaopt.store import PASSWORD_VARIABLE
from metaopt.store.urls import masked, parse, scrubbed
from search_spaces.errors import StoreError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:secret@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql+psycopg://me:sec%2Fret@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql://me@host/db?a=b&password=secret", "postgresql://me@host/db?a=b&password=***"),
        ("postgresql://me@host/db?sslpassword=secret", "postgresql://me@host/db?sslpassword=***"),
        ("postgresql+psycopg://me:secret", "the given storage URL"),
        ("postgresql+psycopg://me:a@secret@host/db", "the given storage URL"),
        ("sqlite:///results/metaopt.db", "sqlite:///results/metaopt.db"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize("url", ["me:secret", "postgresql://me:secret", "pg://a:b@secret@host/db"])
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(StoreError) as failure:
        parse(url)
    assert "secret" not in str(failure.value) and failure.value.__cause__ is None


@pytest.mark.parametrize(
    "said", ["no user with p/ w!", "bad 'p%2F%20w%21' in dsn", "p/%20w%21", "is p%2F+w%21"]
)
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:p%2F%20w!@host/db?sslmode=prefer",
        "postgresql://me@host/db?sslmode=prefer&password=p%2F%20w!",
        "postgresql://me@host/db?sslmode=prefer&pwd=p/+w!&pwd=other",
    ],
)
def test_passwords_are_taken_out_of_a_drivers_words(said: str, url: str) -> None:
    text = scrubbed(f"prefer: {said}", url)
    assert text.startswith("prefer: ") and "***" in text
    assert "w!" not in text and "w%21" not in text


def test_a_password_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "p@ss/word")
    assert parse("postgresql://me@host/db").password == "p@ss/word"
    assert parse("postgresql://me:other@host/db").password == "other"
    assert parse("sqlite:///a.db").password is None
    assert masked("postgresql://me@host/db") == "postgresql://me@host/db"
