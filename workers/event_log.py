"""A log for TensorBoard: event files of TensorFlow's summary writer.

The package tensorboard, which shows them, is not needed to write them.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from workers.trial import Resources


class EventLog:
    """A new log in a folder, which takes the place of an older one.

    Args:
        folder: of the event files.
        resources: of this process, if it has not started TensorFlow yet.
    """

    def __init__(self, folder: Path, resources: Resources) -> None:
        from workers.models.gan3d import backend

        backend.start(resources)
        import tensorflow as tf

        shutil.rmtree(folder, ignore_errors=True)
        self._writer = tf.summary.create_file_writer(str(folder))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to each of some curves."""
        import tensorflow as tf

        # tf.summary.scalar wants the package tensorboard.
        value = tf.compat.v1.Summary.Value
        made = [value(tag=tag, simple_value=number) for tag, number in values.items()]
        summary = tf.compat.v1.Summary(value=made).SerializeToString()
        with self._writer.as_default():
            tf.summary.experimental.write_raw_pb(summary, step=step)
        self._writer.flush()
