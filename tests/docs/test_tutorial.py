"""The tutorial, typed block by block in one folder, and every command of the README.

Numbers are smaller than the page's, and searches train without Ray: see ``blocks.small``.
"""

from __future__ import annotations

import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from .blocks import DOCS, ROOT, blocks, environment, run, small, typed

#: Every block imports TensorFlow anew, which takes minutes where other work has the cores.
pytestmark = pytest.mark.timeout(900)

TUTORIAL, README = DOCS / "tutorial.md", ROOT / "README.md"
BLOCKS = [b.text for b in blocks(TUTORIAL) if b.language == "sh"]
DASHBOARD = "metaopt dashboard"

#: Commands of the README that are typed here after the tutorial's, in its folder.
MORE = ("metaopt run study.toml --dry-run", "metaopt doctor")
#: What the reader brings for them.
STUDY = """
[data]
files = ["geant4.h5"]
geometry = "clic-12x12x12"

[search]
space = "toy"
"""
#: Those that cost too much for this file, by how they begin, and the test that runs them.
ELSEWHERE = {
    "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt . &&": (
        "integration/test_run.py::test_a_gan_study_on_real_showers"
    ),
    "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e": (
        "unit/metaopt/test_docs.py::test_the_readme_commands_are_one_line_each"
    ),
    "metaopt run --data 'showers/*.h5' --geometry clic-51x51x25 ": (
        "integration/test_run.py::test_a_study_on_ray_from_run_to_export"
    ),
    "metaopt train production/ --data 'showers/*.h5' --epochs 60": (
        "integration/test_training_team.py::test_a_killed_command_goes_on_with_its_team"
    ),
}


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


def test_the_tutorial_leaves_what_it_promises(folder: Path) -> None:
    pages = {"report.html", "validation.html", "fast.h5", "geant4.h5", "ecal.toml"}
    folders = {"production", "trained", "deployed", "results"}
    assert pages | folders <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("command", MORE)
def test_a_command_of_the_readme(folder: Path, command: str) -> None:
    (folder / "study.toml").write_text(STUDY)
    assert "Traceback" not in run(folder, command)


def test_every_command_of_the_readme_is_executed_by_a_test() -> None:
    known = {*typed(TUTORIAL), *MORE}
    for command in typed(README):
        elsewhere = command.startswith(tuple(ELSEWHERE))
        assert command in known or elsewhere, f"add it to a list of this file: {command}"


def test_the_lists_name_commands_of_the_readme_and_tests_that_exist() -> None:
    commands = typed(README)
    assert set(MORE) <= set(commands)
    for beginning, place in ELSEWHERE.items():
        file, _, name = place.partition("::")
        assert any(command.startswith(beginning) for command in commands)
        assert f"def {name}(" in (ROOT / "tests" / file).read_text()


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
            assert process.wait(60) == 0
        finally:
            process.kill()
