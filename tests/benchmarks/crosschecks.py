"""What the cross-checks give for Geant4 against Geant4, and what each sees of three errors.

    python tests/benchmarks/crosschecks.py [FOLDER]

Every file of the folder (by default ../shared/data) is split into disjoint showers: for
the reference, as generated, as the full simulation, and for the null. The generated ones are
compared as they are, with 5 % more energy, with each shower's energy smeared by 5 %, and
with 2 % of them empty. Prints one Markdown table per file.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import h5py
import numpy as np

from objectives.crosschecks import Measured, Summary, crosscheck
from objectives.objective import evaluate
from objectives.reference import Reference
from objectives.showers import Conditions, Showers
from search_spaces.geometry import Cells, Geometry

DATA = Path(__file__).parents[3] / "shared" / "data"
#: Pitch of each grid [mm] and energy range [GeV], by the start of the file's name.
DETECTORS = {
    "clic_": ((5.1, 5.1, 5.05), (10.0, 200.0)),
    "pblar": ((10.0, 10.0, 6.1), (10.0, 200.0)),
    "pbwo4": ((10.0, 10.0, 9.0), (5.0, 100.0)),
}
#: Shares of the reference's training and validation events, generated, real; rest is null.
SHARES = (0.3, 0.1, 0.12, 0.12)
SMEAR, EMPTY = 0.05, 0.02


def read(path: Path) -> tuple[Showers, Geometry]:
    with h5py.File(path) as file:
        energy, theta = file["energy"][:].ravel(), file["theta"][:].ravel()
        showers = Showers(file["ECAL"][:], Conditions.of(energy, theta))
    pitch, energies = DETECTORS[path.name[:5]]
    angles = np.degrees([theta.min(), theta.max()]) if np.ptp(theta) > 1e-3 else (90.0, 90.0)
    shape = showers.cells.shape[1:]
    low, high = (float(a) for a in angles)
    return showers, Geometry(path.stem, Cells(shape, pitch), energies, (low, high))


def distortions(showers: Showers) -> dict[str, Showers]:
    rng = np.random.default_rng(1)
    smear = 1 + SMEAR * rng.standard_normal(len(showers))
    empty = np.ones(len(showers))
    empty[:: round(1 / EMPTY)] = 0
    factors = {
        "Geant4": np.ones(len(showers)),
        "scale +5 %": np.full(len(showers), 1.05),
        "smear 5 %": smear,
        "2 % empty": empty,
    }
    return {
        name: Showers(showers.cells * f[:, None, None, None].astype(np.float32), showers.conditions)
        for name, f in factors.items()
    }


def cell(number: Measured) -> str:
    return f"{number.value:.3g} ± {number.error:.2g}"


def null(number: Measured) -> str:
    if number.null is None:
        return "-"
    spread = "" if number.null_spread is None else f" ± {number.null_spread:.2g}"
    return f"{number.null:.3g}{spread}"


def table(path: Path) -> None:
    showers, geometry = read(path)
    order = np.random.default_rng(0).permutation(len(showers))
    cuts = (np.cumsum(SHARES) * len(showers)).astype(int)
    training, validation, generated, real, rest = (
        showers[np.sort(rows)] for rows in np.split(order, cuts)
    )
    reference = Reference.build(training, validation, geometry)
    others = Summary.of(real, reference), reference, Summary.of(rest, reference)
    columns, seconds = {}, []
    for name, distorted in distortions(generated).items():
        start = time.monotonic()
        found = crosscheck(Summary.of(distorted, reference), *others)
        seconds.append(time.monotonic() - start)
        s = evaluate(distorted, reference)
        columns[name] = {"S": Measured(s.value, s.error, s.floor, s.floor_sd), **found}
    print(f"\n{path.stem}: {len(generated)} showers, {len(rest) // len(generated)} pieces for the")
    print(f"null, {np.median(seconds):.1f} s per comparison\n")
    print(f"| | null | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}")
    for key, number in columns["Geant4"].items():
        values = " | ".join(cell(column[key]) for column in columns.values())
        print(f"| {key} | {null(number)} | {values} |", flush=True)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    for path in sorted(folder.glob("*.h5")):
        table(path)


if __name__ == "__main__":
    main()
