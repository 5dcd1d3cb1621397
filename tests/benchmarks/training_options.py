"""What options of the training do to S: half precision, moving average of the generator.

    python tests/benchmarks/training_options.py [SEEDS]

Trains a small network of the space ``quick`` on the bundled showers, in turn with each option,
and prints S (mean and spread over seeds of network and draws), the difference from the plain
training with its error, and CPU milliseconds per training shower.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from search_spaces.loader import load_geometry
from search_spaces.parameters import Value
from workers import data
from workers.runner import trial_events
from workers.trial import Budget, DataSpec, Precision, Resources, TrialResult, TrialSpec

SAMPLE = Path(__file__).parents[2] / "metaopt" / "sample" / "clic-12x12x12.h5"
#: A point that trains well within a minute.
POINT: Mapping[str, Value] = {
    "g_layers": 2, "g1_filters": 16, "g2_filters": 8, "d_layers": 2, "d1_filters": 8,
    "d2_filters": 8, "conditioning": "concat", "batch_size": 8, "norm_momentum": 0.9,
    "power": 0.5,
}  # fmt: skip


@dataclass(frozen=True)
class Option:
    """A way to train the same configuration."""

    name: str
    precision: Precision = "float32"
    average: float = 0.0


OPTIONS = (
    Option("float32"),
    Option("bfloat16", precision="bfloat16"),
    Option("float32, average 0.98", average=0.98),
)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    with tempfile.TemporaryDirectory() as folder:
        spec = specification(folder)
        runs = np.array([[run(spec, option, seed) for option in OPTIONS] for seed in range(seeds)])
    print("| training | S | difference | CPU ms/shower |")
    print("|---|---|---|---|")
    for i, option in enumerate(OPTIONS):
        s, ms = runs[:, i, 0], np.median(runs[:, i, 1])
        pairs = s - runs[:, 0, 0]
        error = pairs.std(ddof=1) / np.sqrt(seeds)
        difference = f"{pairs.mean():+.3f} ± {error:.3f}" if i else ""
        print(f"| {option.name} | {s.mean():.3f} ± {s.std(ddof=1):.3f} | {difference} | {ms:.1f} |")


def specification(folder: str) -> TrialSpec:
    """The trial that all runs vary."""
    geometry, files = load_geometry("clic-12x12x12"), (str(SAMPLE),)
    _, digest = data.survey(files, geometry)
    return TrialSpec(
        study="options",
        number=0,
        family="gan3d",
        preset="fixed-angle",
        point=POINT,
        geometry=geometry,
        data=DataSpec(files, (0.6, 0.2, 0.2), digest),
        budget=Budget(5, 500, 250),
        seed=0,
        folder=str(Path(folder) / "trial"),
    )


def run(spec: TrialSpec, option: Option, seed: int) -> tuple[float, float]:
    """S and CPU milliseconds per training shower."""
    point = {**spec.point, "average": option.average}
    resources = Resources(precision=option.precision)
    begin = time.process_time()
    *_, result = trial_events(
        replace(spec, point=point, seed=seed, resources=resources), lambda: False
    )
    assert isinstance(result, TrialResult)
    assert result.score is not None
    return result.score, 1e3 * (time.process_time() - begin) / max(result.showers, 1)


if __name__ == "__main__":
    main()
