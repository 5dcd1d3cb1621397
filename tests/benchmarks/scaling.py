"""Full training by several workers: what they gain, what their sums cost, how it goes on.

::

    train    epochs of a small network with 1, 2 and 4 workers on this machine, the same batches
    sums     the time of a sum over workers, by their number and the message
    model    the published points, and what follows from them for a batch shared by many

Notation of the model: N workers, a batch of B showers, t seconds of a shower on one worker.

    step(N) = t (B/N + k + d (N - 1))

    k    what a step costs whatever its showers: started kernels, updates of the weights
    d    what each further worker adds: a sum in a ring takes 2 (N - 1) messages

both in showers. With g_steps updates of the generator and two of the discriminator, a step has
g_steps + 2 sums; their messages are the gradients, 4 bytes per parameter.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import numpy as np

from metaopt.training import Order, prepare, train
from search_spaces.loader import load_geometry
from search_spaces.records import encode
from workers.models.gan3d.family import configuration
from workers.models.gan3d.shapes import plan
from workers.models.gan3d.static import metrics
from workers.models.registry import make_family
from workers.production.record import EpochRecord
from workers.production.ring import Door
from workers.trial import Resources

#: A network of which a batch takes longer than its sums, on the bundled showers.
POINT = {
    "g_layers": 2, "g1_filters": 16, "g2_filters": 8, "d_layers": 2, "d1_filters": 16,
    "d2_filters": 8, "latent_size": 32, "batch_size": 32, "norm_momentum": 0.9, "power": 0.6,
}  # fmt: skip
SPLIT = {"split": [0.6, 0.2, 0.2]}
MESSAGES = (73_450, 872_948)  # parameters of `fixed-angle`: discriminator, generator
#: Published, `variable-angle-b` on N V100 [s per epoch]: 96 showers per worker; 32 workers.
BY_WORKERS = {2: 1779, 4: 899, 8: 453, 16: 228, 32: 115, 64: 59.4, 128: 34.9}
BY_SHARE = {16: 183, 32: 142, 48: 128, 64: 122, 80: 120, 96: 115}

Row = tuple[str, ...]


class Records(list[EpochRecord]):
    """A monitor that keeps what it is told."""

    def progressed(self, record: EpochRecord) -> None:
        self.append(record)

    def restarted(self, reason: str, workers: int) -> None:
        raise RuntimeError(f"{reason}, {workers}")


def training_rows(epochs: int = 4, showers: int = 640) -> Iterator[Row]:
    """One row per number of workers: the quickest epoch after the first, which compiles."""
    yield "workers", "epoch [s]", "of it in sums", "gain", "S after the last epoch"
    # More workers than cores, so that what is shared out can be seen at all.
    os.sched_getaffinity = lambda pid: set(range(4))  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as name:
        first = 0.0
        for workers in (1, 2, 4):
            records = _trained(Path(name), workers, epochs, showers)
            best = min(records[1:], key=lambda r: r.training_seconds)
            first = first or best.training_seconds
            yield (
                str(workers),
                f"{best.training_seconds:.2f}",
                f"{best.communication_seconds / best.training_seconds:.0%}",
                f"{first / best.training_seconds:.2f}",
                f"{records[-1].score:.3f} ± {records[-1].error:.3f}",
            )


def _trained(folder: Path, workers: int, epochs: int, showers: int) -> Records:
    source = folder / "export"
    if not source.exists():
        _export(source)
    order = Order(source, ("sample",), epochs, folder / str(workers), showers, 400)
    records = Records()
    train(prepare(order), records, lambda: False, workers)
    return records


def _export(folder: Path) -> None:
    import tomli_w

    folder.mkdir()
    geometry = load_geometry("clic-12x12x12")
    given = ("fixed-angle", POINT, geometry)
    make_family("gan3d").build(*given, 1, Resources()).save(folder)
    tables = {
        "model": {"family": "gan3d", "preset": "fixed-angle", "parameters": POINT},
        "geometry": encode(geometry),
        "data": SPLIT,
        **{key: {} for key in ("budget", "score", "provenance")},
    }
    (folder / "production.toml").write_text(tomli_w.dumps(tables))


def sum_rows(repeats: int = 30) -> Iterator[Row]:
    """One row per number of workers: milliseconds of a sum, median (least)."""
    yield "workers", *(f"{4 * n / 1e6:.2f} MB [ms]" for n in (1, *MESSAGES))
    for workers in (2, 4):
        yield str(workers), *_timed_sums(workers, repeats)


def _timed_sums(workers: int, repeats: int) -> list[str]:
    context = get_context("spawn")
    pipes = [context.Pipe() for _ in range(workers)]
    made = [context.Process(target=_summing, args=(i, p[1], repeats)) for i, p in enumerate(pipes)]
    for process in made:
        process.start()
    addresses = [pipe.recv() for pipe, _ in pipes]
    for pipe, _ in pipes:
        pipe.send(addresses)
    times, *_ = [pipe.recv() for pipe, _ in pipes]
    for process in made:
        process.join()
    return [f"{1e3 * median(t):.2f} ({1e3 * min(t):.2f})" for t in times]


def _summing(rank: int, pipe: Connection, repeats: int) -> None:
    door = Door("127.0.0.1", b"key")
    pipe.send(door.address)
    ring = door.ring(rank, pipe.recv())
    pipe.send([_times(ring.total, n, repeats) for n in (1, *MESSAGES)])


def _times(total: Callable[..., object], n: int, repeats: int) -> list[float]:
    values, times = np.ones(n, np.float32), []
    for _ in range(repeats):
        start = time.perf_counter()
        total(values)
        times.append(time.perf_counter() - start)
    return times


def model_rows() -> Iterator[Row]:
    """The published points, the model with k and d from six and two of them, and what follows."""
    shares, seconds = map(np.array, (list(BY_SHARE), list(BY_SHARE.values())))
    slope, base = np.polyfit(1 / shares, seconds, 1)
    at_32 = slope / base  # k + 31 d
    lost = [(96 + at_32) * (_efficiency(2) / _efficiency(n) - 1) for n in (32, 64)]
    d = (lost[1] - lost[0]) / 32
    k = at_32 - 31 * d
    yield "showers per worker (32 workers)", "published [s]", "model [s]"
    for share, published in BY_SHARE.items():
        yield str(share), f"{published:g}", f"{base + slope / share:.0f}"
    yield "workers (96 showers each)", "published, efficiency", "model"
    for n in BY_WORKERS:
        model = (96 + k + d) / (96 + k + d * (n - 1))
        yield str(n), f"{_efficiency(n) / _efficiency(2):.1%}", f"{model:.1%}"
    yield f"workers (a batch of 128 shared), k = {k:.1f}, d = {d:.2f}", "gain", "efficiency"
    for n in (1, 2, 4, 8, 16, 32):
        gain = (128 + k) / (128 / n + k + d * (n - 1))
        yield str(n), f"{gain:.1f}", f"{gain / n:.0%}"


def _efficiency(workers: int) -> float:
    """Of the published points, in arbitrary units."""
    return 1 / (workers * BY_WORKERS[workers])


def message_rows() -> Iterator[Row]:
    """Bytes that all workers add up in a step, of the presets."""
    yield "preset", "sums per step", "MB per step", "training GMAC per shower"
    for preset, name in (("fixed-angle", "clic-25x25x25"), ("variable-angle-b", "clic-51x51x25")):
        geometry = load_geometry(name)
        params = configuration(preset, {}, geometry)
        known = metrics(params, plan(params, geometry.shape))
        steps = params.training.g_steps
        size = 4e-6 * (
            2 * known["discriminator_parameters"] + steps * known["generator_parameters"]
        )
        yield preset, str(2 + steps), f"{size:.1f}", f"{known['training_gmac']:.1f}"


PARTS = {"train": training_rows, "sums": sum_rows, "messages": message_rows, "model": model_rows}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        print(f"\n{part}, load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores\n")
        for number, row in enumerate(PARTS[part]()):
            print(f"| {' | '.join(row)} |", flush=True)
            if not number:
                print("|---" * len(row) + "|")
