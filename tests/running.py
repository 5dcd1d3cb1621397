"""The command line as a user types it: commands that end, and commands that go on."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def metaopt(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command that ended with that code."""
    done = subprocess.run(
        [sys.executable, "-m", "metaopt", *arguments],
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
        timeout=480,
    )
    assert done.returncode == code, done.stderr
    return done


@contextmanager
def started(
    folder: Path, *arguments: str, everything: bool = False
) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A running command and its standard error, or everything that it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", "metaopt", *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE if everything else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if everything else subprocess.PIPE,
    ) as process:
        stream = process.stdout if everything else process.stderr
        assert stream is not None
        try:
            yield process, stream
        finally:
            process.kill()


def wait_for(stream: IO[str], pattern: str) -> str:
    """What a command says until a line has the pattern."""
    said = ""
    for line in stream:
        said += line
        if re.search(pattern, line):
            return said
    raise AssertionError(f"the process ended before {pattern!r}; it said:\n{said}")
