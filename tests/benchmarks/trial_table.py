r"""Makes a table of real trials, which `metaopt bench strategies` reads as a problem.

    python tests/benchmarks/trial_table.py --configurations 200 --processes 16 --minutes 60

Configurations of the space `quick`, the published one and then a Latin hypercube, are
trained on Geant4 showers, by default the bundled ones; every tenth of them with three seeds.
Each epoch is scored, so that one training gives S at every budget up to its own. Seconds
are CPU time on one thread, which other processes change little.

A trial is appended to the file when it has ended. Run it again with the same options to
go on, after a kill as well; after ``--minutes`` no new trial is begun. Compress the file
with gzip when it is complete: it is read as ``.jsonl.gz`` too.

``results/trials-small.jsonl.gz`` was made with ::

    python tests/benchmarks/make_sample.py ../shared/data/clic_fixed_25x25x25.h5 \
        --events 2940 --merge 3 --output clic-8x8x8.h5
    python tests/benchmarks/trial_table.py --configurations 400 --epochs 9 --showers 300 \
        --space tests/benchmarks/small.toml --data clic-8x8x8.h5 \
        --geometry tests/benchmarks/clic-8x8x8.toml --output results/trials-small.jsonl

``results/trials-weights.jsonl.gz`` likewise, with ``--space tests/benchmarks/weights.toml`` and
``--configurations 400 1200``, ended after the first 800. Those from the 400th on were trained
beside other work, and took a quarter more CPU time.
A process keeps some 50 MB of each training; begin again where memory is short.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metaopt.bench.table import FORMAT
from metaopt.preflight import Plan, prepare
from metaopt.strategies.design import design_point, next_baseline
from metaopt.study_file import load_config
from search_spaces.loader import space_document
from search_spaces.parameters import Point
from search_spaces.space import Key, SearchSpace
from workers import runner
from workers.trial import Outcome, Progress, Resources, TrialResult, TrialSpec

OUTPUT = Path("results/trials-quick.jsonl")
#: One configuration in so many is trained with so many seeds.
REPLICATED, SEEDS = 10, 3
#: What keeps the libraries of a process on one thread; set before they are imported.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTEROP_THREADS")

Record = dict[str, Any]


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        plan = planned(options, folder)
        done = resume(options.output, header(plan), plan.space)
        specs = list(trials(plan, options.configurations, folder))
        rest = [spec for spec in specs if identity(plan.space, spec.point, spec.seed) not in done]
        print(f"{len(specs)} trials, {len(specs) - len(rest)} of them are there", file=sys.stderr)
        run_all(rest, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--configurations",
        type=int,
        nargs="+",
        default=[200],
        help="in the design; a larger number after it makes a finer design around the first",
    )
    parser.add_argument("--space", default="quick")
    parser.add_argument("--data", nargs="+", default=["sample"])
    parser.add_argument("--geometry", default="clic-12x12x12")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--showers", type=int, default=500, help="per epoch")
    parser.add_argument("--evaluation-showers", type=int, default=250, help="per score")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


def planned(options: argparse.Namespace, folder: str) -> Plan:
    """Space, data and reference as of a study with these options."""
    trial = {
        "epochs": options.epochs,
        "showers": options.showers,
        "evaluation_showers": options.evaluation_showers,
    }
    tables: dict[str, Record] = {
        "study": {"name": "table", "results": folder},
        "search": {"space": options.space},
        "data": {"files": options.data, "geometry": options.geometry},
        "trial": trial,
    }
    return prepare(load_config(None, tables))


def header(plan: Plan) -> Record:
    """The first line: what makes the trials comparable."""
    budget = plan.config.budget
    kept = ("data", "geometry_digest", "reference_digest", "versions")
    about = {key: plan.document[key] for key in kept}
    about["data"] = {**about["data"], "files": [Path(f).name for f in about["data"]["files"]]}
    about["geometry"] = plan.geometry.name
    about["evaluation_showers"] = budget.evaluation_showers
    return {
        "format": FORMAT,
        "space": space_document(plan.space),
        "epochs": budget.epochs,
        "showers": budget.showers,
        "about": about,
    }


def resume(output: Path, head: Record, space: SearchSpace) -> set[tuple[Key, int]]:
    """What is there already; a new file gets its header, a line cut short is removed."""
    if not output.exists():
        output.parent.mkdir(parents=True, exist_ok=True)
        append(output, head)
        return set()
    whole, _, _ = output.read_bytes().rpartition(b"\n")
    lines = whole.decode().splitlines()
    if not lines or comparable(json.loads(lines[0])) != comparable(json.loads(json.dumps(head))):
        sys.exit(f"{output} was made with other options; give another --output")
    with output.open("r+b") as file:
        file.truncate(len(whole) + 1)
    rows = [json.loads(line) for line in lines[1:]]
    return {identity(space, row["point"], row["seed"]) for row in rows}


def comparable(head: Record) -> Record:
    """Without what may differ between machines and does not matter: versions, last bits."""
    about = {k: v for k, v in head["about"].items() if k not in ("versions", "reference_digest")}
    return {**head, "about": about}


def identity(space: SearchSpace, point: Point, seed: int) -> tuple[Key, int]:
    return space.key(point), seed


def append(output: Path, record: Record) -> None:
    with output.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())


def trials(plan: Plan, sizes: Sequence[int], folder: str) -> Iterator[TrialSpec]:
    """Every trial of the table, in the order in which they are run.

    Each of ``sizes`` is a design around the one before, which stays as it is.
    """
    points: list[Point] = []
    for i in range(sizes[-1]):
        known = {plan.space.key(point) for point in points}
        rng = np.random.default_rng([1, i])
        size = next(size for size in sizes if i < size)
        made = next_baseline(plan.space, known)
        made = made or design_point(plan.space, points, known, size, rng)
        points.append(made.point)
        for seed in range(SEEDS if i % REPLICATED == 0 else 1):
            yield specification(plan, points[-1], i, seed, folder)


def specification(plan: Plan, point: Point, number: int, seed: int, folder: str) -> TrialSpec:
    return TrialSpec(
        study="table",
        number=number,
        family=plan.space.family,
        preset=plan.space.preset,
        point=point,
        geometry=plan.geometry,
        data=plan.data,
        budget=plan.config.budget,
        seed=int(np.random.SeedSequence([number, seed]).generate_state(1)[0]),
        folder=f"{folder}/{number}-{seed}",
        reference=str(plan.reference),
        resources=Resources(cpus=1),
    )


def run_all(specs: list[TrialSpec], options: argparse.Namespace) -> None:
    """Keep all processes busy until everything is done or the time is up."""
    deadline = time.monotonic() + 60 * options.minutes
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    context = multiprocessing.get_context("spawn")
    running: set[Future[Record]] = set()
    with ProcessPoolExecutor(options.processes, context, initializer=import_libraries) as pool:
        while running or (specs and time.monotonic() < deadline):
            while specs and len(running) < options.processes and time.monotonic() < deadline:
                running.add(pool.submit(record, specs.pop(0)))
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for made in ended:
                append(options.output, made.result())
                print(f"{len(specs) + len(running)} trials are left", file=sys.stderr)


def import_libraries() -> None:
    """Once per process, outside of the trials' time."""
    import tensorflow  # noqa: F401


@dataclass
class Stopwatch:
    """CPU seconds of this process since it was made."""

    begin: float

    @property
    def seconds(self) -> float:
        return round(time.process_time() - self.begin, 3)


def record(spec: TrialSpec) -> Record:
    """The line of a trial."""
    watch, rungs = Stopwatch(time.process_time()), []
    for event in runner.trial_events(spec, lambda: False):
        if isinstance(event, Progress):
            rungs.append(rung(event, watch.seconds))
    assert isinstance(event, TrialResult) and event.score is not None
    failed = event.outcome is Outcome.FAILED
    return {
        "point": dict(spec.point),
        "seed": spec.seed,
        "outcome": "failed" if failed else "complete",
        "score": event.score,
        "seconds": watch.seconds,
        "rungs": rungs,
        "reason": event.reason,
    }


def rung(progress: Progress, seconds: float) -> Record:
    return {
        "epoch": progress.epoch,
        "showers": progress.showers,
        "score": progress.score,
        "seconds": seconds,
    }


if __name__ == "__main__":
    main()
