"""The fenced blocks of a page, what is typed there, and how a test types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

#: What a test types in the place of a number that costs time.
SMALL = {
    "trials": 1,
    "epochs": 1,
    "showers": 64,
    "events": 300,
    "simulate": 1300,  # a fifth of them is needed for each score
    "time-budget": "10m",
}
#: The lines that a page asks the reader to save: <!-- file: NAME -->.
_FENCE = re.compile(
    r"(?:<!-- (?P<mark>[^>]+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL
)


class Block(NamedTuple):
    """A fenced block: its language, its text, and the name of the file that it is, if any."""

    language: str
    text: str
    file: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    for found in _FENCE.finditer(page.read_text()):
        kind, _, name = (found["mark"] or "").partition(": ")
        yield Block(found["language"], found["text"], name if kind == "file" else "")


def command_of(line: str) -> str:
    """A line without its comment."""
    return re.sub(r"(^|\s+)#.*", "", line).strip()


def small(text: str) -> str:
    """The same commands with the smaller numbers of a test."""
    text = re.sub(
        rf"--({'|'.join(SMALL)}) \S+", lambda found: f"--{found[1]} {SMALL[found[1]]}", text
    )
    return text.replace("metaopt train ", "metaopt train --showers-per-epoch 64 ")


def run(folder: Path, text: str, **variables: str) -> str:
    """What a script prints when it is typed in a folder, with these environment variables."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=environment() | variables,
        text=True,
        capture_output=True,
        check=False,
        timeout=880,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def environment() -> dict[str, str]:
    """With the commands of this Python's environment first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def save(folder: Path, block: Block) -> None:
    """Write a block that is a file."""
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)
