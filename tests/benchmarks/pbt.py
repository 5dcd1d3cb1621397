"""Population-based training against fixed weights and the genetic search, at equal showers.

    python tests/benchmarks/pbt.py --space tests/benchmarks/small.toml --members 8 \
        --epochs 24 --showers 500 --interval 2 --output pbt.jsonl
    python tests/benchmarks/pbt.py --winner results/trials-small.jsonl.gz --data clic-8x8x8.h5 \
        --geometry tests/benchmarks/clic-8x8x8.toml --members 6 --epochs 27 --showers 600 \
        --evaluation-showers 440 --interval 3 --output results/populations.jsonl

For each seed and arm, members x epochs x showers are trained, all members and pruned trials
counted:

=========  =================================================================================
pbt, pb2   one population with the network of the space's (or the given) baseline
fixed      as many trainings of that baseline, each with a seed of its own
genetic    the genetic search of the whole space with its halving, until the showers are spent
=========  =================================================================================

``--winner`` takes the space of a table of trials, and gives every arm its best point as the
baseline: the network that an earlier study found.

The winner of each has the lowest S on validation events; the figure is its S on the test events,
which chose nothing, with the error of the finite samples. The table gives the mean over seeds,
with the standard error of their spread. Each arm is a line of ``--output``: run it again to go on.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from metaopt.strategies.base import Observation, Proposal
from search_spaces.parameters import Point
from search_spaces.space import SearchSpace

ARMS = ("pbt", "pb2", "fixed", "genetic")
HERE = Path(__file__).resolve().parent


class Fixed:
    """A strategy that trains one baseline again and again, each time with another seed."""

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """The baseline that the environment names, or the first."""
        name = os.environ.get("PBT_BASELINE") or space.baselines[0].name
        point = next(b.point for b in space.baselines if b.name == name)
        return [Proposal(point)] * n


def main() -> None:
    options = arguments()
    if options.winner:
        options.space, options.baseline = winner_space(options), "winner"
    done = load(options.output)
    for seed in range(1, options.seeds + 1):
        for arm in options.arms:
            if (seed, arm) not in done:
                done[seed, arm] = measured(options, arm, seed)
                with options.output.open("a") as file:
                    file.write(json.dumps(done[seed, arm]) + "\n")
    report(done, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["sample"])
    parser.add_argument("--geometry", default="clic-12x12x12")
    parser.add_argument("--space", default="quick")
    parser.add_argument("--baseline", default="", help="of the space; its first by default")
    parser.add_argument("--winner", type=Path, help="a table of trials: its best point leads")
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--showers", type=int, default=500)
    parser.add_argument("--evaluation-showers", type=int, default=250)
    parser.add_argument("--interval", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("pbt.jsonl"))
    parser.add_argument("--folder", type=Path, default=Path("pbt-studies"))
    return parser.parse_args()


def winner_space(options: argparse.Namespace) -> str:
    """The space of a table of trials, with the best complete one as its first baseline."""
    with gzip.open(options.winner, "rt") as file:
        header, *rows = map(json.loads, file)
    best = min((r for r in rows if r["outcome"] == "complete"), key=lambda r: r["score"])
    tables = {key: value for key, value in header["space"].items() if key != "name"}
    tables["baselines"] = {"winner": best["point"], **tables["baselines"]}
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "space.toml"
    file.write_text(tomli_w.dumps(tables))
    return str(file)


def measured(options: argparse.Namespace, arm: str, seed: int) -> dict[str, Any]:
    """One arm of one seed: its winner, judged on the test events."""
    start, name = time.monotonic(), f"{arm}-{seed}"
    total = options.members * options.epochs * options.showers
    trials, spent = options.members, 0
    while not spent or (arm == "genetic" and spent < total):
        run(options, arm, seed, trials)
        spent = showers_of(options, name)
        # Halving leaves showers for more trials than there are members.
        missing = (total - spent) / (options.epochs * options.showers)
        trials += max(math.ceil(missing), 1)
    best = shown(options, name)["best"]
    out = options.folder / f"{name}-winner"
    metaopt("export", name, "-o", str(out), "--storage", storage(options))
    test, error = tested(options, out)
    return {
        "seed": seed, "arm": arm, "trial": best["number"], "S": best["score"],
        "S_error": best["error"], "test_S": test, "test_error": error, "showers": spent,
        "seconds": round(time.monotonic() - start), "schedule": schedule_of(out),
    }  # fmt: skip


def run(options: argparse.Namespace, arm: str, seed: int, trials: int) -> None:
    population = arm.startswith("pb")
    given: dict[str, Any] = {"interval": options.interval} if population else {}
    given |= {"baseline": options.baseline} if population and options.baseline else {}
    tables = {
        "data": {"files": options.data, "geometry": options.geometry},
        "study": {
            "name": f"{arm}-{seed}", "seed": seed, "storage": storage(options),
            "results": str(options.folder.resolve() / "results"),
        },
        "search": {
            "space": options.space, "strategy": "pbt:Fixed" if arm == "fixed" else arm,
            "trials": trials, "confirm": 0, "options": given,
            "pruning": "halving" if arm == "genetic" else "none",
        },
        "trial": {
            "epochs": options.epochs, "showers": options.showers,
            "evaluation_showers": options.evaluation_showers,
        },
        "workers": {"count": options.workers},
    }  # fmt: skip
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / f"{arm}-{seed}.toml"
    file.write_text(tomli_w.dumps(tables))
    metaopt("run", str(file), environment={"PBT_BASELINE": options.baseline})


def showers_of(options: argparse.Namespace, name: str) -> int:
    """Training showers of a study: each training up to its last epoch, segments of members once."""
    spent: dict[tuple[int, int], set[int]] = {}
    for trial in shown(options, name)["trials"]:
        epochs = {epoch for epoch, _ in trial["rungs"]}
        spent.setdefault((trial["proposal"], trial["seed"]), set()).update(epochs)
    return options.showers * sum(map(len, spent.values()))


def shown(options: argparse.Namespace, name: str) -> dict[str, Any]:
    told = metaopt("show", name, "--json", "--storage", storage(options))
    return dict(json.loads(told))


def tested(options: argparse.Namespace, out: Path) -> tuple[float, float]:
    """S on the test events, in a process of its own: TensorFlow's memory goes with it."""
    spec = next((options.folder / "results").glob("*/trials/*/trial.json"))
    code = (
        "import json, sys; from pathlib import Path; from dataclasses import replace\n"
        "from metaopt.export import load_model\n"
        "from objectives.objective import evaluate; from objectives.showers import Showers\n"
        "from workers import data; from workers.trial import TrialSpec\n"
        "spec = TrialSpec.from_json(json.loads(Path(sys.argv[1]).read_text()))\n"
        "reference = data.build_reference(spec.data, spec.geometry, 'test')\n"
        "conditions = reference.conditions(len(reference))\n"
        "cells = load_model(Path(sys.argv[2])).generate(conditions, 2)\n"
        "score = evaluate(Showers(cells, conditions), reference)\n"
        "print(json.dumps([score.value, score.error]))\n"
    )
    command = [sys.executable, "-c", code, str(spec), str(out)]
    done = subprocess.run(command, check=True, text=True, capture_output=True)
    value, error = json.loads(done.stdout.splitlines()[-1])
    return value, error


