"""Training showers per second: this family's compiled epoch against the published loop.

One process for each side, both alive, taking turns: what else runs on the machine
meets both alike, and neither inherits the other's TensorFlow settings.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median

from made_up import THREADS, geometry_of, made_up_showers

from objectives.showers import Showers
from workers.models.registry import make_family
from workers.trial import Resources

#: Preset, batch size, batches per turn, turns.
CASES = (
    ("fixed-angle", 64, 2, 5),
    ("fixed-angle", 128, 1, 5),
    ("variable-angle-b", 8, 2, 5),
    ("variable-angle-b", 64, 1, 3),
)
HEAD = ("preset", "batch", "published loop [1/s]", "gan3d [1/s]", "ratio", "turns")

Turn = Callable[[], object]


def rows() -> Iterator[tuple[str, ...]]:
    """One row per case: median (lowest to highest) of the turns, and the ratio of neighbours."""
    for preset, batch, batches, turns in CASES:
        yield _row(preset, batch, batch * batches, turns, "published")
    # Keras' own choice, once: XLA is what the scripts meet when nobody turns it off.
    yield _row("fixed-angle", 64, 64, 1, "published-xla")


def _row(preset: str, batch: int, showers: int, turns: int, baseline: str) -> tuple[str, ...]:
    with (
        _side(baseline, preset, batch, showers) as theirs,
        _side("gan3d", preset, batch, showers) as ours,
    ):
        seconds = [(_turn(theirs), _turn(ours)) for _ in range(turns)]
    rates = [[showers / s for s in side] for side in zip(*seconds, strict=True)]
    ratios = [a / b for a, b in seconds]
    name = f"{preset}, XLA left on" if baseline.endswith("xla") else preset
    return (name, str(batch), *map(_spread, [*rates, ratios]), str(turns))


def _spread(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _turn(side: Connection) -> float:
    side.send("turn")
    return float(side.recv())


@contextmanager
def _side(name: str, preset: str, batch: int, showers: int) -> Iterator[Connection]:
    """A process that trains over the same showers at each turn, warmed up."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, name, preset, batch, showers))
    process.start()
    there.close()
    try:
        here.recv()  # warm
        yield here
    finally:
        here.close()
        process.join()


def _serve(connection: Connection, name: str, preset: str, batch: int, showers: int) -> None:
    data = made_up_showers(geometry_of(preset), showers)
    turn = _gan3d(preset, batch, data) if name == "gan3d" else _published(name, preset, batch, data)
    try:
        while True:
            start = time.perf_counter()
            turn()
            connection.send(time.perf_counter() - start)
            connection.recv()
    except (EOFError, BrokenPipeError):
        return


def _gan3d(preset: str, batch: int, data: Showers) -> Turn:
    family, resources = make_family("gan3d"), Resources(cpus=THREADS)
    model = family.build(preset, {"batch_size": batch}, geometry_of(preset), 1, resources)
    return lambda: model.train_epoch(data, 1)


def _published(name: str, preset: str, batch: int, data: Showers) -> Turn:
    import tensorflow as tf
    from published_loop import PublishedLoop

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    loop = PublishedLoop(preset, xla=name.endswith("xla"))
    return lambda: loop.train_epoch(data, batch)
