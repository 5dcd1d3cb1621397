"""The binning files of CaloChallenge: XML to the layers of a cylinder.

::

    <Bins>
      <Bin pid="22" name="photon">
        <Layer id="0" r_edges="0,5,10,30" n_bin_alpha="1"/>
        <Layer id="4" r_edges="0" n_bin_alpha="1"/>       a layer that is absent
      </Bin>
    </Bins>

Radii are in mm; angular bins are equal, from -pi to pi. Depths are not given.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from search_spaces.cells import Cylinder
from search_spaces.errors import GeometryError

#: Binning files are small; a larger one is a mistake.
MAX_XML_BYTES = 1_000_000


def cylinder_from_xml(
    path: Path, particle: str, depth: float | tuple[float, ...] = 1.0
) -> Cylinder:
    """The layers that a binning file gives a particle; layers without radial bins are left out.

    Args:
        path: a binning file of CaloChallenge.
        particle: name or PDG number in the file, such as "photon" or "22".
        depth: thickness of all layers, or of each one that is left [mm].

    Raises:
        GeometryError: no such file or particle, or not a binning file.
    """
    root = _root(path)
    bins = [b for b in root.iter("Bin") if particle in (b.get("name"), b.get("pid"))]
    if len(bins) != 1:
        known = ", ".join(f"{b.get('name')} ({b.get('pid')})" for b in root.iter("Bin"))
        raise GeometryError(
            f"{path}: exactly one Bin must have the name or pid {particle!r}, got {len(bins)}; "
            f"the file has {known or 'none'}"
        )
    layers = [layer for e in bins[0].iter("Layer") if len((layer := _layer(e, path))[0]) > 1]
    made = Cylinder(tuple(r for r, _ in layers), tuple(n for _, n in layers), depth)
    made.check(str(path))
    return made


def _root(path: Path) -> ElementTree.Element:
    try:
        text = path.read_bytes()
    except OSError as failure:
        raise GeometryError(
            f"{path}: cannot be read ({failure.strerror}); check the path"
        ) from failure
    # Declarations of a document type could expand to any size.
    if len(text) > MAX_XML_BYTES or b"<!" in text.replace(b"<!--", b""):
        raise GeometryError(
            f"{path}: a binning file must be below 1 MB and without document types, got "
            f"{len(text)} bytes; use a binning file of CaloChallenge"
        )
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - bounded, and no entities (above)
    except ElementTree.ParseError as failure:
        raise GeometryError(f"{path}: not an XML file: {failure}; check the file") from failure


def _layer(element: ElementTree.Element, path: Path) -> tuple[tuple[float, ...], int]:
    """Radial edges [mm] and number of angular bins."""
    try:
        radii = tuple(float(r) for r in element.attrib["r_edges"].split(","))
        return radii, int(element.attrib["n_bin_alpha"])
    except (KeyError, ValueError) as failure:
        raise GeometryError(
            f"{path}: a Layer must have numbers r_edges and n_bin_alpha, got {element.attrib}; "
            "correct the file"
        ) from failure
