"""Files that a user gives are read whole, or refused with a rule, at a bounded cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.documents import MAX_BYTES, MAX_DEPTH, read_json, read_text, read_toml
from search_spaces.errors import ConfigError, InputError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "d.toml"


def nested(depth: int) -> str:
    return f"x = {'[' * (depth - 1)}1{']' * (depth - 1)}"


def test_a_bound_is_the_last_that_is_allowed(path: Path) -> None:
    path.write_text(nested(MAX_DEPTH))
    assert "x" in read_toml(path, ConfigError)
    path.write_text(nested(MAX_DEPTH + 1))
    with pytest.raises(ConfigError, match="nest at most 32 deep"):
        read_toml(path, ConfigError)
    path.write_text(" " * MAX_BYTES)
    assert read_toml(path, ConfigError) == {}
    path.write_text(" " * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="at most 4 MB of text, got 4 MB"):
        read_toml(path, ConfigError)


def test_the_caller_says_how_much_is_read(path: Path) -> None:
    path.write_text("12345")
    assert read_text(path, ConfigError, 5) == "12345"
    with pytest.raises(ConfigError, match="at most 4e-06 MB"):
        read_text(path, ConfigError, 4)


def test_what_editors_of_other_systems_write(path: Path) -> None:
    path.write_bytes("\ufeff# Höhe\r\nx = 1\r\n".encode())
    assert read_toml(path, ConfigError) == {"x": 1}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"{'a.' * MAX_DEPTH}a = 1", "nest at most 32 deep"),
        (f"[{'a . ' * 100_000}a]", "nest at most 32 deep"),
        (f"x = {{{'a.' * 100_000}a = 1}}", "nest at most 32 deep"),
        (f"x = {'[' * 6000}", "nest at most 32 deep"),
        ("x = [1.0, nan]", r"x\[1\] must be a finite number, got nan"),
        ("t.x = -inf", "t.x must be a finite number, got -inf"),
        ("x = 9223372036854775808", "x must fit in 64 bits"),
        ("x = 1\nx = 2", "this key stands there twice"),
        ("x = = 1", r"not a TOML file: .*line 1, column 5.; mend it there"),
    ],
)
def test_a_bad_document_is_refused_at_once(path: Path, text: str, rule: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=rule) as caught:
        read_toml(path, ConfigError)
    assert str(path) in str(caught.value) and len(str(caught.value)) < 500


def test_long_lists_and_texts_with_dots_are_no_deep_keys(path: Path) -> None:
    numbers = [i + 0.5 for i in range(1000)]
    path.write_text(f'radii = {numbers}\ntitle = "{"Steel and air. " * 100}{"." * 100}"')
    assert read_toml(path, ConfigError)["radii"] == numbers


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "", "{'a': 1}", "[1e999]"])
def test_json_is_bounded_too(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"nest at most|not a JSON file|a finite number"):
        read_json(path, ConfigError)


@given(st.binary(max_size=200))
def test_any_bytes_are_tables_or_the_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    for read in (read_toml, read_json):
        try:
            read(path, ConfigError)
        except InputError as failure:
            assert "any.toml" in str(failure)
