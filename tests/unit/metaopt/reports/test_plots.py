"""A validation as tuples: what the figures show is what was measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

from metaopt.reports.figures import figure, ratio_span
from metaopt.reports.panels import (
    Bars,
    Comparison,
    Labels,
    Map,
    bin_ends,
    compared,
    histogram,
    numbers,
)
from metaopt.reports.plots import sections
from metaopt.reports.validation import Validation

LABELS = Labels("title", "look")


def panels(validation: Validation) -> dict[str, object]:
    return {p.labels.title: p for s in sections(validation) for p in s.panels}


def test_numbers_are_plain_rounded_and_finite() -> None:
    assert numbers([1 / 3, np.nan, np.inf, 2.0]) == (0.33333, None, None, 2.0)


def test_a_histogram_keeps_what_lies_beyond_its_axis() -> None:
    full = np.linspace(0, 1, 1000)
    made = histogram(LABELS, full, np.append(full, [1e6, -1e6]))
    assert sum(made.generated.y) == pytest.approx(1, abs=1e-4)
    assert made.generated.y[0] == pytest.approx(1 / 1002, rel=1e-3)
    assert -0.2 < made.full.x[0] < made.full.x[-1] < 1.2


def test_a_histogram_makes_room_for_the_bulk_of_the_generated() -> None:
    full = np.linspace(0, 1, 1000)
    assert max(histogram(LABELS, full, full + 1.5).generated.y) < 0.2
    constant = histogram(LABELS, np.ones(20), np.ones(20))
    assert max(constant.full.y) == 1


def test_figures_show_what_was_measured(distorted: Validation) -> None:
    shown = panels(distorted)
    profile = shown["Longitudinal profile, depth"]
    assert isinstance(profile, Comparison)
    np.testing.assert_allclose(profile.full.y, 100 * distorted.full.profile(2)[0], rtol=1e-4)
    assert np.mean([r for r in profile.ratio.y if r]) == pytest.approx(1.05, abs=0.02)
    groups = shown["Level of each group"]
    assert isinstance(groups, Bars)
    assert dict(zip(groups.names, groups.generated, strict=True)) == pytest.approx(
        distorted.score.groups, rel=1e-4
    )
    assert groups.full == numbers([distorted.null.groups[g] for g in groups.names])
    spectrum = shown["Cell energies, logarithmic"]
    assert isinstance(spectrum, Comparison) and spectrum.log_x and spectrum.log_y
    response = shown["Response"]
    assert isinstance(response, Comparison)
    mean = np.dot(response.generated.x, response.generated.y)
    assert mean == pytest.approx(1.05, abs=0.02)


def test_maps_have_the_geometry_and_blanks_where_nothing_is_known(perfect: Validation) -> None:
    shown = panels(perfect)
    full = shown["Geant4: y against depth"]
    assert isinstance(full, Map) and np.shape(full.rows) == (12, 12)
    # Rows run along y, columns along the depth.
    share = 100 * perfect.full.projection(0)
    np.testing.assert_allclose(np.array(full.rows)[6, 3], np.log10(share[6, 3]), rtol=1e-3)
    front = 100 * perfect.full.projection(2)
    rows = np.array(shown["Geant4: y against x"].rows)
    np.testing.assert_allclose(rows[6, 3], np.log10(front[3, 6]), rtol=1e-3)
    ratio = shown["Generated / Geant4: y against x"]
    values = [v for row in ratio.rows for v in row if v is not None]
    assert np.median(values) == pytest.approx(1, abs=0.1)
    matrix = shown["Geant4"]
    assert isinstance(matrix, Map) and len(matrix.names) == len(matrix.rows)


def test_every_panel_becomes_a_figure_that_needs_no_colour(distorted: Validation) -> None:
    for section in sections(distorted):
        for panel in section.panels:
            made = figure(panel)
            assert json.loads(json.dumps(made, allow_nan=False)) and "template" not in made
            if isinstance(panel, Comparison):
                full, generated = made["data"][:2]
                assert (full["line"]["dash"], generated["line"]["dash"]) == ("solid", "dash")
                assert full["marker"]["symbol"] != generated["marker"]["symbol"]


def test_the_outer_bins_are_drawn_as_wide_as_their_neighbours() -> None:
    assert bin_ends((0.0, 1.0, 2.0), log=False) == (-0.5, 2.5)
    assert bin_ends((1.0, 4.0), log=True) == pytest.approx((0.5, 8.0))
    assert bin_ends((3.0,), log=False) == ()
    whole = np.array([1.0, 3.0, 2.0]), np.full(3, 0.1)
    drawn = figure(compared(Labels("t", "l"), [0.0, 1.0, 2.0], whole, whole, steps=True))
    line = drawn["data"][0]
    assert list(line["x"]) == [-0.5, 0.0, 1.0, 2.0, 2.5]
    assert list(line["y"]) == [1.0, 1.0, 3.0, 2.0, 2.0] and line["marker"]["size"][0] == 0


def test_the_axis_of_a_ratio_shows_a_small_error_of_the_scale() -> None:
    full = np.array([2.0, 2.1]), np.full(2, 0.01)
    near, far = ((factor * full[0], full[1]) for factor in (1.03, 1.7))
    spans = [ratio_span(compared(Labels("t", "l"), [1.0, 2.0], full, g)) for g in (near, far)]
    assert spans == [0.05, 1.0]
