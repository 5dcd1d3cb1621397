"""Files that are wrong in one way each, as users make them."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import h5py
import numpy as np

#: Every configuration of this space diverges.
HOPELESS = """
family = "toy"
preset = "default"
[parameters.rate]
type = "float"
low = 2.0
high = 3.0
"""
STUDY_TOML = '[data]\nfiles = ["sample"]\ngeometry = "clic-12x12x12"\n'
CELLS = "[cells]\nshape = [12, 12, 12]\npitch = [10, 10, 10]\n"
GEOMETRY = f"energy = [10, 200]\n{CELLS}"
RATE = 'family = "toy"\npreset = "default"\n[parameters.rate]\ntype = "float"\n'

TEXTS = {
    "empty.toml": "",
    "syntax.toml": f"{STUDY_TOML}[search]\ntrials = = 5\n",
    "twice.toml": f"{STUDY_TOML}[search]\ntrials = 5\ntrials = 6\n",
    "deep.toml": f"x = {'[' * 5000}{']' * 5000}\n",
    "dotted.toml": f"{'a.' * 200_000}a = 1\n",
    "section.toml": f"{STUDY_TOML}[serach]\n",
    "key.toml": f"{STUDY_TOML}[search]\ntrails = 5\n",
    "type.toml": f'{STUDY_TOML}[search]\ntrials = "many"\n',
    "table.toml": f"search = 5\n{STUDY_TOML}",
    "nan.toml": f"{STUDY_TOML}split = [nan, 0.2, 0.2]\n",
    "inf.toml": f"{STUDY_TOML}[workers]\ngpus = inf\n",
    "long.toml": f"{STUDY_TOML}[study]\nseed = 1{'0' * 50}\n",
    "longer.toml": f"{STUDY_TOML}[study]\nseed = 1{'0' * 5000}\n",
    "split.toml": f"{STUDY_TOML}split = [0.7, 0.2, 0.2]\n",
    "option.toml": f"{STUDY_TOML}[search.options]\npopulaton = 12\n",
    "control.toml": f'{STUDY_TOML}["a\\nb\\u001b[31m"]\n',
    "few.toml": '[data]\nfiles = ["few.h5"]\ngeometry = "clic-12x12x12"\n',
    # Search spaces.
    "hopeless.toml": HOPELESS,
    "inverted.toml": f"{RATE}low = 3.0\nhigh = 1.0\n",
    "unbounded.toml": f"{RATE}low = 0.0\nhigh = inf\n",
    "choices.toml": f"{RATE}choices = [1, 2]\n",
    "unknown.toml": RATE.replace("rate", "raet") + "low = 0.1\nhigh = 1.0\n",
    "when.toml": f'{RATE}low = 0.1\nhigh = 1.0\nwhen = "sharpness > 2"\n',
    "words.toml": (
        'family = "toy"\npreset = "default"\n[parameters.cells]\ntype = "categorical"\n'
        'choices = ["gamma", "smooth"]\n'
        '[parameters.rate]\ntype = "float"\nlow = 0.1\nhigh = 1.0\nwhen = "cells >= 2"\n'
    ),
    "preset.toml": f"{RATE}low = 0.1\nhigh = 1.0\n".replace('"default"', '"published"'),
    "family.toml": f"{RATE}low = 0.1\nhigh = 1.0\n".replace('"toy"', '"gan4d"'),
    "kind.toml": f"{RATE}low = 0.1\nhigh = 1.0\n".replace('"toy"', '"json:loads"'),
    # Kernels of one cell cannot bring an up-sampling of 2 x 3 to 21 layers.
    "never.toml": 'family = "gan3d"\npreset = "fixed-angle"\n'
    + "".join(f'[parameters.g{i}_kernel]\ntype = "int"\nlow = 1\nhigh = 1\n' for i in (1, 2, 3)),
    # Geometries.
    "odd.toml": GEOMETRY.replace("12, 12]", "12, 21]"),
    "angle.toml": f'theta = [60, 120]\n{GEOMETRY}[storage]\ntheta = "theta"\n',
    "flat.toml": GEOMETRY.replace("[10, 10, 10]", "[10, 10, 0]"),
    "energies.toml": GEOMETRY.replace("[10, 200]", "[200, 10]"),
    "layers.toml": (
        "energy = [10, 200]\n[cells]\nkind = 'cylinder'\nradii = [0, 5]\nalpha = 1\n"
        "depth = 1.0\ncount = 1000000000\n"
    ),
    # Trials and tables of trials.
    "text.json": "{'single': 'quotes'}",
    "deep.json": "[" * 100_000,
    "list.json": "[1, 2]",
    "key.json": '{"studdy": "toy"}',
    "table.jsonl": '{"format": "metaopt trials 9"\n',
    # Neither HDF5 nor a database, but long enough to look like one.
    "text": "years of work " * 100,
}
BYTES = {
    "binary.toml": b"\x89HDF\r\n\x1a\n\x00",
    "latin.toml": STUDY_TOML.encode() + "# Teilchen aus der Höhe\n".encode("latin-1"),
    "damaged.jsonl.gz": gzip.compress(b"{}" * 500)[:-15] + b"\xff" * 9,
}


def write_files(folder: Path) -> None:
    """All of them, and ``few.h5``, which is right but small."""
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    for name, content in BYTES.items():
        (folder / name).write_bytes(content)
    with (folder / "large.toml").open("wb") as file:
        file.truncate(100_000_000)
    connection = sqlite3.connect(folder / "foreign.db")
    connection.execute("CREATE TABLE places (url)")
    connection.close()
    write_showers(folder)


def write_showers(folder: Path) -> None:
    rng = np.random.default_rng(0)
    cells = rng.gamma(0.1, 0.01, (120, 12, 12, 12)).astype(np.float32)
    energy = rng.uniform(10, 200, 120).astype(np.float32)
    nan, negative = cells.copy(), cells.copy()
    nan[7, 0, 0, 0], negative[7, 0, 0, 0] = np.nan, -0.5
    for name, sets in {
        "few": {"ECAL": cells, "energy": energy},
        "keys": {"showers": cells, "energy": energy},
        "shape": {"ECAL": cells[:, :11], "energy": energy},
        "nan": {"ECAL": nan, "energy": energy},
        "negative": {"ECAL": negative, "energy": energy},
        "none": {"ECAL": cells[:0], "energy": energy[:0]},
        "mev": {"ECAL": cells, "energy": 1000 * energy},
        "words": {"ECAL": cells, "energy": ["ten"] * 120},
        "short": {"ECAL": cells, "energy": energy[:100]},
    }.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            for key, value in sets.items():
                file[key] = value
    whole = (folder / "few.h5").read_bytes()
    (folder / "cut.h5").write_bytes(whole[: len(whole) // 2])
