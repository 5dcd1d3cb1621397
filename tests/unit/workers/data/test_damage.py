"""Files that are gone, cut, damaged or not finite in their middle: one error with the place."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from search_spaces.errors import DataError
from workers import data
from workers.trial import DataSpec

from .conftest import GEOMETRY, Write


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A file of three compressed chunks of showers."""
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "packed.h5", "w") as file:
        cells = rng.gamma(0.1, 0.01, (600, 8, 8, 9)).astype(np.float32)
        file.create_dataset("ECAL", data=cells, chunks=(200, 8, 8, 9), compression=1)
        file["energy"] = np.linspace(10, 200, 600, dtype=np.float32)
    return tmp_path / "packed.h5"


def spec(*files: Path) -> DataSpec:
    return DataSpec(tuple(map(str, files)), digest="12ab")


def load_all(data_spec: DataSpec) -> None:
    for part in data.PARTS:
        data.load(data_spec, GEOMETRY, part)


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


def test_a_damaged_chunk_is_named_with_its_events(packed: Path) -> None:
    with h5py.File(packed) as file:
        second = file["ECAL"].id.get_chunk_info(1)
    content = bytearray(packed.read_bytes())
    content[second.byte_offset : second.byte_offset + 8] = b"\xff" * 8
    packed.write_bytes(content)
    with pytest.raises(DataError, match=r"packed\.h5: events \d+ to \d+ cannot be read .*filter"):
        load_all(spec(packed))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_bad_cell_is_named_with_its_event(packed: Path, value: float) -> None:
    with h5py.File(packed, "r+") as file:
        file["ECAL"][437, 1, 2, 3] = value
    with pytest.raises(DataError, match=r"packed\.h5, event 437: every cell must be"):
        load_all(spec(packed))


def test_a_shower_of_absurd_energy_is_named_and_a_large_one_is_fine(write: Write) -> None:
    path = Path(write())
    with h5py.File(path, "a") as file:
        cells, energy = file["ECAL"][:], file["energy"][:]
        cells[::2] *= (3 * energy / cells.sum(axis=(1, 2, 3)))[::2, None, None, None]
        file["ECAL"][:] = cells
    load_all(spec(path))
    with h5py.File(path, "a") as file:
        file["ECAL"][337, 0, 0, 0] = 101 * energy[337]
    with pytest.raises(DataError, match=r"event 337: the cells hold 101 times the primary energy"):
        load_all(spec(path))


def test_any_damage_is_the_data_error(packed: Path) -> None:
    """Bytes changed at random, in the headers and anywhere: read as they are, or refused."""
    whole, rng = packed.read_bytes(), np.random.default_rng(1)
    refused = 0
    for trial in range(30):
        content = bytearray(whole)
        for place in rng.integers(0, 4096 if trial % 2 else len(whole), 6):
            content[place] = rng.integers(256)
        packed.write_bytes(content)
        try:
            load_all(spec(packed))
        except DataError as error:
            refused += 1
            assert "packed.h5" in str(error) and "\n" not in str(error)
    assert refused > 10


def test_a_file_that_changes_or_goes_between_the_events_and_their_reading(
    write: Write, packed: Path
) -> None:
    events = data.Events.of(spec(packed), GEOMETRY, "training")
    write(packed.name, n=500)
    with pytest.raises(DataError, match="must stay as it is, got 500 events after 600"):
        next(events.blocks())
    packed.unlink()
    with pytest.raises(DataError, match="no such file"):
        next(events.blocks())
