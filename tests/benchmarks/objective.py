"""The objective's reference values, its dependence on the number of showers, and its speed.

    python tests/benchmarks/objective.py values [EVENTS]     S of known errors against the published
    python tests/benchmarks/objective.py events              S of 500, 2000 and 10,000 showers
    python tests/benchmarks/objective.py speed               CPU seconds and memory of one score
    python tests/benchmarks/objective.py threads             a score on one thread and on all
    python tests/benchmarks/objective.py geant4 FOLDER       Geant4 against Geant4

Each prints a table in Markdown.
"""

from __future__ import annotations

import dataclasses
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from objectives import pulls
from objectives.exchangeable import check_exchangeable
from objectives.objective import evaluate, judge
from objectives.observables import Features, features
from objectives.reference import Reference
from objectives.showers import Showers
from search_spaces.errors import DataError
from tests.unit.objectives import distortions as d
from tests.unit.objectives import test_geant4 as g4
from tests.unit.objectives import toy_showers as toy

#: Name, distortion, S at N = 2000 as first measured with an independent implementation.
VALUES: list[tuple[str, d.Distortion, float]] = [
    ("energy scale +1 %", d.scale(1.01), 0.53),
    ("energy scale +2 %", d.scale(1.02), 0.70),
    ("energy scale +5 %", d.scale(1.05), 0.95),
    ("energy scale +10 %", d.scale(1.10), 1.14),
    ("energy scale +30 %", d.scale(1.30), 1.50),
    ("depth shift 0.1 layer", d.shift(0.1), 0.92),
    ("depth shift 0.25", d.shift(0.25), 1.03),
    ("depth shift 0.5", d.shift(0.5), 1.12),
    ("depth shift 1", d.shift(1), 0.89),
    ("depth shift 3", d.shift(3), 1.31),
    ("blur xy 0.3 cell", d.blur(0.3), 0.77),
    ("blur xy 0.5", d.blur(0.5), 1.22),
    ("blur xy 1", d.blur(1.0), 1.32),
    ("blur xyz 0.5", d.blur(0.5, (1, 2, 3)), 1.30),
    ("energy smear 2 %", d.smear(0.02), 0.43),
    ("energy smear 5 %", d.smear(0.05), 0.75),
    ("energy smear 10 %", d.smear(0.10), 0.99),
    ("drop cells < 1e-5 GeV", d.drop(1e-5), 0.15),
    ("drop < 1e-4", d.drop(1e-4), 1.00),
    ("drop < 3e-4", d.drop(3e-4), 1.42),
    ("noise in 1 % of cells", d.noise(0.01), 0.73),
    ("noise in 10 %", d.noise(0.1), 1.53),
    ("response fluctuation removed", d.no_response_fluctuation, 0.58),
    ("cell factor lognormal 0.2", d.lognormal(0.2), 0.57),
    ("tilt halved", d.tilt_halved, 1.54),
    ("angle ignored", d.angle_ignored, 1.51),
    ("Ep and angle ignored", d.condition_ignored, 1.96),
    ("mean-shower generator", d.mean_shower, 1.94),
    ("20 templates, energy scaled", d.templates(20, scaled=True), 1.86),
    ("20 templates, no scaling", d.templates(20, scaled=False), 2.06),
    ("10 % collapsed", d.collapse(0.1), 0.91),
    ("30 % collapsed", d.collapse(0.3), 1.27),
    ("50 % collapsed", d.collapse(0.5), 1.48),
    ("every shower twice", d.repeated(2), 1.06),
    ("every shower 10 times", d.repeated(10), 1.26),
    ("uniform noise", d.uniform_noise, 2.16),
    ("2 % empty", d.empty(0.02), 1.01),
    ("5 % empty", d.empty(0.05), 1.29),
    ("10 % empty", d.empty(0.10), 1.51),
    ("20 % empty", d.empty(0.20), 2.01),
    ("50 % empty", d.empty(0.50), 2.26),
    ("all empty", d.empty(1.0), 2.52),
    ("1 % of showers x10", d.hot(0.01, 10.0), 0.52),
]
#: What ``events`` compares: errors away from the floor.
AWAY = (
    *("energy scale +5 %", "energy smear 10 %", "drop < 3e-4", "depth shift 3", "blur xy 0.5"),
    *("angle ignored", "mean-shower generator", "10 % collapsed", "2 % empty"),
)


def values(events: int = 2000) -> None:
    """S of every distortion against the published value, and without the angle's tolerance."""
    bench = d.Bench.of(toy.geometry(), 5 * events, events, events)
    strict = dataclasses.replace(bench, reference=_without_tolerance(bench))
    floor = bench.reference.floors.score(events)
    groups = list(bench.reference.floors.groups)
    print(f"{events} showers; floor {floor[0]:.3f} +- {floor[1]:.3f}\n")
    header("distortion", "published", "S", "error", "S without tolerance", *groups)
    for name, distort, published in (("none", d.scale(1.0), 0.13), *VALUES):
        showers = distort(bench, np.random.default_rng(11))
        score = evaluate(showers, bench.reference)
        other = evaluate(showers, strict.reference).value
        levels = (f"{v:.2f}" for v in score.groups.values())
        row(name, published, f"{score.value:.2f}", f"{score.error:.2f}", f"{other:.2f}", *levels)


def _without_tolerance(bench: d.Bench) -> Reference:
    """A reference whose angle pulls are in units of the full simulation's own spread."""
    pulls.TOLERANCE["angle"] = 0.0
    try:
        return Reference.build(bench.training, bench.validation, bench.geometry)
    finally:
        pulls.TOLERANCE["angle"] = np.radians(1.0)


