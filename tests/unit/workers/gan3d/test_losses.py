"""Loss terms against numpy, and their gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.models.gan3d.mesh import Mesh
from workers.models.gan3d.params import Transform

from .conftest import showers


@pytest.fixture(scope="module")
def losses() -> Any:
    from workers.models.gan3d import losses

    return losses


def test_mape_has_the_truth_in_the_denominator(losses: Any) -> None:
    truth, prediction = np.float32([2.0, 4.0]), np.float32([1.0, 5.0])
    assert float(losses.mape(truth, prediction)) == pytest.approx(100 * (1 / 2 + 1 / 4) / 2)
    assert float(losses.mape(prediction, truth)) == pytest.approx(100 * (1 / 1 + 1 / 5) / 2)


def test_real_fake_is_the_cross_entropy_of_the_sigmoid(losses: Any) -> None:
    label, logit = np.float32([1.0, 0.0, 1.0]), np.float32([0.3, -2.0, -1.0])
    p = 1 / (1 + np.exp(-logit))
    expected = -np.mean(label * np.log(p) + (1 - label) * np.log(1 - p))
    assert float(losses.real_fake(label, logit)) == pytest.approx(expected, rel=1e-5)
    assert math.isfinite(float(losses.real_fake(np.float32([0.0]), np.float32([1e4]))))


@pytest.mark.parametrize("power", [1.0, 0.85, 0.4])
def test_images_and_cells_are_inverses_above_the_threshold(losses: Any, power: float) -> None:
    cells = np.float32([0.0, 5e-7, 2e-6, 1e-3, 0.2, 3.0]).reshape(1, 1, 2, 3)
    transform = Transform(50.0, power)
    mesh = Mesh.regular(cells.shape[1:])
    image = losses.to_image(transform, cells, 1e-6, mesh)
    assert tuple(image.shape) == (1, 1, 2, 3, 1)
    expected = np.where(cells < 1e-6, 0, cells)
    np.testing.assert_allclose(image[..., 0], (50 * expected) ** power, rtol=1e-5)
    np.testing.assert_allclose(losses.to_cells(transform, image, mesh), expected, rtol=1e-4)


def reference_angle(cells: NDArray[np.float32]) -> float:
    """The published definition, layer by layer, for cubic cells."""
    nx, ny, nz = cells.shape
    x, y, z = (np.arange(n) + 0.5 for n in (nx, ny, nz))
    total = cells.sum()
    if total == 0:
        return 100.0
    mean = [
        (cells.sum((1, 2)) * x).sum() / total,
        (cells.sum((0, 2)) * y).sum() / total,
        (cells.sum((0, 1)) * z).sum() / total,
    ]
    weighted = weight = 0.0
    for k in range(nz):
        layer = cells[:, :, k]
        if layer.sum() == 0:
            continue
        xk = (layer.sum(1) * x).sum() / layer.sum()
        yk = (layer.sum(0) * y).sum() / layer.sum()
        projected = math.sqrt(max((xk - mean[0]) ** 2 + (z[k] - mean[2]) ** 2, 1e-7))
        m = (yk - mean[1]) / projected * (-1 if z[k] < mean[2] else 1)
        weighted += z[k] * (math.pi / 2 - math.atan(m))
        weight += z[k]
    return weighted / weight


def test_measured_angle_follows_the_published_definition(losses: Any) -> None:
    cells = showers(6, (7, 9, 8)).cells.copy()
    cells[1, :, :, 2:5] = 0
    cells[2] = 0
    got = losses.measured_angle(cells, (5.0, 5.0, 5.0))
    np.testing.assert_allclose(got, [reference_angle(c) for c in cells], rtol=1e-4)


def test_a_line_of_known_tilt_has_its_angle(losses: Any) -> None:
    cells = np.zeros((1, 5, 21, 11), np.float32)
    for k in range(11):
        cells[0, 2, 10 + (k - 5), k] = 1.0
    assert float(losses.measured_angle(cells, (5.0, 5.0, 5.0))[0]) == pytest.approx(
        math.pi / 4, abs=0.1
    )
    # Twice as long in depth: the same cells are a smaller tilt.
    tilt = math.pi / 2 - float(losses.measured_angle(cells, (5.0, 5.0, 10.0))[0])
    assert 0.3 < tilt < 0.5


def test_the_angle_has_a_finite_gradient_even_for_empty_layers_and_events(losses: Any) -> None:
    import tensorflow as tf

    cells = showers(4, (6, 6, 8)).cells.copy()
    cells[0, :, :, 3:] = 0
    cells[1] = 0
    x = tf.constant(cells)
    with tf.GradientTape() as tape:
        tape.watch(x)
        angle = tf.reduce_sum(losses.measured_angle(x, (5.0, 5.0, 5.0)))
    gradient = tape.gradient(angle, x).numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[3]).max() > 0


def test_an_event_without_an_angle_is_left_out(losses: Any) -> None:
    truth, prediction = np.float32([100.0, 1.5]), np.float32([1.0, 1.7])
    assert float(losses.angle_error(truth, prediction)) == pytest.approx(0.2, rel=1e-5)


def test_energy_in_bins_is_all_the_energy(losses: Any) -> None:
    cells = showers(5).cells
    bins = losses.energy_in_bins(cells).numpy()
    np.testing.assert_allclose(bins.sum(1), cells.sum((1, 2, 3)), rtol=1e-5)
    assert bins[0, 0] == pytest.approx(cells[0][cells[0] > 1e-3].sum(), rel=1e-5)
    in_lowest = (cells[0] > 0) & (cells[0] <= 0.06e-3)
    assert bins[0, -1] == pytest.approx(cells[0][in_lowest].sum(), rel=1e-4)


def test_counts_in_bins_have_no_gradient_and_energies_have(losses: Any) -> None:
    import tensorflow as tf

    x = tf.constant(showers(3).cells)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        count = tf.reduce_sum(tf.where(x > 1e-3, tf.ones_like(x), tf.zeros_like(x)))
        energy = tf.reduce_sum(losses.energy_in_bins(x)[:, 0])
    gradient = tape.gradient(count, x)
    assert gradient is None or float(tf.reduce_max(tf.abs(gradient))) == 0
    assert float(tf.reduce_max(tf.abs(tape.gradient(energy, x)))) > 0


def test_bins_error_is_relative_to_the_deposited_energy(losses: Any) -> None:
    truth = np.float32([[3.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    prediction = np.float32([[2.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]])
    assert float(losses.bins_error(truth, prediction)) == pytest.approx(100 * 2 / 4 / 7)
