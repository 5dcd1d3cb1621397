"""Options of the training: several particle types, a moving average, half precision, segments."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from objectives.showers import Conditions, Showers
from workers.models.gan3d import batches
from workers.models.gan3d.family import Gan3D, Gan3DModel
from workers.trial import Resources

from .conftest import SMALL, geometry, model, showers

DATA = showers()
TYPES = ("e-", "gamma")


def two_types(*, angle: bool = False, **point: float) -> Gan3DModel:
    both = dataclasses.replace(geometry(angle=angle), particles=TYPES)
    return Gan3D().build("fixed-angle", SMALL | point, both, 1, Resources())


def with_types() -> Showers:
    kind = np.arange(len(DATA)) % 2
    # Showers of the second type are turned round: a network can tell them.
    cells = np.where(kind[:, None, None, None] == 1, DATA.cells[..., ::-1], DATA.cells)
    return Showers(cells, Conditions.of(DATA.energy, DATA.theta, kind))


@pytest.mark.parametrize("angle", [False, True])
def test_the_particle_type_is_a_condition_and_has_a_head(angle: bool) -> None:
    m = two_types(angle=angle)
    losses = m.train_epoch(with_types(), 1)
    assert {"d_particle", "g_particle"} < set(losses)
    assert losses["d_particle"] == pytest.approx(np.log(2), rel=0.8)
    assert m.params.noise_size == m.params.generator.latent_size - 3 - int(angle)
    conditions = DATA.conditions
    other = Conditions.of(conditions.energy, conditions.theta, np.ones(len(conditions)))
    assert not np.array_equal(m.generate(conditions, 1), m.generate(other, 1))
    for network in ("generator", "discriminator"):
        built = getattr(m.trainer, network).count_params()
        assert m.metrics()[f"{network}_parameters"] == built


def test_without_its_weight_the_type_is_no_term_of_the_generator() -> None:
    losses = two_types(W_T=0.0).train_epoch(with_types(), 1)
    assert not {"d_particle", "g_particle"} & set(losses)


def test_one_particle_type_is_the_published_network() -> None:
    assert len(model().trainer.discriminator.outputs) == 2
    assert model().params.noise_size == SMALL["latent_size"]


def test_showers_are_generated_with_the_averaged_weights(tmp_path: Path) -> None:
    plain, averaged = model(), model(average=0.9)
    for m in (plain, averaged):
        m.train_epoch(DATA, 1)
    # Training is the same; what is generated is not.
    pairs = zip(
        plain.trainer.generator.get_weights(),
        averaged.trainer.generator.get_weights(),
        strict=True,
    )
    assert all(np.array_equal(a, b) for a, b in pairs)
    first = averaged.generate(DATA.conditions, 1)
    assert not np.array_equal(first, plain.generate(DATA.conditions, 1))
    averaged.save(tmp_path)
    point = SMALL | {"average": 0.9}
    loaded = Gan3D().load(tmp_path, "fixed-angle", point, geometry(), Resources())
    np.testing.assert_array_equal(first, loaded.generate(DATA.conditions, 1))


def test_the_average_is_that_of_the_weights_after_each_step() -> None:
    m = model(average=0.9, batch_size=8, g_steps=1)
    average = m.trainer.step.average
    assert average is not None
    expected = [v.numpy() for v in average.variables]
    for step in range(1, 5):
        # Eight showers are one step; its number counts on through the epochs.
        m.train_epoch(DATA[:8], step)
        share = 1 - min(0.9, (1 + step) / (10 + step))
        now = m.trainer.generator
        values = [*now.trainable_variables, *now.non_trainable_variables]
        expected = [e + share * (v.numpy() - e) for e, v in zip(expected, values, strict=True)]
    for mean, value in zip(expected, average.variables, strict=True):
        np.testing.assert_allclose(value.numpy(), mean, rtol=1e-4, atol=1e-6)


def test_half_precision_keeps_weights_and_showers_in_single_precision() -> None:
    # Dropout draws other masks in another precision.
    point, resources = SMALL | {"dropout": 0.0}, Resources(precision="bfloat16")
    half = Gan3D().build("fixed-angle", point, geometry(), 1, resources)
    assert {str(w.dtype) for w in half.trainer.generator.weights} == {"float32"}
    assert half.trainer.generator.get_layer("g2").compute_dtype == "bfloat16"
    single = model(dropout=0.0)
    before = half.generate(DATA.conditions, 1), single.generate(DATA.conditions, 1)
    assert before[0].dtype == np.float32
    # The same weights and the same function, to the width of bfloat16.
    total = [cells.sum(axis=(1, 2, 3)) for cells in before]
    np.testing.assert_allclose(total[0], total[1], rtol=0.05)
    assert not np.array_equal(*before)
    losses = half.train_epoch(DATA, 1), single.train_epoch(DATA, 1)
    assert losses[0]["d_real_fake"] == pytest.approx(losses[1]["d_real_fake"], rel=0.1)


def test_an_epoch_in_segments_is_the_epoch_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = model()
    losses = whole.train_epoch(DATA, 1)
    monkeypatch.setattr(batches, "SEGMENT_BYTES", 8 * DATA.cells[0].nbytes)
    pieces = model()
    assert pieces.train_epoch(DATA, 1) == pytest.approx(losses, rel=1e-6)
    for a, b in zip(
        whole.trainer.generator.get_weights(), pieces.trainer.generator.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_segments_are_the_rows_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    order = batches.shuffled(np.arange(3, 32), 4, seed=1, epoch=2)
    assert order.shape == (7, 4)
    assert len(set(order.ravel())) == 28
    assert set(order.ravel()) < set(range(3, 32))
    monkeypatch.setattr(batches, "SEGMENT_BYTES", 3 * 4 * DATA.cells[0].nbytes)
    parts = list(batches.segments(DATA, order))
    assert [p.first for p in parts] == [0, 3, 6]
    cells = np.concatenate([p.cells for p in parts])
    np.testing.assert_array_equal(cells, DATA.cells[order])
    energy = np.concatenate([p.conditions.energy for p in parts])
    np.testing.assert_array_equal(energy, DATA.energy[order.ravel()])


def test_rows_are_the_showers_that_are_trained_on() -> None:
    rows = np.arange(8, 24)
    some, same = model(), model()
    assert some.train_epoch(DATA, 1, rows) == same.train_epoch(DATA[rows], 1)
