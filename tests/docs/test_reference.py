"""The reference pages say what the code says."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from metaopt.cli.main import COMMANDS
from metaopt.config import StudyConfig
from search_spaces.geometry import Cells, Geometry, GFlash, Layers, Storage

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "keys.md"])
def test_a_page_is_fresh(reference: ModuleType, name: str) -> None:
    page = DOCS / "reference" / name
    assert page.read_text() == reference.PAGES[name](), "stale: run `python docs/reference.py`"


def test_every_command_has_its_options() -> None:
    page = (DOCS / "reference" / "commands.md").read_text()
    assert set(COMMANDS) <= set(re.findall(r"^## metaopt (\S+)$", page, re.MULTILINE))
    assert "## metaopt bench inference" in page and "`--log NAME`" in page


@pytest.mark.parametrize("record", [StudyConfig, Geometry, Cells, Layers, Storage, GFlash])
def test_every_key_has_a_row(record: type) -> None:
    page = (DOCS / "reference" / "keys.md").read_text()
    for field in dataclasses.fields(record):
        assert f"[{field.name}]" in page if record is StudyConfig else f"| `{field.name}` |" in page


def test_a_key_without_a_text_is_refused(reference: ModuleType) -> None:
    @dataclasses.dataclass
    class Undocumented:
        """Nothing.

        Attributes:
            known: a key
                of two lines.
        """

        known: int = 1
        unknown: int = 1

    assert reference.attributes(Undocumented) == {"known": "a key of two lines."}
    with pytest.raises(KeyError, match="unknown"):
        reference._record(Undocumented, "table")
