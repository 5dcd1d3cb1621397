"""``metaopt convert``: every format gives the model's showers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from click.testing import CliRunner, Result

from metaopt.cli.main import cli
from metaopt.errors import DataError, MetaoptError, exit_code
from metaopt.export import Ranges
from metaopt.formats import FILES, runtimes
from metaopt.formats.conversion import COMPARED, _compared, _compared_at, convert
from metaopt.formats.tables import conversion_table
from search_spaces.geometry import Cells, Geometry
from search_spaces.loader import load_geometry
from search_spaces.records import encode
from workers.models.registry import make_family
from workers.trial import Resources

GEOMETRY = load_geometry("clic-12x12x12")
SMALL = {"g_layers": 3, "g1_filters": 4, "d_layers": 2, "d1_filters": 2, "power": 0.8}


def saved(folder: Path, family: str, point: dict[str, object], geometry: Geometry) -> Path:
    preset = "fixed-angle" if family == "gan3d" else "default"
    folder.mkdir()
    make_family(family).build(preset, point, geometry, 1, Resources()).save(folder)
    tables = {
        "model": {"family": family, "preset": preset, "parameters": point},
        "geometry": encode(geometry),
        **{key: {} for key in ("data", "budget", "score", "provenance")},
    }
    (folder / "production.toml").write_text(tomli_w.dumps(tables))
    return folder


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["convert", *arguments])


@pytest.mark.timeout(900)  # TensorFlow compiles each of its two files
def test_every_format_is_written_and_gives_the_models_showers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "MOST_SHOWERS", 20)  # files are run in two unequal parts
    model, out = saved(tmp_path / "model", "gan3d", SMALL, GEOMETRY), tmp_path / "out"
    forms = [word for form in FILES for word in ("--format", form)]
    (out / FILES["tensorflow"]).mkdir(parents=True)
    (out / FILES["tensorflow"] / "older").touch()
    done = call(str(model), "-o", str(out), *forms, "--json")
    assert done.exit_code == 0, done.output
    assert sorted(f.name for f in out.iterdir()) == sorted(FILES.values())
    assert not (out / FILES["tensorflow"] / "older").exists()
    made = {entry["form"]: entry for entry in json.loads(done.stdout)}
    for form, limit in zip(FILES, (1e-4, 1e-4, 1e-4, 1e-2, 0.2), strict=True):
        assert made[form]["difference"] < limit and made[form]["size"] > 1000
        np.testing.assert_allclose(made[form]["energy"], 1, atol=limit)
        np.testing.assert_allclose(made[form]["lowest"], 1, atol=limit)
    # Showers of high energy do not outweigh what becomes of those of the lowest.
    assert abs(made["onnx-int8"]["lowest"] - made["onnx-int8"]["energy"]) > 1e-4
    assert made["onnx"]["difference"] < made["onnx-float16"]["difference"]
    first, *inner, last = _in_eight_bits(out / FILES["onnx-int8"])
    assert (first, last) == (False, False) and inner.count(True) == len(inner) > 0


def _in_eight_bits(file: Path) -> list[bool]:
    """Of each layer with weights, in order."""
    import onnx

    graph = onnx.load(file).graph
    whole = {
        name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output
    }
    return [node.input[1] in whole for node in graph.node if node.op_type in ("Gemm", "Conv")]


def test_files_are_given_angles_and_particle_types(tmp_path: Path) -> None:
    geometry = replace(GEOMETRY, theta=(60.0, 120.0), particles=("e-", "gamma"))
    model = saved(tmp_path / "model", "gan3d", SMALL, geometry)
    (made,) = convert(model, tmp_path / "out", ("onnx",), lambda _: None)
    assert made.difference < 1e-4


def test_showers_are_compared_all_over_the_trained_ranges_and_at_the_lowest_energy() -> None:
    kinds = ("e-", "gamma")
    geometry = Geometry("g", Cells((3, 4, 5), (5.0, 5.0, 5.0)), (1.0, 500.0), particles=kinds)
    found = _compared_at(geometry, Ranges((10.0, 160.0), (60.0, 120.0)))
    whole, lowest = found[:COMPARED], found[COMPARED:]
    np.testing.assert_allclose(whole.energy, np.linspace(10, 160, COMPARED))
    np.testing.assert_array_equal(lowest.energy, np.full(COMPARED, 10))
    for part in (whole, lowest):
        np.testing.assert_allclose(
            np.sort(part.theta), np.radians(np.linspace(60, 120, COMPARED)), rtol=1e-6
        )
        assert np.bincount(part.particle).tolist() == [COMPARED // 2, COMPARED // 2]


def test_a_file_that_gives_other_showers_is_refused(tmp_path: Path) -> None:
    rng, part = np.random.default_rng(0), tmp_path / "generator.onnx"
    part.write_bytes(bytes(2_500_000))
    model = rng.random((2 * COMPARED, 3, 4, 5), dtype=np.float32)
    model.flat[0] = 2.0
    cells = 1.02 * model
    cells[COMPARED:] = 0.9 * model[COMPARED:]
    for wrong, form in ((cells, "onnx"), (cells * np.nan, "onnx-int8")):
        with pytest.raises(DataError, match="showers must be the model's within 1e-04"):
            _compared(form, part, wrong, model)
    made = _compared("onnx-int8", part, cells, model)
    assert (made.size, made.difference) == (2_500_000, pytest.approx(0.05, rel=0.1))
    assert (made.energy, made.lowest) == (pytest.approx(1.02), pytest.approx(0.9))
    (row,) = conversion_table([made]).rows
    assert row == ("onnx-int8", "generator.onnx", "2.5 MB", "5e-02", "+2.00 %", "-10.00 %")
    assert _compared("onnx", part, model * np.float32(1 + 5e-5), model).lowest < 1.0001


def test_a_model_that_cannot_be_converted_is_told(tmp_path: Path) -> None:
    model = saved(tmp_path / "model", "toy", {"rate": 0.5}, GEOMETRY)
    done = call(str(model), "-o", str(tmp_path / "out"))
    assert isinstance(done.exception, MetaoptError) and exit_code(done.exception) == 2
    assert "cannot be converted" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    model = saved(tmp_path / "model", "toy", {"rate": 0.5}, GEOMETRY)
    done = call(str(model), "-o", str(model / "production.toml"))
    assert isinstance(done.exception, MetaoptError) and exit_code(done.exception) == 2
    assert "cannot be written" in str(done.exception)
