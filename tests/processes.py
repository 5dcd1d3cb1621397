"""The processes that a test started, whoever their parent is by now."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: The environment variable that a test gives them, and that their children inherit.
MARK = "METAOPT_TEST_MARK"


def marked(mark: str, title: bytes = b"") -> list[int]:
    """Processes that inherited the mark, and whose title begins so."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (folder / "environ").read_bytes()
            if f"{MARK}={mark}".encode() in environment.split(b"\0") and (
                (folder / "cmdline").read_bytes().startswith(title)
            ):
                found.append(int(folder.name))
    return found


def left_behind(mark: str, seconds: float = 90) -> list[str]:
    """Command lines of the marked processes that have not ended after that time.

    Ray's agents see the death of their node at once, and try for a minute to tell the head.
    """
    deadline = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    lines = []
    for number in left:
        with suppress(OSError):
            lines.append(Path(f"/proc/{number}/cmdline").read_text().replace("\0", " "))
    return lines


def until(true: Callable[[], bool], seconds: float = 240) -> None:
    """Wait for something that must come true within that time, long for a busy machine."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
