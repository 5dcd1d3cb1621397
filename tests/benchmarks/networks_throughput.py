"""Training showers per second: this family's compiled epoch against the published loop.

One process for each side, both alive, taking turns: what else runs on the machine
meets both alike, and neither inherits the other's TensorFlow settings. Ratios are of
neighbouring turns: of wall-clock time, and of CPU time, which other work disturbs less.
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

#: Preset, batch size, turns of one batch.
CASES = (
    ("fixed-angle", 64, 5),
    ("fixed-angle", 128, 3),
    ("variable-angle-b", 8, 3),
    ("variable-angle-b", 64, 1),
)
HEAD = (
    "preset",
    "batch",
    "published loop [1/s]",
    "gan3d [1/s]",
    "ratio",
    "ratio of CPU time",
    "turns",
)

Turn = Callable[[], object]


def rows() -> Iterator[tuple[str, ...]]:
    """One row per case: median (lowest to highest) of the turns, and the ratio of neighbours."""
    for case in CASES:
        yield _row(*case)


def _row(preset: str, batch: int, turns: int) -> tuple[str, ...]:
    with _side("published", preset, batch) as theirs, _side("gan3d", preset, batch) as ours:
        seconds = [(_turn(theirs), _turn(ours)) for _ in range(turns)]
    rates = [[batch / wall for wall, _ in side] for side in zip(*seconds, strict=True)]
    ratios = [[theirs[clock] / ours[clock] for theirs, ours in seconds] for clock in (0, 1)]
    return (preset, str(batch), *map(_spread, [*rates, *ratios]), str(turns))


def _spread(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _turn(side: Connection) -> tuple[float, float]:
    """Wall-clock and CPU seconds of one turn."""
    side.send("turn")
    wall, cpu = side.recv()
    return wall, cpu


@contextmanager
def _side(name: str, preset: str, batch: int) -> Iterator[Connection]:
    """A process that trains on one batch at each turn, warmed up."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, name, preset, batch))
    process.start()
    there.close()
    try:
        here.recv()  # warm
        yield here
    finally:
        here.close()
        process.join()


def _serve(connection: Connection, name: str, preset: str, batch: int) -> None:
    data = made_up_showers(geometry_of(preset), batch)
    turn = {"gan3d": _gan3d, "published": _published}[name](preset, batch, data)
    try:
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            turn()
            connection.send((time.perf_counter() - wall, time.process_time() - cpu))
            connection.recv()
    except (EOFError, BrokenPipeError):
        return


def _gan3d(preset: str, batch: int, data: Showers) -> Turn:
    family, resources = make_family("gan3d"), Resources(cpus=THREADS)
    model = family.build(preset, {"batch_size": batch}, geometry_of(preset), 1, resources)
    return lambda: model.train_epoch(data, 1)


def _published(preset: str, batch: int, data: Showers) -> Turn:
    import tensorflow as tf
    from published_loop import PublishedLoop

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    loop = PublishedLoop(preset)
    return lambda: loop.train_epoch(data, batch)
