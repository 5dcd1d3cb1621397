"""A long chaos run: hundreds of trials while workers, controller and server are killed.

    python tests/benchmarks/chaos.py --trials 400 >> docs/reliability.md

Two studies of the toy model on PostgreSQL, a short one undisturbed and a long one under
attack, give the time and the epochs that a death costs. Prints a table in Markdown; fails
unless every training ended exactly once and none is missing.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.chaos import Chaos
from tests.postgresql import Server

DEATHS = ("worker", "worker", "worker", "controller", "server")


def main() -> None:
    options = arguments()
    draws = random.Random(options.seed)
    calm = study(options, options.calm_trials, [])
    attacked = study(options, options.trials, (draws.choice(DEATHS) for _ in itertools.count()))
    lost = 60 * attacked.minutes - 60 * calm.minutes * options.trials / options.calm_trials
    print("| | undisturbed | under attack |\n|---|---|---|")
    for (name, first), second in zip(calm.rows(), attacked.rows(), strict=True):
        print(f"| {name} | {first} | {second[1]} |")
    print(f"| seconds lost per death | | {lost / attacked.deaths.total():.1f} |")


@dataclass(frozen=True)
class Figures:
    """What a study took."""

    trials: int
    deaths: Counter[str]
    minutes: float
    begun: int
    again: int

    def rows(self) -> Iterator[tuple[str, str]]:
        deaths = ", ".join(f"{count} of a {what}" for what, count in sorted(self.deaths.items()))
        yield "trainings, each ended exactly once", str(self.trials)
        yield "deaths", deaths or "none"
        yield "wall-clock time [min]", f"{self.minutes:.1f}"
        yield "epochs begun", str(self.begun)
        yield "epochs begun again", str(self.again)
        yield "epochs begun again per death", f"{self.again / max(self.deaths.total(), 1):.2f}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--calm-trials", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--epoch-seconds", type=float, default=0.8)
    parser.add_argument("--apart", type=float, default=25.0, help="mean epochs between deaths")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def study(options: argparse.Namespace, trials: int, deaths: Iterable[str]) -> Figures:
    """Run one study."""
    server = Server()
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            url = server.url.render_as_string(hide_password=False)
            chaos = Chaos(
                Path(folder),
                url,
                trials,
                server,
                options.epochs,
                epoch_seconds=options.epoch_seconds,
            )
            wall = chaos.run(deaths, options.apart, options.seed)
            chaos.check()
            begun = len((chaos.folder / "epochs").read_text().splitlines())
            return Figures(trials, chaos.kills, wall / 60, begun, chaos.epochs_twice)
    finally:
        server.close()


if __name__ == "__main__":
    main()
