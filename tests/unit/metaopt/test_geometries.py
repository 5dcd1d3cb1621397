"""`metaopt geometry`: templates that hold, all errors at once, tables that tell."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metaopt.cli.geometry import command
from metaopt.errors import ConfigError, GeometryError
from metaopt.geometries import template as template_text
from search_spaces.geometry import Geometry
from search_spaces.loader import builtin_names, load_geometry
from search_spaces.records import decode


def call(*arguments: str) -> Result:
    """A command's result; errors of ours are raised."""
    result = CliRunner().invoke(command, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A new geometry file."""
    file = tmp_path / "mine.toml"
    call("new", 'A "new" calorimeter', "-o", str(file))
    return file


def test_the_template_fits_and_can_be_simulated(template: Path) -> None:
    result = call("check", str(template))
    lines = result.output.splitlines()
    assert (result.exit_code, lines[0]) == (0, f"{template}: fits")
    assert lines[1] == "can be simulated: geant4, gflash"
    assert "fixed-angle      yes" in result.output and "1,030,532 + 79,258" in result.output
    assert load_geometry(str(template)).title == 'A "new" calorimeter'


@pytest.mark.parametrize(
    ("now", "then", "line"),
    [
        ('["e-"]', '["mu-"]', "can be simulated: geant4$"),
        ('["e-"]', '["pi-"]', "cannot be simulated: engine 'geant4' cannot simulate 'pi-'"),
        ('["e-"]', '["e-", "gamma"]', "cannot be simulated: several particle types need storage"),
    ],
)
def test_what_can_be_simulated_is_what_metaopt_simulate_takes(
    template: Path, now: str, then: str, line: str
) -> None:
    template.write_text(template.read_text().replace(now, then, 1))
    said = call("check", str(template)).output.splitlines()[1]
    assert re.match(line, said)


def test_angles_that_could_not_be_stored_cannot_be_simulated(template: Path) -> None:
    text = template.read_text().replace("[90.0, 90.0]", "[60.0, 120.0]")
    template.write_text(text.replace('theta = "theta"', 'theta = ""'))
    said = call("check", str(template)).output.splitlines()[1]
    assert said.startswith("cannot be simulated: geometry 'mine' stores no angle")


@pytest.mark.parametrize("name", ["😀 ECAL", 'Kalorimeter für "ü"', "tab\tdel\x7f"])
def test_a_title_may_hold_any_letters(name: str, tmp_path: Path) -> None:
    call("new", name, "-o", str(tmp_path / "g.toml"))
    assert load_geometry(str(tmp_path / "g.toml")).title == name


def test_a_new_file_has_the_name_of_a_geometry_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"my.txt: a geometry file must end in \.toml"):
        call("new", "ECAL", "-o", str(tmp_path / "my.txt"))
    assert not list(tmp_path.iterdir())


def test_the_documentation_shows_the_template() -> None:
    text = (Path(__file__).parents[3] / "docs" / "geometry.md").read_text()
    assert f"```toml\n{template_text('my ECAL')}```" in text


def test_a_new_file_takes_no_files_place(template: Path) -> None:
    before = template.read_text()
    with pytest.raises(ConfigError, match="must not be there yet"):
        call("new", "other", "-o", str(template))
    assert template.read_text() == before


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        (
            {"energy = [10": "energy = [1000", "shape =": "shap =", '"3dgan"': '"3dgam"'},
            ["energy must be [low, high]", "unknown key 'shap'; did you mean", "must be one of"],
        ),
        ({'"W"': '"Wolfram"'}, ["layers.absorber: unknown material 'Wolfram'"]),
        ({"5.0, 6.0]": "5.0, 6.1]"}, ["must be a whole number of layers, got 6.1 mm"]),
        ({"[storage]": "[store]"}, ["unknown key 'store'; did you mean 'storage'"]),
        ({"theta = [90.0, 90.0]": "theta = 90"}, ["theta must be a list, got 90"]),
        ({"energy = [10.0, 100.0]": ""}, ["energy is required; add it"]),
    ],
)
def test_every_error_is_one_line(
    template: Path, changes: dict[str, str], errors: list[str]
) -> None:
    text = template.read_text()
    for old, new in changes.items():
        text = text.replace(old, new, 1)
    template.write_text(text)
    result = call("check", str(template))
    lines = result.output.splitlines()
    assert result.exit_code == 2 and len(lines) == len(errors)
    assert all(error in line for error, line in zip(errors, lines, strict=True))
    assert json.loads(call("check", "--json", str(template)).output)["errors"] == lines


def test_a_file_that_cannot_be_read_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match="cannot be read"):
        call("check", str(tmp_path / "none.toml"))


def test_what_no_network_fits_is_said_with_the_reason(template: Path) -> None:
    template.write_text(template.read_text().replace("[25, 25, 30]", "[5, 25, 30]"))
    result = call("check", str(template))
    assert result.exit_code == 0 and "no: " in result.output and "8 to 128" in result.output


def test_a_geometry_that_is_not_simulated_still_fits() -> None:
    result = call("check", "calochallenge-1-photons")
    assert result.exit_code == 0
    assert "cannot be simulated: geometry 'calochallenge-1-photons': only a regular" in (
        result.output
    )


@pytest.mark.parametrize("name", builtin_names("geometries"))
def test_every_geometry_can_be_shown_and_read_back(name: str) -> None:
    shown = json.loads(call("show", "--json", name).output)
    assert {fit["space"] for fit in shown.pop("fits")} == set(builtin_names("spaces"))
    assert decode(Geometry, shown) == load_geometry(name)


def test_lengths_and_sampling_are_shown() -> None:
    text = call("show", "clic-25x25x25").output
    for told in ("17.4 radiation lengths", "± 3.6 Molière radii", "2.35%, measured", "polystyrene"):
        assert told in text
    assert "100 %, all of it is read out" in call("show", "pbwo4").output
    assert "6.283 rad" in call("show", "par04").output
    rings = call("show", "calochallenge-1-photons").output
    assert "19 x 10 x 8 x 1, 990 cells absent, periodic" in rings


def test_all_geometries_are_listed() -> None:
    listed = json.loads(call("list", "--json").output)
    assert [entry["name"] for entry in listed] == builtin_names("geometries")
    text = call("list").output
    assert all(name in text for name in builtin_names("geometries"))
