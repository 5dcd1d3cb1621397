"""Does the best configuration of a short search stay ahead in a long training?

    python tests/benchmarks/longer.py EPOCHS SEED...

In the folder in which ``quick_seeds.py`` ran, whose trials took 2,500 showers: trains the best
configuration of each SEED's study and the published one for EPOCHS of 1,000 showers, and prints one
row per study as it ends. S is that of the test showers, which have chosen nothing, after the epoch
that is the best on validation showers. Trainings that were interrupted go on.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from statistics import mean, stdev

from quick_seeds import metaopt

SHOWERS = 1000


def trained(study: str, trial: int, epochs: int) -> tuple[float, str]:
    """S of the test showers after a long training of a trial's configuration, and in words."""
    exported = Path("longer", f"{study}-{trial}")
    out = exported.with_name(f"{exported.name}-trained")
    if not exported.is_dir():
        metaopt("export", study, "--trial", str(trial), "-o", str(exported))
    metaopt(
        "train", str(exported), "--data", "sample", "--epochs", str(epochs),
        "--showers-per-epoch", str(SHOWERS), "--evaluation-showers", "300",
        "--no-tensorboard", "-o", str(out),
    )  # fmt: skip
    score = tomllib.loads((out / "production.toml").read_text())["score"]
    return score["S"], f"{score['S']:.3f} ± {score['error']:.3f}"


def main() -> None:
    epochs, *seeds = map(int, sys.argv[1:])
    print("| seed | S of the trial | published | S after the training | published | difference |")
    print("|---|---|---|---|---|---|", flush=True)
    gains = []
    for seed in seeds:
        name = f"genetic-seed-{seed}"
        study = json.loads(metaopt("show", name, "--json"))
        best = study["best"]
        published = next(
            t for t in study["trials"] if t["proposal"] == 0 and t["state"] == "complete"
        )
        (found, words), (before, words_before) = (
            trained(name, trial["number"], epochs) for trial in (best, published)
        )
        gains.append(before - found)
        print(
            f"| {seed} | {best['score']:.3f} | {published['score']:.3f} | {words} | "
            f"{words_before} | {gains[-1]:.3f} |",
            flush=True,
        )
    if len(seeds) > 1:
        error = stdev(gains) / len(seeds) ** 0.5
        print(f"\nthe published configuration is {mean(gains):.3f} ± {error:.3f} higher")


if __name__ == "__main__":
    main()
