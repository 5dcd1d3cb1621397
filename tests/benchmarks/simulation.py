"""Cost of simulated showers, and how far the parametrisation is from Geant4.

    python tests/benchmarks/simulation.py time [--engine geant4] [--events 20]
    python tests/benchmarks/simulation.py score FOLDER [--events 400]

``time`` prints the CPU time per shower by energy; ``score`` the score S of parametrised showers
against the Geant4 files of a folder, at the files' own energies and angles, and that of other
Geant4 showers in their place. Both print Markdown.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import h5py
import numpy as np

from objectives.objective import Score, evaluate
from objectives.reference import Reference
from objectives.showers import Conditions, Showers
from search_spaces import load_geometry
from search_spaces.geometry import Geometry
from workers.data import ShowerFile
from workers.simulation.gflash import GFlashEngine
from workers.simulation.job import ENGINES, make_job
from workers.simulation.primaries import Primary
from workers.simulation.run import simulate

GEOMETRIES = ("clic-25x25x25", "clic-51x51x25", "pb-lar", "pbwo4")
ENERGIES = (10.0, 50.0, 100.0, 200.0)
#: Files of Geant4's showers, by geometry.
FILES = {
    "clic-25x25x25": "clic_fixed_25x25x25.h5",
    "clic-51x51x25": "clic_angle_51x51x25_a.h5",
    "pb-lar": "pblar.h5",
    "pbwo4": "pbwo4.h5",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="what", required=True)
    time = commands.add_parser("time")
    time.add_argument("--engine", choices=ENGINES, default="gflash")
    time.add_argument("--events", type=int, default=20)
    score = commands.add_parser("score")
    score.add_argument("folder", type=Path)
    score.add_argument("--events", type=int, default=400)
    given = parser.parse_args()
    if given.what == "time":
        times(given.engine, given.events)
    else:
        scores(given.folder, given.events)


def times(engine: str, events: int) -> None:
    """CPU milliseconds per shower: the median, which a busy machine shifts least."""
    print(f"| {engine}, CPU ms per shower | " + " | ".join(f"{e:g} GeV" for e in ENERGIES) + " |")
    print("|---|" + "---|" * len(ENERGIES))
    for name in GEOMETRIES:
        geometry = load_geometry(name)
        cells = [
            milliseconds(seconds(geometry, engine, energy, events))
            if energy <= geometry.energy[1]
            else ""
            for energy in ENERGIES
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def milliseconds(value: float) -> str:
    return f"{1e3 * value:,.0f}" if value > 1e-2 else f"{1e3 * value:.2f}"


def seconds(geometry: Geometry, engine: str, energy: float, events: int) -> float:
    kind = next(name for name in ENGINES if name == engine)
    job = make_job(geometry, kind, events, energy=(energy, energy))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.h5"
        simulate(job, out)
        with h5py.File(out) as file:
            return float(np.median(file["cpu_seconds"][:]))


def scores(folder: Path, events: int) -> None:
    """S of the parametrisation, group by group."""
    print("| geometry | showers | S of GFlash | S of Geant4 | floor | levels of the groups |")
    print("|---|---|---|---|---|---|")
    for name, file in FILES.items():
        geometry = load_geometry(name)
        full = read(folder / file, geometry)
        # A half is fitted to; the rest is compared with, and stands in for generated showers.
        parts = np.array_split(np.random.default_rng(0).permutation(len(full)), 4)
        fitted, judged, null = np.concatenate(parts[:2]), parts[2], parts[3][:events]
        reference = Reference.build(full[np.sort(fitted)], full[np.sort(judged)], geometry)
        rows = np.sort(null)
        ours = evaluate(parametrised(full.conditions[rows], geometry), reference)
        own = evaluate(full[rows], reference)
        print(f"| {name} | {len(rows)} | {row(ours, own)} |", flush=True)


def row(ours: Score, own: Score) -> str:
    levels = ", ".join(f"{group} {level:.2f}" for group, level in ours.groups.items())
    floor = f"{ours.floor:.3f} ± {ours.floor_sd:.3f}"
    return f"{ours.value:.3f} ± {ours.error:.3f} | {own.value:.3f} | {floor} | {levels}"


def read(path: Path, geometry: Geometry) -> Showers:
    with ShowerFile(str(path), geometry) as file:
        return file.read(0, len(file))


def parametrised(conditions: Conditions, geometry: Geometry) -> Showers:
    """Showers at given conditions."""
    engine, rng = GFlashEngine(geometry), np.random.default_rng(1)
    offsets = (rng.random((len(conditions), 2)) - 0.5) * geometry.pitch[:2]
    pairs = zip(conditions.energy, conditions.theta, offsets, strict=True)
    shot = [Primary(float(e), float(t), "e-", float(x), float(y), rng) for e, t, (x, y) in pairs]
    return Showers(np.array([engine.shower(primary) for primary in shot]), conditions)


if __name__ == "__main__":
    main()