def events(most: int = 10_000) -> None:
    """S of 500, 2000 and 10,000 showers with the same error."""
    bench = d.Bench.of(toy.geometry(), most, most, most)
    sizes = [n for n in (500, 2000, 10_000) if n <= most]
    parts = [dataclasses.replace(bench, perfect=bench.perfect[:n]) for n in sizes]
    header("distortion", *(f"S of {n}" for n in sizes), "largest difference")
    for name, distort, _ in VALUES:
        if name in AWAY:
            s = [part.distorted(distort).value for part in parts]
            row(name, *(f"{v:.3f}" for v in s), f"{np.ptp(s):.3f}")


def speed() -> None:
    """CPU seconds of one score with the reference cached, and its memory."""
    geometry = toy.geometry(51, 25)
    reference = Reference.build(
        toy.showers(2000, 1, geometry), toy.showers(2000, 2, geometry), geometry
    )
    real = toy.at(reference.conditions(2000), np.random.default_rng(3), geometry)
    evaluate(real[:100], reference)
    print(f"peak memory of 2000: {_peak(real, reference):.2f} times the showers themselves\n")
    header("showers of 51 x 51 x 25", "CPU seconds", "of it features")
    for n in (500, 2000, 5000, 20_000):
        start = time.process_time()
        # The same 2000 showers stand for all: they are never kept together.
        parts = [real[: min(2000, n - k)] for k in range(0, n, 2000)]
        seen = Features.joined([reference.features(part) for part in parts])
        middle = time.process_time()
        judge(seen, reference)
        end = time.process_time()
        row(n, f"{end - start:.2f}", f"{middle - start:.2f}")


def threads(turns: int = 15) -> None:
    """Seconds and CPU seconds of a score in turns: as it is, and with BLAS left to all cores."""
    header("cells", "showers", "seconds, all cores to one", "CPU seconds, all cores to one")
    for (side, depth), n in ((12, 12), 600), ((51, 25), 500):
        geometry = toy.geometry(side, depth)
        reference = Reference.build(
            toy.showers(n, 1, geometry), toy.showers(n, 2, geometry), geometry
        )
        showers = toy.at(reference.conditions(n), np.random.default_rng(3), geometry)
        ratios = np.array([_times(showers, reference) for _ in range(turns)])
        # The first turn loads what is needed.
        row(f"{side} x {side} x {depth}", n, *(f"{r:.2f}" for r in np.median(ratios[1:], axis=0)))


def _times(showers: Showers, reference: Reference) -> tuple[float, float]:
    """Wall-clock and CPU time of a score with BLAS on all cores, over those on one thread."""
    arguments = showers, reference.geometry, reference.unseen
    taken = []
    for both in ((features.__wrapped__, judge.__wrapped__), (features, judge)):
        wall, cpu = time.perf_counter(), time.process_time()
        both[1](both[0](*arguments), reference)
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    (wall, cpu), (one_wall, one_cpu) = taken
    return wall / one_wall, cpu / one_cpu


def _peak(real: Showers, reference: Reference) -> float:
    """Memory of showers and of their score, over that of the showers."""
    tracemalloc.start()
    evaluate(real, reference)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return 1 + peak / real.cells.nbytes


def geant4(folder: str, splits: int = 10) -> None:
    """Disjoint halves of Geant4 files: one makes the reference, the other is judged."""
    fixed, angle = (g4.read(Path(folder) / f"{name}.h5") for name in FILES)
    header("data", "training / validation / judged", "S", "floor", "above floor + 3 sd", "refused")
    for geometry, showers in (
        (g4.QUICK, g4.coarse(fixed)),
        (g4.FIXED, fixed),
        (g4.ANGLE, angle),
    ):
        scores, refused = [], 0
        for seed in range(splits):
            order = np.random.default_rng(seed).permutation(len(showers))
            a, b, c = (showers[np.sort(part)] for part in np.split(order, _cuts(len(order))))
            reference = Reference.build(a, b, geometry)
            scores.append(evaluate(c, reference))
            refused += _is_refused(reference, c)
        s, floor = (np.array([getattr(x, k) for x in scores]) for k in ("value", "floor"))
        high = sum(x.value > x.floor + 3 * x.floor_sd for x in scores)
        row(
            f"{geometry.name} {'x'.join(map(str, geometry.shape))}",
            f"{len(a)} / {len(b)} / {len(c)}",
            f"{s.mean():.2f} +- {s.std(ddof=1):.2f}",
            f"{floor.mean():.2f}",
            f"{high} of {splits}",
            f"{refused} of {splits}",
        )


FILES = ("clic_fixed_25x25x25", "clic_angle_51x51x25_a")


def _cuts(n: int) -> list[int]:
    """Half for the reference, of which a third is for validation."""
    return [n // 3, n // 2]


def _is_refused(reference: Reference, showers: Showers) -> bool:
    try:
        check_exchangeable(reference, showers)
    except DataError:
        return True
    return False


def header(*names: object) -> None:
    row(*names)
    row(*("---" for _ in names))


def row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


MODES = {"values": values, "events": events, "speed": speed, "threads": threads}

if __name__ == "__main__":
    mode, *rest = sys.argv[1:] or ["values"]
    if mode == "geant4":
        geant4(rest[0])
    else:
        MODES[mode](*map(int, rest))
