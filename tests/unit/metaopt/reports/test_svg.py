"""Pictures of validations: whole documents, of numbers only, at a size to be kept by thousands."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from metaopt.reports.panels import Comparison, Labels, Points
from metaopt.reports.plots import overview
from metaopt.reports.svg import HEIGHT, TOP, UPPER_END, WIDTH, picture
from metaopt.reports.validation import Validation

LABELS = Labels("Profile <1>", "", "x & y", "share")
FLAT = Points((0.0, 1.0, 2.0), (1.0, 2.0, 1.5), (0.1, 0.1, 0.1))


def panel(generated: Points, **changes: bool) -> Comparison:
    return replace(Comparison(LABELS, FLAT, generated, generated), **changes)


def test_the_overview_shows_profiles_response_and_cells(distorted: Validation) -> None:
    panels = overview(distorted)
    titles = [p.labels.title for p in panels]
    assert titles == [
        "Longitudinal profile, depth", "Transverse profile, x", "Transverse profile, y",
        "Response", "Sampling fraction", "Cell energies, logarithmic",
    ]  # fmt: skip
    text = picture("Trial 1 & more", panels)
    root = ElementTree.fromstring(text)
    assert root.attrib["viewBox"] == f"0 0 {3 * WIDTH} {34 + 2 * HEIGHT}"
    written = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(titles) <= set(written) and {"Geant4", "generated"} <= set(written)
    assert "nan" not in text and "inf" not in text and len(text) < 50_000


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("log_y", [False, True])
def test_what_cannot_be_drawn_is_left_out(steps: bool, log_y: bool) -> None:
    gaps = Points((0.0, 1.0, None), (None, 0.0, 1.0), (None, None, 0.2))
    text = picture("x", [panel(gaps, steps=steps, log_y=log_y)])
    ElementTree.fromstring(text)
    assert "nan" not in text and "None" not in text and "Profile &lt;1&gt;" in text


def test_a_wild_generator_does_not_hide_the_full_simulation() -> None:
    wild = Points(FLAT.x, (1e6, 1.0, -1e6), (1e3, 0.1, 1e3))
    text = picture("x", [replace(panel(wild), ratio=None)])
    root = ElementTree.fromstring(text)
    (line,) = [e for e in root.iter() if e.get("class") == "a" and "L" in e.get("d", "")]
    places = [float(part.split(" ")[1]) for part in line.get("d", "")[1:].split("L")]
    assert max(places) - min(places) > 0.1 * (UPPER_END - TOP)
