"""The tutorial, typed block by block in one folder, with smaller numbers than the page's."""

from __future__ import annotations

import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from .blocks import DOCS, blocks, environment, run, small

#: Every block imports TensorFlow anew, which takes minutes where other work has the cores.
pytestmark = pytest.mark.timeout(900)

BLOCKS = [b.text for b in blocks(DOCS / "tutorial.md") if b.language == "sh"]
DASHBOARD = "metaopt dashboard"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tutorial")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_next_block_of_the_tutorial(folder: Path, number: int) -> None:
    if BLOCKS[number].strip() == DASHBOARD:
        _look_at_the_dashboard(folder)
        return
    said = run(folder, small(BLOCKS[number]))
    assert "Traceback" not in said
    assert number or "published" in said


def test_the_tutorial_leaves_what_it_promises(folder: Path) -> None:
    model = {"production.toml", "generator.weights.h5", "summary.txt", "check.npz"}
    assert model <= {path.name for path in (folder / "production").iterdir()}
    assert (folder / "results" / "metaopt.db").is_file()
    pages = {"report.html", "validation.html", "fast.h5", "geant4.h5", "ecal.toml"}
    folders = {"production", "trained", "deployed", "results"}
    assert pages | folders <= {path.name for path in folder.iterdir()}


def _look_at_the_dashboard(folder: Path) -> None:
    """On any free port: another program may have the usual one."""
    command = [*DASHBOARD.split(), "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=environment(), text=True, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        try:
            lines = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stderr)
            address = next(found[0] for found in lines if found)
            with urllib.request.urlopen(f"{address}/dashboard", timeout=60) as answer:
                assert "Optuna" in answer.read().decode()
            process.send_signal(signal.SIGINT)
            assert process.wait(240) == 0
        finally:
            process.kill()
