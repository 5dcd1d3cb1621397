"""Surveys and parts of shower files, and what is wrong with a file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from search_spaces.errors import DataError
from search_spaces.geometry import Storage
from workers import data
from workers.data import loading
from workers.trial import DataSpec

from .conftest import GEOMETRY, Write


def spec(*files: str) -> DataSpec:
    return DataSpec(files, (0.6, 0.2, 0.2), data.survey(files, GEOMETRY)[1])


def test_the_three_parts_are_disjoint_and_cover_all(write: Write) -> None:
    files = (write("a.h5"), write("b.h5", n=301, seed=1))
    assert data.survey(files, GEOMETRY)[0] == 1001
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


def test_a_chunk_of_many_events_is_decompressed_once(write: Write) -> None:
    path = write(ECAL=None)
    cells = np.random.default_rng(0).gamma(0.1, 0.01, (700, 8, 8, 9)).astype(np.float32)
    with h5py.File(path, "a") as file:
        stored = file.create_dataset("ECAL", data=cells, chunks=cells.shape, compression="gzip")
        place = stored.id.get_chunk_info(0).byte_offset
    with data.ShowerFile(path, GEOMETRY) as showers:
        showers.read(0, 256)
        with Path(path).open("rb+") as spoilt:
            spoilt.seek(place)
            spoilt.write(bytes(1000))
        np.testing.assert_array_equal(showers.read(256, 512).cells, cells[256:512])


def test_a_limit_takes_the_first_events_of_the_part(write: Write) -> None:
    d = spec(write())
    np.testing.assert_array_equal(
        data.load(d, GEOMETRY, "training", limit=50).energy,
        data.load(d, GEOMETRY, "training").energy[:50],
    )


def test_the_digest_is_that_of_energies_and_cells(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fixes the splits of every study that was begun: it must not change."""
    path = write()
    with h5py.File(path) as file:
        energy, cells = file["energy"][:].tobytes(), file["ECAL"][:]
    assert spec(path).digest == hashlib.sha256(energy + cells.tobytes()).hexdigest()
    monkeypatch.setattr(loading, "CHECKED_EVENTS", 300)  # as of a large file: every second block
    checked = energy + cells[:256].tobytes() + cells[512:].tobytes()
    assert spec(path).digest == hashlib.sha256(checked).hexdigest()


def test_only_what_is_wanted_is_read(write: Write) -> None:
    path, wanted = write(), np.array([0, 5, 100, 255, 256, 699])
    with data.ShowerFile(path, GEOMETRY) as file:
        blocks = [*file.blocks(wanted)]
        assert [events.tolist() for events, _ in blocks] == [[0, 5], [100], [255], [256], [699]]
        for events, showers in blocks:
            whole = file.read(0, 700)[events]
            np.testing.assert_array_equal(showers.cells, whole.cells)
            np.testing.assert_array_equal(showers.energy, whole.energy)


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
    cells[403, 2, 1, 0] = np.nan
    return cells


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"ECAL": nan_cells()}, "event 403: every cell must be finite"),
        ({"ECAL": -nan_cells() - 1}, "must be finite|>= 0 GeV"),
        ({"ECAL": np.full((700, 8, 8, 9), -1.0)}, ">= 0 GeV, got -1"),
        ({"ECAL": np.zeros((700, 8, 8, 8))}, r"must be \(n, 8, 8, 9\).*got \(700, 8, 8, 8\)"),
        ({"energy": np.full(700, 500.0)}, r"energy must lie in \[10, 200\] GeV, got 500"),
        ({"energy": np.full(700, np.nan)}, "energy must lie in"),
        ({"energy": np.full(699, 50.0)}, "one entry per shower"),
        ({"energy": np.full(701, 50.0)}, "one entry per shower"),
        ({"energy": None}, "needs the data sets ECAL, energy.*got ECAL"),
        ({"energy": ["ten"] * 700}, "energy must hold numbers"),
    ],
)
def test_a_bad_file_is_refused_with_its_rule(
    write: Write, changes: dict[str, object], rule: str
) -> None:
    with pytest.raises(DataError, match=rule) as caught:
        data.survey((write(**changes),), GEOMETRY)
    assert "a.h5" in str(caught.value)


def test_angles_in_degrees_are_said_to_be_such(write: Write) -> None:
    tilted = replace(GEOMETRY, theta=(60.0, 120.0), storage=Storage(theta="theta"))
    path = write(theta=np.full(700, 90.0))
    with pytest.raises(DataError, match=r"theta must lie in .* rad, got 90 .*; is it in degrees"):
        data.survey((path,), tilted)


def test_showers_of_other_angles_are_not_taken_for_those_of_the_one(write: Write) -> None:
    upright = replace(GEOMETRY, storage=Storage(theta="theta"))
    path = write(theta=np.full(700, 1.2))
    with pytest.raises(DataError, match=r"theta must lie in \[1.5708, 1.5708\] rad, got 1.2"):
        data.survey((path,), upright)


@pytest.mark.parametrize("what", ["group", "link"])
def test_a_name_that_is_no_data_set_is_said_to_be_none(write: Write, what: str) -> None:
    path = write(ECAL=None)
    with h5py.File(path, "r+") as file:
        if what == "group":
            file.create_group("ECAL")
        else:
            file["ECAL"] = h5py.ExternalLink("gone.h5", "ECAL")
    with pytest.raises(DataError, match=r"ECAL, energy of .* got ECAL .no data set., energy; set"):
        data.survey((path,), GEOMETRY)


def test_energies_are_checked_where_cells_are_not(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "CHECKED_EVENTS", 300)  # of three blocks, not the second
    energy = np.full(700, 50.0)
    energy[300] = 500.0
    with pytest.raises(DataError, match="got 500"):
        data.survey((write(energy=energy),), GEOMETRY)


def test_a_column_that_is_not_there(write: Write) -> None:
    geometry = replace(GEOMETRY, storage=Storage(energy_column=1))
    with pytest.raises(DataError, match="energy must have more than 1 columns"):
        data.survey((write(),), geometry)


def test_particles_are_places_or_pdg_codes(write: Write) -> None:
    geometry = replace(GEOMETRY, particles=("e-", "gamma"), storage=Storage(particle="pid"))
    kinds = np.arange(700) % 2
    codes = write("codes.h5", pid=np.where(kinds, 22, 11)[:, None])
    for path in (write("places.h5", pid=kinds), codes):
        with data.ShowerFile(path, geometry) as file:
            np.testing.assert_array_equal(file.conditions().particle, kinds)
    unknown = replace(geometry, particles=("e-", "of no code"))
    with data.ShowerFile(str(Path(codes).with_name("places.h5")), unknown) as file:
        np.testing.assert_array_equal(file.conditions().particle, kinds)
    one = write("one.h5", pid=np.zeros(700, dtype=int))
    assert data.survey((codes,), geometry) != data.survey((one,), geometry)
    with pytest.raises(DataError, match="particle must be a place"):
        data.survey((write(pid=np.full(700, 211)),), geometry)
    with pytest.raises(DataError, match="pid must hold whole numbers"):
        data.survey((write(pid=np.zeros(700)),), geometry)
