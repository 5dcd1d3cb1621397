"""``metaopt validate``: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result

from metaopt.cli.main import cli
from metaopt.errors import MetaoptError, exit_code
from metaopt.reports.shower_files import coarse_types
from search_spaces.loader import load_geometry


def call(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["validate", *(a.format(dir=folder) for a in arguments)])


GRID = load_geometry("clic-12x12x12")
FILES = ("{dir}/distorted.h5", "{dir}/reference.h5")


def test_a_bad_score_is_a_measurement_in_words(shower_files: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = call(shower_files, *FILES, "-o", str(page))
    assert result.exit_code == 0, result.output
    first, second, *rest = result.stdout.splitlines()
    assert first.startswith("S = 1.") and "Geant4 against itself: 0." in first
    assert second == "distinguishable from Geant4 at N = 200"
    text = "\n".join(rest)
    for words in (
        "% too high (±",
        "3.0 % of the showers are empty",
        "AUC of a classifier",
        "cross-check, 150 showers",
    ):
        assert words in text
    assert "clic-12x12x12, found by shape" in result.stderr
    assert page.stat().st_size > 4e6


def test_json_goes_to_stdout_and_progress_to_stderr(shower_files: Path) -> None:
    result = call(shower_files, *FILES, "--json", "--events", "190", "--seed", "3")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["S"] > data["floor"] > 0 and data["error"] > 0 and data["floor_sd"] > 0
    assert data["events"]["generated"] == data["events"]["reference"] == 190
    assert data["groups"].keys() == data["null"]["groups"].keys()
    assert {f["group"] for f in data["findings"]} >= {"showers", "energy"}
    assert data["crosschecks"]["auc"]["null"] is not None
    assert (
        20
        <= data["events"]["crosschecked"]
        <= data["events"]["reference"] - data["events"]["judged"]
    )
    assert data["files"] == {"generated": "distorted.h5", "reference": "reference.h5"}
    assert data["metrics"]["bad_fraction"] > 0 and data["seed"] == 3


def test_a_coarse_file_is_not_told_by_its_last_bits(shower_files: Path, tmp_path: Path) -> None:
    coarse = tmp_path / "coarse.h5"
    with h5py.File(shower_files / "perfect.h5") as source, h5py.File(coarse, "w") as file:
        for key in source:
            values = source[key][:]
            file[key] = values.astype("f2") if key == "ECAL" else values
    result = call(shower_files, str(coarse), FILES[1], "--json")
    assert result.exit_code == 0, result.output
    auc = json.loads(result.stdout)["crosschecks"]["auc"]
    assert auc["value"] == pytest.approx(0.5, abs=3 * auc["error"])
    types = coarse_types((str(coarse), str(shower_files / "reference.h5")), GRID)
    assert types == (np.dtype("f2"),)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("{dir}/none.h5", "{dir}/reference.h5"), "none.h5: no such file"),
        (("{dir}/perfect.h5", "{dir}/none.h5"), "none.h5: no such file"),
        ((*FILES, "--geometry", "clic-25x25x25"), "needs the data sets ECAL, energy, theta"),
        ((*FILES, "--geometry", "clic-25"), "did you mean"),
        ((*FILES, "-o", "{dir}/none/page.html"), "make the folder"),
        ((*FILES, "--events", "100"), "at least 160 showers, as only half"),
    ],
)
def test_bad_input_is_a_usage_error(
    shower_files: Path, arguments: tuple[str, ...], rule: str
) -> None:
    result = call(shower_files, *arguments)
    assert isinstance(result.exception, MetaoptError), result.output
    assert exit_code(result.exception) == 2
    assert rule in str(result.exception) and "\n" not in str(result.exception)
