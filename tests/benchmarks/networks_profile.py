"""Where one training step of fixed-angle spends its time, against the matrix-multiply rate.

The parts are the compiled functions of which the epoch is made, run one by one and in
turns with the whole step and the matrix product, so that other work on the machine
meets all alike. What they leave of the step, or exceed it by, stands in its own row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

from made_up import THREADS, geometry_of, made_up_showers

from objectives.showers import Showers
from workers.models.gan3d.params import ENERGY_UNIT
from workers.models.registry import make_family
from workers.trial import Resources

PRESET, BATCH, BATCHES, REPEATS, MATRIX = "fixed-angle", 32, 2, 5, 3072
HEAD = (
    "part",
    "times per step",
    "ms per shower",
    "share",
    "GMAC per shower",
    "GFLOP/s",
    "of matmul",
)


def rows() -> Iterator[tuple[str, ...]]:
    """One row per part, then the step and the matrix product."""
    geometry = geometry_of(PRESET)
    model: Any = make_family("gan3d").build(
        PRESET, {"batch_size": BATCH}, geometry, 1, Resources(cpus=THREADS)
    )
    data = made_up_showers(geometry, BATCH * BATCHES)
    steps = model.params.training.g_steps
    g, d = (model.metrics()[f"{network}_gmac"] for network in ("generator", "discriminator"))
    runs = {**_parts(model.trainer.step, data), "matrix": _matrix_product()}
    seconds = _medians({**runs, "epoch": lambda: model.train_epoch(data, 1)})
    step = seconds["epoch"] / BATCHES
    rate = 2 * MATRIX**3 / seconds["matrix"] / 1e9
    parts = (
        ("fakes for the discriminator", "fakes", 1, g),
        ("discriminator update", "discriminator", 2, 3 * d),
        ("generator update", "generator", steps, 3 * g + 2 * d),
    )
    for title, name, times, gmac in parts:
        yield _row(title, times, times * seconds[name], step, times * gmac, rate)
    rest = step - sum(times * seconds[name] for _, name, times, _ in parts)
    yield _row("rest: gathering, random numbers, truths", 1, rest, step, 0, rate)
    total = sum(times * gmac for _, _, times, gmac in parts)
    yield _row(f"whole step, batch {BATCH}", 1, step, step, total, rate)
    yield (f"matrix product {MATRIX}, float32", "", "", "", "", f"{rate:.0f}", "100 %")


def _row(
    title: str, times: int, seconds: float, step: float, gmac: float, rate: float
) -> tuple[str, ...]:
    """Times, ms per shower, share, GMAC and rates of one part."""
    gflops = 2 * gmac * BATCH / seconds
    work = (f"{gmac:.2f}", f"{gflops:.0f}", f"{100 * gflops / rate:.0f} %")
    return (
        title,
        str(times),
        f"{1e3 * seconds / BATCH:.1f}",
        f"{100 * seconds / step:.0f} %",
        *(work if gmac else ("", "", "")),
    )


def _parts(step: Any, data: Showers) -> dict[str, Callable[[], object]]:
    """The compiled parts of a step on one batch."""
    import tensorflow as tf

    from workers.models.gan3d.losses import to_image
    from workers.models.gan3d.networks import Inputs

    c = data[:BATCH].conditions
    conditions = Inputs(*map(tf.constant, (c.energy / ENERGY_UNIT, c.theta, c.particle)))
    cells = tf.constant(data.cells[:BATCH])
    latent = tf.random.normal([BATCH, step.generator.input_shape[1]])
    image = to_image(step.params.transform, cells, step.geometry.threshold, step.mesh)
    truth = step._truth(cells, conditions)
    fakes = tf.function(lambda x: step.generator(x, training=False), autograph=False)
    return {
        "fakes": lambda: fakes(latent).numpy(),
        "discriminator": lambda: step._d_step(image, tf.ones(BATCH), conditions).numpy(),
        "generator": lambda: step._g_step(latent, truth).numpy(),
    }


def _matrix_product() -> Callable[[], object]:
    import tensorflow as tf

    a = tf.random.normal([MATRIX, MATRIX])
    return lambda: tf.matmul(a, a)[0, 0].numpy()


def _medians(runs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds by name, after one round that compiles."""
    rounds = [{name: _seconds(run) for name, run in runs.items()} for _ in range(1 + REPEATS)]
    return {name: median(seconds[name] for seconds in rounds[1:]) for name in runs}


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
