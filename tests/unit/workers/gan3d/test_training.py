"""The training loop and the model around it, on networks that compile in a second."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from objectives.showers import Conditions, Showers
from search_spaces.errors import DataError, DivergedError, ExecutorError, InfeasibleError
from workers.models.gan3d import backend
from workers.models.gan3d.family import Gan3D, Gan3DModel
from workers.trial import Resources

from .conftest import SMALL, geometry, model, showers

DATA = showers()


def weights(network: Any) -> list[Any]:
    return [w.value.numpy() for w in network.weights]


def equal(a: list[Any], b: list[Any]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def trained() -> Gan3DModel:
    """A model after one epoch; tests must not train it further."""
    trained = model()
    trained.train_epoch(DATA, 1)
    return trained


def test_losses_are_named_and_finite() -> None:
    fixed = model().train_epoch(DATA, 1)
    assert list(fixed) == [
        "d_real_fake",
        "d_primary_energy",
        "g_real_fake",
        "g_primary_energy",
        "g_deposited_energy",
        "energy_ratio",
    ]
    angle = model(angle=True, W_B=1.0).train_epoch(DATA, 1)
    assert {"g_angle", "g_bins"} < set(angle)
    assert all(np.isfinite(v) for v in (*fixed.values(), *angle.values()))


def test_the_same_seed_gives_the_same_weights_bit_for_bit(trained: Gan3DModel) -> None:
    again, other = model(), model(seed=2)
    again.train_epoch(DATA, 1)
    other.train_epoch(DATA, 1)
    for network in ("generator", "discriminator"):
        first = weights(getattr(trained.trainer, network))
        assert equal(first, weights(getattr(again.trainer, network)))
        assert not equal(first, weights(getattr(other.trainer, network)))


def test_a_loaded_model_generates_and_trains_on_as_the_saved_one(tmp_path: Path) -> None:
    saved = model()
    saved.train_epoch(DATA, 1)
    saved.save(tmp_path)
    loaded = Gan3D().load(tmp_path, "fixed-angle", SMALL, geometry(), Resources())
    args = (DATA.conditions, 7)
    np.testing.assert_array_equal(saved.generate(*args), loaded.generate(*args))
    assert saved.train_epoch(DATA, 2) == loaded.train_epoch(DATA, 2)
    for network in ("generator", "discriminator"):
        pair = [weights(getattr(m.trainer, network)) for m in (saved, loaded)]
        assert equal(*pair)


def test_another_configuration_is_not_loaded(trained: Gan3DModel, tmp_path: Path) -> None:
    trained.save(tmp_path)
    with pytest.raises(DataError, match="give the point that it was trained with"):
        Gan3D().load(tmp_path, "fixed-angle", SMALL | {"g1_filters": 5}, geometry(), Resources())
    # Same shapes, another transform: the weights would load and mean something else.
    with pytest.raises(DataError, match="another configuration"):
        Gan3D().load(tmp_path, "fixed-angle", SMALL | {"power": 0.5}, geometry(), Resources())
    with pytest.raises(DataError, match="must hold the saved model"):
        Gan3D().load(tmp_path / "none", "fixed-angle", SMALL, geometry(), Resources())


def test_generation_depends_on_its_arguments_alone(trained: Gan3DModel) -> None:
    energy = np.linspace(10, 200, trained.chunk + 5, dtype=np.float32)
    conditions = Conditions.of(energy)
    first = trained.generate(conditions, 3)
    assert first.shape == (len(energy), 8, 8, 8)
    assert first.dtype == np.float32
    assert first.min() >= 0
    np.testing.assert_array_equal(first, trained.generate(conditions, 3))
    assert not np.array_equal(first, trained.generate(conditions, 4))
    assert trained.generate(conditions[:0], 3).shape == (0, 8, 8, 8)


@pytest.mark.parametrize("n", [1, 2, 16, 17])
def test_few_showers_are_the_first_of_many(trained: Gan3DModel, n: int) -> None:
    conditions = Conditions.of(np.linspace(10, 200, 40))
    many, few = trained.generate(conditions, 3), trained.generate(conditions[:n], 3)
    np.testing.assert_allclose(few, many[:n], rtol=1e-4, atol=1e-9)


def test_the_power_and_the_scale_are_undone() -> None:
    # Deposited energies are compared in GeV, so that training brings them there.
    m = model(power=0.5, g_learning_rate=3e-3)
    ratios = [m.train_epoch(DATA, e)["energy_ratio"] for e in range(1, 9)]
    assert 0.5 < ratios[-1] < 2
    total = m.generate(DATA.conditions, 1).sum()
    assert 0.1 < total / DATA.cells.sum() < 10


def test_moving_statistics_of_the_discriminator_move_in_its_own_steps_only() -> None:
    m = model()
    d = m.trainer.discriminator

    def moving() -> list[Any]:
        return [w.value.numpy() for w in d.non_trainable_weights]

    before = moving()
    m.train_epoch(DATA, 1)
    after = moving()
    assert not any(np.array_equal(a, b) for a, b in zip(before, after, strict=True))

    import tensorflow as tf

    frozen = weights(d)
    image = tf.random.stateless_normal([8, 8, 8, 8, 1], [1, 2])
    m.trainer.step._frozen_discriminator(image)
    assert equal(frozen, weights(d))


def test_a_generator_step_uses_batch_statistics_and_moves_only_the_generator() -> None:
    import tensorflow as tf

    m = model()
    t = m.trainer.step
    d_before, g_before = weights(t.discriminator), weights(t.generator)
    truth = {
        "real_fake": tf.ones([8]),
        "primary_energy": tf.ones([8]),
        "particle": tf.zeros([8], tf.int32),
        "deposited_energy": tf.ones([8]),
    }
    t._g_step(tf.random.stateless_normal([8, 8], [1, 2]), truth)
    assert equal(d_before, weights(t.discriminator))
    moved = [not np.array_equal(a, b) for a, b in zip(g_before, weights(t.generator), strict=True)]
    assert all(moved)


def test_dropout_masks_differ_between_steps() -> None:
    import tensorflow as tf

    t = model(dropout=0.5).trainer.step
    image = tf.ones([4, 8, 8, 8, 1])
    first, second = t._frozen_discriminator(image)[0], t._frozen_discriminator(image)[0]
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("point", [{"g_learning_rate": 1.0, "power": 0.05}, {"W_G": 1e38}])
def test_divergence_is_the_configurations_own_failure(point: dict[str, float]) -> None:
    m = model(**point)
    with pytest.raises(DivergedError, match="lower the learning rates") as failure:
        for epoch in range(1, 4):
            m.train_epoch(DATA, epoch)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("resources", "kind"),
    [
        (Resources(), InfeasibleError),
        (Resources(gpus=1.0), InfeasibleError),
        (Resources(gpus=0.25), ExecutorError),
        (Resources(gpus=0.25, gpu_memory_mib=4000), InfeasibleError),
    ],
)
def test_memory_is_the_configurations_own_failure_unless_others_share_it(
    resources: Resources, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow's own error, as where the allocator of a GPU cannot give more."""
    import tensorflow as tf

    def exhausted(*args: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "failed to allocate memory")

    monkeypatch.setattr(backend, "start", lambda resources: None)  # without a GPU
    m = Gan3D().build("fixed-angle", SMALL, geometry(), 1, resources)
    monkeypatch.setattr(m.trainer.step, "_loop", exhausted)
    with pytest.raises(kind, match=r"a training step .* memory"):
        m.train_epoch(DATA, 1)


