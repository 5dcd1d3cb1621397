"""The command line explains itself, at once; bad input is in tests/integration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from metaopt.cli.main import COMMANDS, cli, main

from ...full_disk import full_disk

HEAVY = {
    "tensorflow",
    "keras",
    "ray",
    "optuna",
    "sqlalchemy",
    "sklearn",
    "scipy",
    "numpy",
    "plotly",
}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom metaopt.cli.main import main\nsys.argv = ['metaopt', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint('LOADED', *sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split("LOADED")[1].split())
    assert "click" in loaded and not loaded & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_within_80_columns(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0 and "Usage:" in result.output
    assert max(len(line) for line in result.output.splitlines()) <= 80


def test_lists_in_a_help_text_stay_lists() -> None:
    lines = CliRunner().invoke(cli, ["convert", "--help"]).output.splitlines()
    assert "  tensorflow    a SavedModel" in lines and not any("\\b" in line for line in lines)


@pytest.mark.parametrize(
    ("encoding", "name", "code"), [("ascii", "clic-12x12x12", 0), ("latin-1", "😀.toml", 2)]
)
def test_output_that_is_not_utf_8_has_question_marks_and_no_traceback(
    encoding: str, name: str, code: int, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "metaopt", "geometry", "show", name],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert b"?" in done.stdout + done.stderr and b"Traceback" not in done.stderr


def test_a_command_without_standard_streams_does_its_work(tmp_path: Path) -> None:
    """As some services start it; it has processes of its own, which print too."""
    command = f"{sys.executable} -m metaopt simulate clic-12x12x12 --events 10 --engine gflash"
    done = subprocess.run(f"{command} -o s.h5 <&- >&- 2>&-", shell=True, cwd=tmp_path, check=False)
    assert (done.returncode, [f.name for f in tmp_path.iterdir()]) == (0, ["s.h5"])


def test_a_page_that_finds_no_room_is_not_begun(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    command = ["geometry", "new", "mine", "-o", str(file)]
    with full_disk():
        failed = CliRunner().invoke(cli, command, standalone_mode=False)
    assert "cannot be written (File too large)" in str(failed.exception)
    assert not list(tmp_path.iterdir()) and CliRunner().invoke(cli, command).exit_code == 0


#: An executor that wants more memory than there is anywhere.
GREEDY = """
class Greedy:
    submit = adopt = events = stop = kill = close = print
    def __init__(self, *given):
        bytearray(1 << 62)
"""


def test_too_little_memory_is_one_line(
    tmp_path: Path,
    references: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "references").symlink_to(references)
    (tmp_path / "greedy.py").write_text(GREEDY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    command = "metaopt run --space toy --showers 100 --executor greedy:Greedy"
    monkeypatch.setattr(sys, "argv", command.split())
    with pytest.raises(SystemExit, match="1"):
        main()
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "metaopt: there is not enough memory; look at `ulimit -v`, or ask for more"
