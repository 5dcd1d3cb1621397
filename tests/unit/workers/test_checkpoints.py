"""A trial that is cut off goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from workers import checkpoints, snapshots
from workers.models.registry import make_family
from workers.runner import trial_events
from workers.schedule import Change
from workers.trial import (
    Budget,
    DataSpec,
    Outcome,
    Progress,
    Resources,
    TrialEvent,
    TrialResult,
    TrialSpec,
)

from .data.conftest import GEOMETRY

GAN = {
    "g_layers": 2, "g1_filters": 2, "g2_filters": 2, "g1_kernel": 3, "g2_kernel": 3,
    "d_layers": 2, "d1_filters": 2, "d2_filters": 2, "d1_kernel": 3, "d2_kernel": 3,
    "latent_size": 8, "batch_size": 16, "average": 0.9,
}  # fmt: skip


@pytest.fixture
def spec(toy_spec: TrialSpec, tmp_path: Path) -> TrialSpec:
    return replace(
        toy_spec,
        budget=Budget(4, 48, 50),
        checkpoint=str(tmp_path / "checkpoint"),
        checkpoint_seconds=0.0,
    )


def run(spec: TrialSpec, epochs: int = 0) -> list[TrialEvent]:
    """All events; with ``epochs``, up to a stop after as many."""
    asked = itertools.count(1)
    return list(trial_events(spec, lambda: next(asked) == epochs))


def without_time(events: list[TrialEvent]) -> list[TrialEvent]:
    timeless = []
    for event in events:
        if isinstance(event, TrialResult):
            metrics = {k: v for k, v in event.metrics.items() if k != "ms_per_shower"}
            timeless.append(replace(event, seconds=0.0, metrics=metrics))
        else:
            timeless.append(replace(event, seconds=0.0, ms_per_shower=None))
    return timeless


def arrays(folder: str) -> dict[str, np.ndarray]:
    """Everything that the saved model holds, by file and name."""
    found: dict[str, np.ndarray] = {}
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            found |= {f"{path.name}/{name}": file[name] for name in file.files}
    for path in sorted(Path(folder).glob("*.h5")):
        with h5py.File(path) as file:
            found |= {f"{path.name}{name}": array for name, array in datasets(file)}
    return found


def datasets(group: h5py.Group) -> Iterator[tuple[str, np.ndarray]]:
    for item in group.values():
        if isinstance(item, h5py.Dataset):
            yield item.name, item[()]
        else:
            yield from datasets(item)


@pytest.mark.parametrize(("family", "cut"), [("toy", 1), ("toy", 3), ("gan3d", 2)])
def test_a_resumed_trial_ends_as_one_never_stopped_bit_for_bit(
    spec: TrialSpec, family: str, cut: int
) -> None:
    if family == "gan3d":
        spec = replace(spec, family=family, preset="fixed-angle", point=GAN)
    whole = replace(spec, folder=f"{spec.folder}-whole", checkpoint="")
    undisturbed = run(whole)
    first = run(spec, cut)
    assert isinstance(first[-1], TrialResult)
    assert first[-1].outcome is Outcome.STOPPED
    resumed = run(spec)
    # What was reported before is reported again, so that every consumer sees the whole.
    assert resumed[:cut] == first[:cut]
    assert without_time(resumed) == without_time(undisturbed)
    seconds = [e.seconds for e in resumed]
    assert seconds == sorted(seconds)
    expected, got = (arrays(s.folder) for s in (whole, spec))
    assert expected.keys() == got.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(got[name], array, err_msg=name)


@pytest.fixture
def stopped(toy_spec: TrialSpec, tmp_path: Path) -> TrialSpec:
    """A toy trial that was stopped after the second of four epochs."""
    spec = replace(
        toy_spec, budget=Budget(4, 100, 80), checkpoint=str(tmp_path / "c"), checkpoint_seconds=0.0
    )
    run(spec, 2)
    return spec


def test_one_checkpoint_is_kept_and_nothing_else(stopped: TrialSpec) -> None:
    assert [p.name for p in Path(stopped.checkpoint).iterdir()] == ["epoch-0002"]


def test_the_newest_is_that_of_the_highest_epoch(stopped: TrialSpec) -> None:
    place = Path(stopped.checkpoint)
    for epoch in (9999, 10000, 10001):
        shutil.copytree(place / "epoch-0002", snapshots.of_epoch(place, epoch))
    (place / "epoch-mine").mkdir()
    kept = checkpoints.latest(stopped)
    assert kept is not None and kept.folder.name == "epoch-10001"


def test_checkpoints_are_as_far_apart_as_asked(toy_spec: TrialSpec, tmp_path: Path) -> None:
    spec = replace(toy_spec, checkpoint=str(tmp_path / "c"), checkpoint_seconds=1000.0)
    run(spec)
    assert not Path(spec.checkpoint).exists()
    run(spec, 1)  # but a stop is a reason of its own
    assert len(list(Path(spec.checkpoint).iterdir())) == 1


def test_another_trial_starts_from_the_beginning(
    stopped: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkpoints.latest(stopped) is not None
    monkeypatch.chdir(stopped.checkpoint)
    for other in (
        replace(stopped, checkpoint=""),
        replace(stopped, seed=77),
        replace(stopped, point={"rate": 0.1}),
        replace(stopped, budget=Budget(4, 90, 80)),
        replace(stopped, budget=Budget(4, 100, 90)),
        replace(stopped, budget=Budget(1, 100, 80)),
        replace(stopped, family="gan3d"),
        replace(stopped, preset="other"),
        replace(stopped, geometry=GEOMETRY),
        replace(stopped, data=DataSpec(stopped.data.files)),
        replace(stopped, resources=Resources(precision="bfloat16")),
        # Its last epoch had the same values, but not those before.
        replace(stopped, schedule=(Change(1, {"rate": 0.1}), Change(2, {**stopped.point}))),
    ):
        assert checkpoints.latest(other) is None, other


def test_the_same_showers_elsewhere_and_changes_to_come_are_no_other_trial(
    stopped: TrialSpec,
) -> None:
    moved = replace(stopped.data, files=("/elsewhere/a.h5",))
    later, done = (Change(3, {"rate": 0.1}),), Budget(2, 100, 80)
    same = replace(stopped, data=moved, schedule=later, budget=done)
    assert checkpoints.latest(same) is not None


def test_a_longer_budget_goes_on(stopped: TrialSpec) -> None:
    events = run(replace(stopped, budget=Budget(5, 100, 80)))
    assert [e.epoch for e in events if isinstance(e, Progress)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("damage", ["record", "deep", "model", "bits", "both", "half"])
def test_a_damaged_checkpoint_is_as_none(stopped: TrialSpec, damage: str) -> None:
    folder = Path(stopped.checkpoint) / "epoch-0002"
    if damage in ("record", "both"):
        (folder / snapshots.RECORD).write_text('{"trial": ')
    if damage == "deep":
        (folder / snapshots.RECORD).write_text("[" * 100_000)
    if damage in ("model", "both"):
        (folder / "toy.json").unlink()
    if damage == "bits":
        (folder / "toy.json").write_text((folder / "toy.json").read_text().replace("1", "2"))
    if damage == "half":
        folder.rename(folder.with_name(".part-elsewhere-1"))
    events = run(stopped)
    assert [e.epoch for e in events if isinstance(e, Progress)] == [1, 2, 3, 4]


def test_a_checkpoint_holds_no_pickle(stopped: TrialSpec) -> None:
    names = [p.name for p in Path(stopped.checkpoint).rglob("*") if p.is_file()]
    assert sorted(names) == [snapshots.RECORD, "toy.json"]
    json.loads((Path(stopped.checkpoint) / "epoch-0002" / snapshots.RECORD).read_text())


def test_the_model_of_a_checkpoint_is_a_saved_model(stopped: TrialSpec) -> None:
    kept = checkpoints.latest(stopped)
    assert kept is not None
    make_family("toy").load(
        kept.folder, stopped.preset, stopped.point, stopped.geometry, stopped.resources
    )
