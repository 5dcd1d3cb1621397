"""Make the bundled sample ``metaopt/sample/clic-12x12x12.h5`` from Geant4 showers.

    python tests/benchmarks/make_sample.py ../shared/data/clic_fixed_25x25x25.h5

The first 2,000 showers; the first 24 cells of each axis, merged 2x2x2 (a coarser
readout of the same showers); cells below 1e-6 GeV set to zero; energies rounded to
8 bits of mantissa (0.2 %), which halves the compressed size.
"""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np

EVENTS, THRESHOLD, MANTISSA_BITS = 2000, 1e-6, 8


def round_mantissa(values: np.ndarray, bits: int) -> np.ndarray:
    """Round float32 values to ``bits`` bits of mantissa."""
    drop = 23 - bits
    raw = values.view(np.uint32)
    return ((raw + (1 << (drop - 1))) >> drop << drop).astype(np.uint32).view(np.float32)


def main() -> None:
    source = Path(sys.argv[1])
    with h5py.File(source) as file:
        cells, energy = file["ECAL"][:EVENTS], file["energy"][:EVENTS]
        attributes = dict(file.attrs)
    merged = cells[:, :24, :24, :24].reshape(-1, 12, 2, 12, 2, 12, 2).sum((2, 4, 6))
    merged[merged < THRESHOLD] = 0
    target = Path(__file__).parents[2] / "metaopt" / "sample" / "clic-12x12x12.h5"
    target.parent.mkdir(exist_ok=True)
    with h5py.File(target, "w", libver="v108") as file:
        options = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
        rounded = round_mantissa(merged.astype(np.float32), MANTISSA_BITS)
        file.create_dataset("ECAL", data=rounded, chunks=(100, 12, 12, 12), **options)
        file.create_dataset("energy", data=energy.astype(np.float32))
        for key in ("absorber", "sensitive", "gapmat", "particle", "generator"):
            file.attrs[key] = attributes[key]
        file.attrs["units"] = "ECAL GeV deposited in the sensitive layers; energy GeV; 90 degrees"
        file.attrs["readout"] = "2x2x2 cells of 5.1 x 5.1 x 5.05 mm merged; below 1e-6 GeV is zero"
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, {EVENTS} showers")


if __name__ == "__main__":
    main()