def test_a_failed_step_is_counted_from_one() -> None:
    broken = Showers(np.full_like(DATA.cells, np.nan), DATA.conditions)
    with pytest.raises(DivergedError, match=r"at step 1 of \d+ of epoch 1;"):
        model().train_epoch(broken, 1)


def test_lost_energy_is_a_failure() -> None:
    m = model(g_learning_rate=0.0)
    last = m.trainer.generator.get_layer("last")
    last.kernel.assign(-np.ones(last.kernel.shape) * 1e-3)
    g2 = m.trainer.generator.get_layer("g2")
    g2.bias.assign(np.full(g2.bias.shape, 1e3))
    with pytest.raises(DivergedError, match="lost all energy"):
        m.train_epoch(DATA, 1)


def test_fewer_showers_than_a_batch_are_one_batch() -> None:
    assert np.isfinite(model(batch_size=64).train_epoch(DATA[:10], 1)["d_real_fake"])


def test_showers_are_seen_in_gev_whatever_the_angle() -> None:
    one = Showers(DATA.cells, Conditions.of(DATA.energy))
    assert model().train_epoch(one, 1) == model().train_epoch(DATA, 1)


def test_static_metrics_and_summary() -> None:
    m = model()
    metrics = m.metrics()
    assert metrics["generator_parameters"] == m.trainer.generator.count_params()
    assert metrics["discriminator_parameters"] == m.trainer.discriminator.count_params()
    assert "8x8x8 x 1" in m.summary()


def test_the_family_imports_without_tensorflow_and_starts_it_quietly() -> None:
    code = (
        "import sys\n"
        "from workers.models.gan3d import Gan3D\n"
        "from search_spaces import load_geometry\n"
        "from workers.trial import Resources\n"
        "g = load_geometry('clic-12x12x12')\n"
        "assert Gan3D().problem('fixed-angle', {}, g) is None\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "Gan3D().build('fixed-angle', {}, g, 1, Resources())\n"
        "import tensorflow as tf\n"
        "assert tf.config.threading.get_intra_op_parallelism_threads() == 1\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
