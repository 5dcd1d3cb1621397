"""Make the bundled sample ``metaopt/sample/clic-12x12x12.h5`` from Geant4 showers.

    python tests/benchmarks/make_sample.py ../shared/data/clic_fixed_25x25x25.h5

The first 2,000 showers; the first 24 cells of each axis, merged 2x2x2 (a coarser
readout of the same showers); cells below 1e-6 GeV set to zero; energies rounded to
8 bits of mantissa (0.2 %), which halves the compressed size. ``--merge 3`` gives
8x8x8 cells (``clic-8x8x8.toml``), for the table of trials; ``pbwo4-10x10x12.toml``
is of the homogeneous calorimeter, merged 2x2x2.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import h5py
import numpy as np

SAMPLE = Path(__file__).parents[2] / "metaopt" / "sample" / "clic-12x12x12.h5"
THRESHOLD, MANTISSA_BITS = 1e-6, 8


def round_mantissa(values: np.ndarray, bits: int) -> np.ndarray:
    """Round float32 values to ``bits`` bits of mantissa."""
    drop = 23 - bits
    raw = values.view(np.uint32)
    return ((raw + (1 << (drop - 1))) >> drop << drop).astype(np.uint32).view(np.float32)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--merge", type=int, default=2, help="cells of an axis made one")
    parser.add_argument("--output", type=Path, default=SAMPLE)
    return parser.parse_args()


def merged(cells: np.ndarray, factor: int) -> np.ndarray:
    """Showers (n, x, y, z) with ``factor`` cells of each axis made one."""
    x, y, z = (n // factor for n in cells.shape[1:])
    used = cells[:, : x * factor, : y * factor, : z * factor]
    blocks = used.reshape(-1, x, factor, y, factor, z, factor)
    sums = blocks.sum((2, 4, 6))
    sums[sums < THRESHOLD] = 0
    return sums


def main() -> None:
    options = arguments()
    with h5py.File(options.source) as file:
        cells, energy = file["ECAL"][: options.events], file["energy"][: options.events]
        attributes = dict(file.attrs)
    showers = merged(cells, options.merge).astype(np.float32)
    options.output.parent.mkdir(exist_ok=True)
    with h5py.File(options.output, "w", libver="v108") as file:
        packed = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
        rounded = round_mantissa(showers, MANTISSA_BITS)
        file.create_dataset("ECAL", data=rounded, chunks=(100, *showers.shape[1:]), **packed)
        file.create_dataset("energy", data=energy.astype(np.float32))
        for key in ("absorber", "sensitive", "gapmat", "particle", "generator"):
            file.attrs[key] = attributes[key]
        file.attrs["units"] = "ECAL GeV deposited in the sensitive layers; energy GeV; 90 degrees"
        block = "x".join([str(options.merge)] * 3)
        file.attrs["readout"] = f"{block} cells merged; below 1e-6 GeV is zero"
    size = options.output.stat().st_size / 1e6
    print(f"{options.output}: {size:.2f} MB, {len(showers)} showers")


if __name__ == "__main__":
    main()
