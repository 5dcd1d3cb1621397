"""What the how-to pages tell the reader to save and to type, in their order."""

from __future__ import annotations

import tomllib
from pathlib import Path

import h5py
import pytest

from metaopt.config import StudyConfig
from search_spaces.records import decode

from ..conftest import SAMPLE
from .blocks import DOCS, blocks, run, save

#: As for the tutorial.
pytestmark = pytest.mark.timeout(900)

PAGES = ("own-data", "own-strategy", "own-metric", "choose-strategy", "resume")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str, tmp_path: Path) -> None:
    _put_showers(tmp_path)
    said = ""
    for block in blocks(DOCS / f"{page}.md"):
        if block.file:
            save(tmp_path, block)
        elif block.language == "sh":
            said += run(tmp_path, block.text)
        elif block.language == "toml":
            tables = {"data": {"files": ["sample"], "geometry": "clic-12x12x12"}}
            decode(StudyConfig, {**tables, **tomllib.loads(block.text)}, page)
        else:
            raise AssertionError(f"{page}.md: a block of {block.language} that nothing executes")
    assert said and "Traceback" not in said


def _put_showers(folder: Path) -> None:
    """The files of full-simulation and of fast showers that pages speak of."""
    with h5py.File(SAMPLE) as sample:
        for name, rows in (("geant4.h5", slice(0, 1300)), ("fast.h5", slice(1300, 1700))):
            with h5py.File(folder / name, "w") as file:
                file["ECAL"], file["energy"] = sample["ECAL"][rows], sample["energy"][rows]
