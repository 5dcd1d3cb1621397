"""Reading shower files: layouts, splits, and what is wrong with a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from search_spaces.errors import DataError
from search_spaces.geometry import Cells, Geometry, Storage
from workers import data
from workers.trial import DataSpec

GEOMETRY = Geometry("g", Cells((8, 8, 9), (5.0, 5.0, 5.0)), (10.0, 200.0))
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a shower file; keyword arguments replace data sets (None leaves one out)."""

    def make(name: str = "a.h5", n: int = 700, seed: int = 0, **changes: object) -> str:
        rng = np.random.default_rng(seed)
        sets: dict[str, object] = {
            "ECAL": rng.gamma(0.1, 0.01, (n, 8, 8, 9)).astype(np.float32),
            "energy": rng.uniform(10, 200, n).astype(np.float32),
        }
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for key, value in (sets | changes).items():
                if value is not None:
                    file[key] = value
        return str(path)

    return make


def spec(*files: str) -> DataSpec:
    return DataSpec(files, (0.6, 0.2, 0.2), data.survey(files, GEOMETRY)[1])


def test_the_three_parts_are_disjoint_and_cover_all(write: Write) -> None:
    files = (write("a.h5"), write("b.h5", n=301, seed=1))
    d = spec(*files)
    parts = [data.load(d, GEOMETRY, part) for part in ("training", "validation", "test")]
    assert [len(p) for p in parts] == [600, 200, 201]
    together = np.sort(np.concatenate([p.energy for p in parts]))
    stored = np.concatenate([h5py.File(f)["energy"][:] for f in files])
    np.testing.assert_array_equal(together, np.sort(stored))


def test_cells_stay_with_their_energy(write: Write) -> None:
    path = write()
    part = data.load(spec(path), GEOMETRY, "validation")
    with h5py.File(path) as file:
        energy, cells = file["energy"][:], file["ECAL"][:]
    for i in range(0, len(part), 20):
        j = int(np.flatnonzero(energy == part.energy[i])[0])
        np.testing.assert_array_equal(part.cells[i], cells[j])


def test_a_limit_takes_the_first_events_of_the_part(write: Write) -> None:
    d = spec(write())
    np.testing.assert_array_equal(
        data.load(d, GEOMETRY, "training", limit=50).energy,
        data.load(d, GEOMETRY, "training").energy[:50],
    )


def test_the_digest_knows_content_but_not_paths(write: Write) -> None:
    assert spec(write("a.h5")).digest == spec(write("b.h5")).digest
    assert spec(write("a.h5")).digest != spec(write("c.h5", seed=5)).digest


def test_the_50_times_layout_and_columns_come_out_in_gev(write: Write) -> None:
    cells = np.full((700, 8, 8, 9, 1), 0.5, dtype=np.float32)
    target = np.stack([np.ones(700), np.full(700, 100.0)], axis=1)
    path = write(ECAL=cells, target=target, energy=None)
    storage = Storage(energy="target", energy_column=1, gev_per_unit=0.02)
    geometry = replace(GEOMETRY, storage=storage)
    d = DataSpec((path,), (0.6, 0.2, 0.2), data.survey((path,), geometry)[1])
    part = data.load(d, geometry, "test")
    assert part.cells.shape == (140, 8, 8, 9)
    assert part.cells[0, 0, 0, 0] == pytest.approx(0.01) and part.energy[0] == 100.0


def nan_cells() -> np.ndarray:
    cells = np.zeros((700, 8, 8, 9), dtype=np.float32)
    cells[3, 2, 1, 0] = np.nan
    return cells


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"ECAL": nan_cells()}, "must be finite"),
        ({"ECAL": -nan_cells() - 1}, "must be finite|>= 0 GeV"),
        ({"ECAL": np.full((700, 8, 8, 9), -1.0)}, ">= 0 GeV, got -1"),
        ({"ECAL": np.zeros((700, 8, 8, 8))}, r"must be \(n, 8, 8, 9\).*got \(700, 8, 8, 8\)"),
        ({"energy": np.full(700, 500.0)}, r"energy must lie in \[10, 200\] GeV, got 500"),
        ({"energy": np.full(700, np.nan)}, "energy must lie in"),
        ({"energy": np.full(699, 50.0)}, "one entry per shower"),
        ({"energy": None}, "needs the data sets ECAL, energy.*got ECAL"),
    ],
)
def test_a_bad_file_is_refused_with_its_rule(
    write: Write, changes: dict[str, object], rule: str
) -> None:
    with pytest.raises(DataError, match=rule) as caught:
        data.survey((write(**changes),), GEOMETRY)
    assert "a.h5" in str(caught.value)


def test_missing_and_broken_files(write: Write, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        data.survey((str(tmp_path / "none.h5"),), GEOMETRY)
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(DataError, match="not a readable HDF5 file"):
        data.survey((str(tmp_path / "text.h5"),), GEOMETRY)
    whole = Path(write())
    cut = tmp_path / "cut.h5"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(DataError, match=r"cut\.h5"):
        data.survey((str(cut),), GEOMETRY)
