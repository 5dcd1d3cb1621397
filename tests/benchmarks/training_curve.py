"""A real training of the published fixed-angle configuration, and its figure.

    python tests/benchmarks/training_curve.py [--data FILE] [--epochs N] [--output FILE]
    python tests/benchmarks/training_curve.py --figure [--output FILE]

The first command trains through the trial runner and appends one JSON line per epoch to
the output as it goes; the last line compares sampling fractions at the conditions of
the test split. The trained model stays in a folder beside the output. The second
command draws docs/training-fixed-angle.svg from the lines.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from made_up import THREADS
from training_figure import draw

from objectives.observables import features
from objectives.showers import Showers
from search_spaces.geometry import Geometry
from search_spaces.loader import load_geometry
from workers import data, runner
from workers.models.registry import make_family
from workers.trial import Budget, DataSpec, Outcome, Progress, Resources, TrialResult, TrialSpec

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "clic_fixed_25x25x25.h5"
FIGURE = ROOT / "docs" / "training-fixed-angle.svg"
#: Bins of the primary energy.
BINS = 8

Record = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="HDF5 file of showers")
    parser.add_argument("--geometry", default="clic-25x25x25", help="of the file")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--showers", type=int, default=0, help="per epoch; 0: all for training")
    parser.add_argument("--output", type=Path, default=ROOT / "training-fixed-angle.jsonl")
    parser.add_argument("--figure", nargs="?", type=Path, const=FIGURE, help="draw, to this file")
    options = parser.parse_args()
    if options.figure:
        records = [json.loads(line) for line in options.output.read_text().splitlines()]
        options.figure.write_text(draw(records), encoding="utf-8")
        return
    with options.output.open("w") as file:
        for record in records_of(specification(options)):
            print(json.dumps(record), file=file, flush=True)


def specification(options: argparse.Namespace) -> TrialSpec:
    """The published configuration on the file of the command line."""
    geometry, files = load_geometry(options.geometry), (str(options.data),)
    _, digest = data.survey(files, geometry)
    spec = DataSpec(files, digest=digest)
    sizes = data.part_sizes(spec, geometry)
    return TrialSpec(
        study="training-curve",
        number=0,
        family="gan3d",
        preset="fixed-angle",
        point={},
        geometry=geometry,
        data=spec,
        budget=Budget(options.epochs, options.showers or sizes["training"], sizes["validation"]),
        seed=1,
        folder=str(options.output.with_suffix("")),
        resources=Resources(cpus=THREADS),
    )


def records_of(spec: TrialSpec) -> Iterator[Record]:
    """What the trial is, one record per epoch, the result, and the response."""
    yield {"file": Path(spec.data.files[0]).name, "split": spec.data.split, "seed": spec.seed}
    begin = time.process_time()
    for event in runner.trial_events(spec, lambda: False):
        seconds = time.process_time() - begin
        yield _record(event) | {"cpu_seconds": round(seconds, 1)}
    assert isinstance(event, TrialResult)
    if event.outcome is Outcome.COMPLETE:
        yield {"response": response(spec)}


def _record(event: Progress | TrialResult) -> Record:
    if isinstance(event, TrialResult):
        return {"result": event.to_json()}
    return {
        "epoch": event.epoch,
        "showers": event.showers,
        "score": event.score,
        "groups": dict(event.groups),
        "losses": dict(event.losses),
    }


def response(spec: TrialSpec) -> Record:
    """Sampling fraction in bins of primary energy, Geant4 and generated: [mean, its error]."""
    test = data.load(spec.data, spec.geometry, "test")
    model = make_family(spec.family).load(
        Path(spec.folder), spec.preset, spec.point, spec.geometry, spec.resources
    )
    generated = Showers(model.generate(test.conditions, runner.FINAL_DRAW), test.conditions)
    edges = np.linspace(*spec.geometry.energy, BINS + 1)
    rows = np.clip(np.digitize(test.energy, edges) - 1, 0, BINS - 1)
    filled = [bin_ for bin_ in range(BINS) if (rows == bin_).sum() > 1]
    return {
        "showers": len(test),
        "energy": [float(test.energy[rows == bin_].mean()) for bin_ in filled],
        "geant4": [_mean(_fractions(test, spec.geometry)[rows == bin_]) for bin_ in filled],
        "generated": [_mean(_fractions(generated, spec.geometry)[rows == bin_]) for bin_ in filled],
    }


def _fractions(showers: Showers, geometry: Geometry) -> np.ndarray:
    """Deposited over primary energy (n,); zero for a shower that is not usable."""
    return np.asarray(features(showers, geometry).column("sampling_fraction"), dtype=np.float64)


def _mean(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


if __name__ == "__main__":
    main()
