"""The commands of the README, typed in one folder, in the order in which they stand there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ..ray_cluster import OPEN, Cluster
from .blocks import DOCS, ROOT, blocks, command_of, run, small

#: As for the tutorial.
pytestmark = pytest.mark.timeout(900)

INSTALLING, TESTING, USING = (b.text for b in blocks(ROOT / "README.md") if b.language == "sh")
#: Stands for the page's calorimeter, which has forty times as many cells.
GEOMETRY = "clic-12x12x12"
#: What the reader brings: a study file.
STUDY = f"""
[data]
files = ["geant4.h5"]
geometry = "{GEOMETRY}"

[search]
space = "toy"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Showers, made in seconds, and the study file."""
    made = tmp_path_factory.mktemp("readme")
    run(made, f"metaopt simulate {GEOMETRY} --engine gflash --events 2100 -o geant4.h5")
    (made / "showers").mkdir()
    shutil.copy(made / "geant4.h5", made / "showers" / "all.h5")
    (made / "study.toml").write_text(STUDY)
    return made


def test_what_is_done_with_ones_own_detector(folder: Path) -> None:
    """One worker, on a cluster whose graphics processor exists for Ray alone."""
    first, *others = filter(None, map(command_of, USING.splitlines()))
    first = first.replace("--geometry clic-51x51x25", f"--geometry {GEOMETRY}")
    assert GEOMETRY in first
    graphics = Cluster(cpus=1, gpus=1)
    try:
        tested = f"{small(first)} --space toy --ray-address {graphics.address}"
        assert "--gpus 0.5" in tested
        assert "trial 0 complete" in run(folder, tested, **OPEN)
    finally:
        graphics.close()
    run(folder, small("\n".join(others)))
    assert {"production", "trained", "fast.h5", "validation.html"} <= names(folder)


def test_the_main_command_is_that_of_the_tutorial_which_begins_in_an_empty_folder() -> None:
    first = next(b.text for b in blocks(DOCS / "tutorial.md") if b.language == "sh")
    main = INSTALLING.rpartition(" && ")[2].strip().removeprefix(".venv/bin/")
    assert first.startswith(f"{main} --study first ") and main == "metaopt run --strategy genetic"


def test_installing_differs_for_tests_by_what_they_need_alone() -> None:
    """The gate runs the test command as it stands; the main command installs in the same way."""
    installing, testing = (text.rpartition(" && ")[0] for text in (INSTALLING, TESTING))
    assert installing.removesuffix(" .") == testing.removesuffix(" -e '.[test]'")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
