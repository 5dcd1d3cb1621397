"""One decoded copy for all: whole or absent, shared, bounded."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from objectives.showers import Showers
from search_spaces.errors import DataError
from search_spaces.geometry import Storage
from tests.full_disk import full_disk
from workers import data
from workers.data import cache, folders, loading
from workers.data.events import Events
from workers.data.splits import Part
from workers.runner import trial_events
from workers.trial import DataSpec, TrialResult, TrialSpec

from .conftest import GEOMETRY, Write

Mapped = Callable[..., Showers]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache, and a folder of temporary files beside it."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "showers"


@pytest.fixture
def spec(write: Write) -> DataSpec:
    files = (write("a.h5"), write("b.h5", n=301, seed=1))
    return DataSpec(files, digest=data.survey(files, GEOMETRY)[1])


def events(spec: DataSpec, limit: int = 0, part: Part = "training") -> Events:
    return Events.of(spec, GEOMETRY, part, limit)


def entries(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_dir())


def test_maps_hold_what_decoding_gives(
    write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SMALL", 0)
    stored = Storage(theta="theta", particle="kind")
    mixed = replace(GEOMETRY, theta=(60.0, 120.0), particles=("e-", "gamma"), storage=stored)
    file = write(theta=np.linspace(1.1, 2.0, 700), kind=np.arange(700) % 2)
    spec = DataSpec((file,), digest=data.survey((file,), mixed)[1])
    for part in data.PARTS:
        inside = data.load(spec, mixed, part)
        shared = data.load(spec, mixed, part, shared=str(folder))
        assert isinstance(shared.cells, np.memmap) and not isinstance(inside.cells, np.memmap)
        assert not shared.cells.flags.writeable
        np.testing.assert_array_equal(shared.cells, inside.cells)
        for name, column in vars(inside.conditions).items():
            np.testing.assert_array_equal(getattr(shared.conditions, name), column)


def test_small_data_and_data_without_a_digest_need_no_disk(
    spec: DataSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.load(spec, GEOMETRY, "training", shared=str(folder))
    monkeypatch.setattr(loading, "SMALL", 0)
    data.load(replace(spec, digest=""), GEOMETRY, "training", shared=str(folder))
    assert not folder.exists()


def test_a_trial_on_mapped_showers_is_the_same_trial(
    toy_spec: TrialSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, inside = trial_events(toy_spec, lambda: False)
    monkeypatch.setattr(loading, "SMALL", 0)
    *_, mapped = trial_events(replace(toy_spec, showers=str(folder)), lambda: False)
    (entry,) = entries(folder)
    assert entry.endswith("-200")  # two epochs of 100 showers, and no more
    assert isinstance(mapped, TrialResult) and isinstance(inside, TrialResult)
    assert mapped.score == inside.score


def test_a_larger_entry_serves_smaller_limits(spec: DataSpec, folder: Path) -> None:
    whole = cache.mapped(events(spec), folder)
    assert folder.stat().st_mode == Path(tempfile.gettempdir()).stat().st_mode  # others may read
    (folder / "lock").unlink()
    (folder / "lock").symlink_to(folder / "no" / "lock")  # as where the folder may only be read
    few = cache.mapped(events(spec, 50), folder)
    assert len(entries(folder)) == 1 and not list(Path(tempfile.gettempdir()).iterdir())
    np.testing.assert_array_equal(few.cells, whole.cells[:50])
    np.testing.assert_array_equal(few.energy, whole.energy[:50])


def test_another_part_split_storage_or_data_is_another_entry(
    spec: DataSpec, folder: Path, write: Write
) -> None:
    spec = replace(spec, files=(*spec.files, write("c.h5", n=99, seed=2)))
    scaled = replace(GEOMETRY, storage=replace(GEOMETRY.storage, gev_per_unit=0.5))
    for other in (
        events(spec),
        events(spec, part="test"),
        events(replace(spec, split=(0.6, 0.2, 0.2))),
        events(replace(spec, by="file"), 50),
        events(replace(spec, digest="f" + spec.digest[1:])),
        replace(events(spec), geometry=scaled),
    ):
        expected = np.empty(other.shape, np.float32)
        other.decode(expected)
        np.testing.assert_array_equal(cache.mapped(other, folder).cells, expected)
    assert len(entries(folder)) == 6


def test_writers_that_start_together_write_once(spec: DataSpec, folder: Path) -> None:
    written, found = [], []
    write = cache._write

    def counted(*args: object) -> None:
        written.append(threading.get_ident())
        time.sleep(0.05)
        write(*args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "_write", counted)
        workers = [
            threading.Thread(target=lambda: found.append(cache.mapped(events(spec), folder)))
            for _ in range(4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert len(written) == 1 and len(found) == 4
    np.testing.assert_array_equal(found[0].cells, found[-1].cells)


def test_without_locks_one_of_two_writers_is_kept(spec: DataSpec, folder: Path) -> None:
    def refuse(*args: object) -> None:
        raise OSError(37, "No locks available")

    cache.mapped(events(spec, 10), folder)
    (small,) = entries(folder)
    other = folder / f"{small}.0123abcd.part"  # of a writer that may be at work
    other.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", refuse)
        cache.mapped(events(spec), folder)
    kept = entries(folder)
    assert len(kept) == 3 and other.name in kept
    cache._write(events(spec), folder)
    assert entries(folder) == kept


def test_a_killed_writer_leaves_nothing_that_is_read(spec: DataSpec, folder: Path) -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from search_spaces.geometry import Cells, Geometry\n"
        "from workers.data import cache, events\n"
        "from workers.trial import DataSpec\n"
        f"geometry = Geometry('g', Cells({GEOMETRY.shape}, (5.0, 5.0, 5.0)), (10.0, 200.0))\n"
        f"data = DataSpec({spec.files}, digest={spec.digest!r})\n"
        "whole = events.Events.blocks\n"
        "def blocks(self):\n"
        "    yield next(whole(self))\n"
        "    os.kill(os.getpid(), 9)\n"
        "events.Events.blocks = blocks\n"
        f"cache.mapped(events.Events.of(data, geometry, 'training'), Path({str(folder)!r}))\n"
    )
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -9
    (left,) = entries(folder)
    assert left.endswith(".part")
    expected = data.load(spec, GEOMETRY, "training").cells
    np.testing.assert_array_equal(cache.mapped(events(spec), folder).cells, expected)
    assert left not in entries(folder) and len(entries(folder)) == 1


@pytest.mark.parametrize(
    ("file", "size"), [("cells.npy", 5000), ("energy.npy", 0), ("theta.npy", -1)]
)
def test_a_damaged_entry_is_made_again(spec: DataSpec, folder: Path, file: str, size: int) -> None:
    expected = np.array(cache.mapped(events(spec), folder).cells)
    (entry,) = entries(folder)
    if size < 0:
        (folder / entry / file).unlink()
    else:
        os.truncate(folder / entry / file, size)
    np.testing.assert_array_equal(cache.mapped(events(spec), folder).cells, expected)
    assert not list(Path(tempfile.gettempdir()).iterdir())


def test_an_entry_that_cannot_be_mapped_now_stays_for_others(
    spec: DataSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    cache.mapped(events(spec), folder)
    monkeypatch.setattr(cache, "_map", refuse)
    with pytest.raises(DataError, match="Cannot allocate memory"):
        cache.mapped(events(spec), folder)
    assert len(entries(folder)) == 1


def grow_old(folder: Path) -> None:
    old = time.time() - (folders.KEPT_DAYS + 1) * 86400
    for path in (*folder.iterdir(), folder):
        os.utime(path, (old, old))


def test_only_what_is_long_unused_is_removed(spec: DataSpec, folder: Path) -> None:
    cache.mapped(events(spec), folder)
    (first,) = entries(folder)
    grow_old(folder / first)
    cache.mapped(events(spec, 10), folder)  # a use
    cache.mapped(events(spec, part="test"), folder)
    assert first in entries(folder)
    grow_old(folder / first)
    cache.mapped(events(spec, part="validation"), folder)
    assert first not in entries(folder) and len(entries(folder)) == 2


def test_folders_of_the_user_beside_the_entries_stay(spec: DataSpec, folder: Path) -> None:
    """With ``--results .`` decoded showers go to ./showers, where raw files may lie."""
    names = ("raw-2024", "raw.part", "0123456789abcdef-training-of-mine", "2024-test-1")
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "x.h5").write_bytes(b"a year of full simulation")
        grow_old(folder / name)
    cache.mapped(events(spec), folder)
    assert {*names} < {*entries(folder)}


def test_what_another_process_removes_meanwhile_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "entry").mkdir()

    def ours(entry: Path) -> bool:
        entry.rmdir()
        return True

    folders.remove_unused(tmp_path, ours)
    assert not list(tmp_path.iterdir())


def test_a_machine_without_the_results_folder_uses_its_own(spec: DataSpec, folder: Path) -> None:
    cache.mapped(events(spec), folder.parent / "elsewhere" / "showers")
    assert not (folder.parent / "elsewhere").exists()
    (own,) = Path(tempfile.gettempdir()).iterdir()
    assert len(entries(own)) == 1 and own.stat().st_mode & 0o077 == 0


def test_a_full_disk_is_one_error_and_leaves_nothing(spec: DataSpec, folder: Path) -> None:
    """The kernel's limit on the size of a file stands for the end of a disk."""
    needed = events(spec).nbytes
    rule = rf"^{needed / 1e9:.3g} GB must be free on a disk.*showers: File too large"
    with full_disk(needed // 2), pytest.raises(DataError, match=rule):
        cache.mapped(events(spec), folder)
    assert entries(folder) == []


def test_a_bad_shower_leaves_nothing(write: Write, folder: Path) -> None:
    cells = np.zeros((700, 8, 8, 9), dtype=np.float32)
    cells[600, 0, 0, 0] = np.nan
    spec = DataSpec((write(ECAL=cells),), (0.98, 0.01, 0.01), digest="12ab")
    with pytest.raises(DataError, match=r"a\.h5, event 600"):
        cache.mapped(events(spec), folder)
    assert entries(folder) == []
