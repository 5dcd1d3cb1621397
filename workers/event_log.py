"""A log for TensorBoard: event files, written without TensorFlow and without TensorBoard."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Curves by chapter, which TensorBoard shows as one group each.
Chapters = Mapping[str, Mapping[str, float]]


class EventLog:
    """A log in a folder.

    Args:
        folder: of the event files; made where it is missing.
        goes_on: whether the files of an older log stay; otherwise this one takes their place.

    Raises:
        OSError: it cannot be written; likewise from the methods.
    """

    def __init__(self, folder: Path, *, goes_on: bool = False) -> None:
        from tensorboardX.event_file_writer import EventsWriter

        if not goes_on:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        # Several files of a log may be begun in one second, which is all that their names hold.
        suffix = f".{os.getpid()}.{len(list(folder.iterdir()))}"
        self._writer = EventsWriter(str(folder / "events"), suffix)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to each of some curves."""
        from tensorboardX.proto.summary_pb2 import Summary

        made = [Summary.Value(tag=tag, simple_value=number) for tag, number in values.items()]
        self.add(Summary(value=made), step)

    def add(self, summary: Any, step: int = 0) -> None:
        """Add a summary, as TensorBoard's plug-ins define them."""
        from tensorboardX.proto.event_pb2 import Event

        self._writer.write_event(Event(wall_time=time.time(), step=step, summary=summary))
        self._writer.flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._writer.close()


def curves(chapters: Chapters) -> dict[str, float]:
    """The values of all chapters, each by the name of its curve: ``chapter/name``."""
    return {f"{name}/{key}": v for name, part in chapters.items() for key, v in part.items()}
