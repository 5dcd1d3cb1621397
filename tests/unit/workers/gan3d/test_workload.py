"""The work of a training shower, and rates from measured times."""

from __future__ import annotations

import dataclasses

import pytest

from workers.models.gan3d import calibration
from workers.models.gan3d.family import Gan3D, configuration
from workers.models.gan3d.shapes import plan
from workers.models.gan3d.workload import Rates, Workload, workload
from workers.trial import Resources

from .conftest import SMALL, geometry


def load(*, pairs: bool = True, **point: float) -> Workload:
    params = configuration("fixed-angle", SMALL | point, geometry())
    return workload(params, plan(params, (8, 8, 8)), pairs=pairs)


def test_one_batch_is_the_work_of_the_published_loop() -> None:
    """A discriminator of one layer: 27 taps on 8 x 8 x 8 cells, one vector of channels each."""
    point = {k: v for k, v in SMALL.items() if not k.startswith("d2_")} | {"d_layers": 1}
    params = configuration("fixed-angle", point, geometry())
    none, once = (
        workload(
            dataclasses.replace(params, training=dataclasses.replace(params.training, g_steps=n)),
            plan(params, (8, 8, 8)),
            pairs=False,
        ).multiplications
        for n in (0, 1)
    )
    discriminator = 512 * 27 * 16 * 16
    # Fakes, and two updates that need no gradient of their input.
    generator = none - 2 * 2 * discriminator
    assert generator > 0
    assert once == none + 3 * generator + 2 * discriminator


def test_more_filters_and_steps_are_more_work() -> None:
    least = load()
    assert load(g2_filters=17).multiplications > least.multiplications
    assert load(d2_filters=5).multiplications == least.multiplications  # of the same vector
    assert load(d2_filters=5).moved > least.moved
    assert load(g_steps=3).multiplications > least.multiplications
    assert load(batch_size=16).updated == pytest.approx(least.updated / 2)
    assert load(pairs=False).multiplications != least.multiplications


def test_rates_explain_the_times_that_they_made() -> None:
    true = Rates(2e-12, 3e-9, 4e-8)
    loads = [load(), load(g1_filters=32), load(d1_filters=32, batch_size=2), load(latent_size=99)]
    fitted = Rates.fit(loads, [true.seconds(one) for one in loads])
    for one in (*loads, load(g1_filters=64, batch_size=1)):
        assert fitted.seconds(one) == pytest.approx(true.seconds(one), rel=1e-6)


def test_a_calibration_predicts_a_positive_time_for_every_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibration, "BATCHES", (4, 4))
    predicted = Gan3D().calibrated("fixed-angle", geometry(), Resources())
    times = [predicted(SMALL), predicted({}), predicted({"g1_filters": 128})]
    assert 0 < times[0] < times[1] < times[2]


def test_static_metrics_are_those_of_the_built_model() -> None:
    built = Gan3D().build("fixed-angle", SMALL, geometry(), 1, Resources())
    assert Gan3D().static_metrics("fixed-angle", SMALL, geometry()) == built.metrics()
