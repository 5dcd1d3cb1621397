"""Binning files of CaloChallenge."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.binning import cylinder_from_xml
from search_spaces.cells import Cylinder
from search_spaces.errors import GeometryError

BINNING = """<Bins>
  <Bin pid="22" etaMin="0" etaMax="130" name="photon">
    <Layer id="0" r_edges="0,5,10" n_bin_alpha="1"/>
    <!-- The next one is absent. -->
    <Layer id="1" r_edges="0" n_bin_alpha="1"/>
    <Layer id="2" r_edges="0,2.5" n_bin_alpha="10"/>
  </Bin>
  <Bin pid="11" name="electron"><Layer id="0" r_edges="0,x" n_bin_alpha="1"/></Bin>
  <Bin pid="211" name="pion"><Layer id="0" r_edges="0" n_bin_alpha="1"/></Bin>
</Bins>
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "binning.xml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("particle", ["photon", "22"])
def test_absent_layers_are_left_out(tmp_path: Path, particle: str) -> None:
    cells = cylinder_from_xml(written(tmp_path, BINNING), particle, depth=(11.0, 90.0))
    assert cells == Cylinder(((0.0, 5.0, 10.0), (0.0, 2.5)), (1, 10), (11.0, 90.0))
    assert cells.shape == (2, 10, 2)


@pytest.mark.parametrize(
    ("text", "particle", "rule"),
    [
        (BINNING, "kaon", r"name or pid 'kaon', got 0; the file has photon \(22\), electron"),
        (BINNING, "electron", "numbers r_edges and n_bin_alpha, got .*'0,x'"),
        (BINNING, "pion", "number of layers"),
        (BINNING[:-9], "photon", "not an XML file"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><Bins/>', "photon", "without document types"),
        ("<Bins>" + " " * 1_000_000 + "</Bins>", "photon", "below 1 MB"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, particle: str, rule: str) -> None:
    with pytest.raises(GeometryError, match=rule):
        cylinder_from_xml(written(tmp_path, text), particle)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"none\.xml: cannot be read"):
        cylinder_from_xml(tmp_path / "none.xml", "photon")
