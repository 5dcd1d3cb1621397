"""The log of a training is one that TensorFlow, and TensorBoard, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.event_log import EventLog, curves


def points(folder: Path) -> dict[tuple[str, int], float]:
    """The values of all curves, as the file format has them; its checksums are checked."""
    import tensorflow as tf

    found = {}
    for file in folder.glob("events.out.tfevents.*"):
        for raw in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(raw)
            found |= {(v.tag, event.step): v.simple_value for v in event.summary.value}
    return found


def test_a_log_holds_its_curves_and_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    old = EventLog(folder)
    old.write(7, {"score/S": 2.0})
    old.close()
    log = EventLog(folder)
    for step, score in ((1, 1.5), (2, 1.25)):
        log.write(step, curves({"score": {"S": score}, "losses": {"g_bins": 3.0}}))
    found = points(folder)  # while it is open: people look on
    assert found["score/S", 1] == 1.5 and found["score/S", 2] == 1.25
    assert found["losses/g_bins", 2] == pytest.approx(3.0) and len(found) == 4
    log.close()
    more = EventLog(folder, goes_on=True)
    more.write(3, {"score/S": 1.0})
    more.close()
    assert len(points(folder)) == 5
