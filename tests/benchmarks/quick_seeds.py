"""Does the quick study beat the published configuration? Ten seeds of the genetic strategy.

    python tests/benchmarks/quick_seeds.py [SEEDS] [STRATEGY]

Prints one row per seed as it ends: S of the published configuration (the median of its
complete trials), S of the best trial, how the trials ended, and the seconds of the whole
command. The time budget is lifted, so that a busy machine does not change the result.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median


def metaopt(*arguments: str) -> str:
    command = [sys.executable, "-m", "metaopt", *arguments]
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    strategy = sys.argv[2] if len(sys.argv) > 2 else "genetic"
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    print("| seed | published | best S | trial | complete / pruned / failed | seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    wins = 0
    for seed in range(1, seeds + 1):
        start = time.monotonic()
        name = f"{strategy}-seed-{seed}"
        metaopt(
            "run", "--strategy", strategy, "--seed", str(seed), "--study", name,
            "--time-budget", "30m",
        )  # fmt: skip
        seconds = time.monotonic() - start
        study = json.loads(metaopt("show", name, "--json"))
        complete = [t for t in study["trials"] if t["state"] == "complete"]
        published = median(t["score"] for t in complete if t["proposal"] == 0)
        best, counts = study["best"], study["counts"]
        wins += best["score"] < published
        states = " / ".join(str(counts.get(s, 0)) for s in ("complete", "pruned", "fail"))
        print(
            f"| {seed} | {published:.3f} | {best['score']:.3f} ± {best['error']:.3f} | "
            f"{best['number']} | {states} | {seconds:.0f} |",
            flush=True,
        )
    print(f"\nbest below the published configuration in {wins} of {seeds} seeds")


if __name__ == "__main__":
    main()