def schedule_of(out: Path) -> list[Any]:
    import tomllib

    model = tomllib.loads((out / "production.toml").read_text())["model"]
    return list(model.get("schedule", []))


def metaopt(*arguments: str, environment: dict[str, str] | None = None) -> str:
    command = [sys.executable, "-m", "metaopt", *arguments]
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    given = {**os.environ, "PYTHONPATH": path, **(environment or {})}
    done = subprocess.run(command, text=True, capture_output=True, env=given, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def storage(options: argparse.Namespace) -> str:
    return f"sqlite:///{options.folder.resolve()}/pbt.db"


def load(output: Path) -> dict[tuple[int, str], dict[str, Any]]:
    lines = output.read_text().splitlines() if output.exists() else []
    return {(r["seed"], r["arm"]): r for r in map(json.loads, lines)}


def report(done: dict[tuple[int, str], dict[str, Any]], options: argparse.Namespace) -> None:
    print("| arm | seeds | S, test events | S, validation | million showers | minutes |")
    print("|---|---|---|---|---|---|")
    for arm in options.arms:
        rows = [row for (_, a), row in done.items() if a == arm]
        test, chosen = (mean_of([r[k] for r in rows]) for k in ("test_S", "S"))
        showers = statistics.mean(r["showers"] for r in rows) / 1e6
        minutes = statistics.mean(r["seconds"] for r in rows) / 60
        print(f"| {arm} | {len(rows)} | {test} | {chosen} | {showers:.3f} | {minutes:.1f} |")
    if {"pbt", "fixed"} <= set(options.arms):
        for other in set(options.arms) - {"pbt"}:
            seeds = [s for s, a in done if a == "pbt" and (s, other) in done]
            gains = [done[s, other]["test_S"] - done[s, "pbt"]["test_S"] for s in seeds]
            print(f"\nS of {other} minus S of pbt, same seeds: {mean_of(gains)}")


def mean_of(values: list[float]) -> str:
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{statistics.mean(values):.3f} ± {error:.3f}"


if __name__ == "__main__":
    main()
