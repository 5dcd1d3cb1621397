"""Exported graphs compute what the network computes, for every preset and form of network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from objectives.showers import Conditions
from search_spaces import Geometry
from search_spaces.geometry import Cells, Cylinder
from search_spaces.parameters import Point
from workers.models.gan3d.family import Gan3D, Gan3DModel
from workers.trial import Resources

CELLS = Cells((12, 13, 12), (5.0, 5.0, 5.0))
#: As the spaces ``quick`` and ``quick-angle`` may choose them.
FORMS: tuple[tuple[str, Point], ...] = (
    ("fixed-angle", {}),
    ("variable-angle-a", {}),
    ("variable-angle-b", {}),
    ("fixed-angle", {"conditioning": "concat", "g_layers": 4, "g2_kernel_z": 3, "power": 0.6}),
    ("variable-angle-a", {"g_layers": 2, "g1_filters": 11, "latent_size": 500, "average": 0.9}),
)


#: As CaloChallenge has them: layers that are alike, and full rings between finer ones.
CYLINDERS = {
    "regular": Cylinder(tuple(range(10)), 16, 3.4, 10),
    "rings": Cylinder(((0, 5, 9), *[tuple(range(13))] * 4), (1, 10, 10, 1, 5), 8.0),
}


def built(
    preset: str,
    point: Point,
    particles: tuple[str, ...] = ("e-",),
    cells: Cells | Cylinder = CELLS,
) -> Gan3DModel:
    """A model with statistics and weights as after a training, but for physics."""
    theta = (90.0, 90.0) if preset == "fixed-angle" else (60.0, 120.0)
    geometry = Geometry("test", cells, (10.0, 200.0), theta, particles=particles)
    model = Gan3D().build(preset, {"d_layers": 2, **point}, geometry, 1, Resources())
    rng = np.random.default_rng(4)
    average = model.trainer.step.average
    for variable in average.variables if average else model.trainer.generator.variables:
        spread = 0.3 * rng.standard_normal(variable.shape)
        variable.assign(variable.numpy() * np.exp(spread) + 0.03 * spread**2)
    return model


def computed(model: Gan3DModel, file: Path, conditions: Conditions) -> np.ndarray:
    session = onnxruntime.InferenceSession(file)
    known = {"noise": model.noise(len(conditions), 2), **vars(conditions)}
    given = {i.name: known[i.name] for i in session.get_inputs()}
    assert next(iter(given)) == "energy" and [o.name for o in session.get_outputs()] == ["cells"]
    return session.run(None, given)[0]


CONDITIONS = Conditions.of([10.0, 60.0, 200.0], [1.1, 1.6, 2.0], [1, 0, 1])


@pytest.mark.parametrize(("preset", "point"), FORMS)
def test_the_graph_gives_the_models_showers(preset: str, point: Point, tmp_path: Path) -> None:
    model = built(preset, point)
    expected = model.generate(CONDITIONS, 2)
    for precision, tolerance in (("float32", 1e-5), ("float16", 1e-2)):
        model.write_onnx(tmp_path / "generator.onnx", precision)
        cells = computed(model, tmp_path / "generator.onnx", CONDITIONS)
        assert cells.dtype == np.float32 and cells.shape == expected.shape
        np.testing.assert_allclose(cells, expected, rtol=0, atol=tolerance * expected.max())


@pytest.mark.parametrize(("preset", "point"), FORMS[:4])
@pytest.mark.parametrize("name", CYLINDERS)
def test_a_graph_goes_around_a_cylinder(
    name: str, preset: str, point: Point, tmp_path: Path
) -> None:
    model = built(preset, point, cells=CYLINDERS[name])
    expected = model.generate(CONDITIONS, 2)
    assert expected.shape == (3, *CYLINDERS[name].shape) and expected.any()
    for precision, tolerance in (("float32", 1e-5), ("float16", 1e-2)):
        model.write_onnx(tmp_path / "generator.onnx", precision)
        cells = computed(model, tmp_path / "generator.onnx", CONDITIONS)
        np.testing.assert_allclose(cells, expected, rtol=0, atol=tolerance * expected.max())


@pytest.mark.parametrize("name", CYLINDERS)
def test_a_keras_file_goes_around_a_cylinder(name: str, tmp_path: Path) -> None:
    import keras

    model = built("fixed-angle", {"g1_filters": 8, "power": 0.8}, cells=CYLINDERS[name])
    model.write_keras(tmp_path / "generator.keras")
    noise = model.noise(3, 2)
    again = keras.models.load_model(tmp_path / "generator.keras")
    cells = again({"energy": CONDITIONS.energy, "noise": noise})["cells"]
    expected = model.generate(CONDITIONS, 2)
    np.testing.assert_allclose(cells, expected, rtol=0, atol=1e-5 * expected.max())


def test_particles_are_a_condition(tmp_path: Path) -> None:
    model = built("variable-angle-a", {"g_layers": 2, "g1_kernel": 3}, ("e-", "gamma"))
    model.write_onnx(tmp_path / "generator.onnx")
    cells = computed(model, tmp_path / "generator.onnx", CONDITIONS)
    expected = model.generate(CONDITIONS, 2)
    np.testing.assert_allclose(cells, expected, rtol=0, atol=1e-5 * expected.max())
