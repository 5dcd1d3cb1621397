"""A long chaos run: hundreds of trials while workers, controller and server are killed.

    python tests/benchmarks/chaos.py --trials 400 >> docs/reliability.md

Two studies of the toy model on PostgreSQL, one undisturbed and one under attack, give the
time and the epochs that a death costs. Prints a table in Markdown; fails unless every
training ended exactly once and none is missing.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.chaos import Chaos
from tests.postgresql import Server

DEATHS = ("worker", "worker", "worker", "controller", "server")


def main() -> None:
    options = arguments()
    draws = random.Random(options.seed)
    calm = study(options, [])
    attacked = study(options, (draws.choice(DEATHS) for _ in itertools.count()))
    print("| | undisturbed | under attack |\n|---|---|---|")
    for name in calm:
        print(f"| {name} | {calm[name]} | {attacked[name]} |")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--epoch-seconds", type=float, default=0.8)
    parser.add_argument("--apart", type=float, default=25.0, help="mean epochs between deaths")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def study(options: argparse.Namespace, deaths: Iterable[str]) -> dict[str, str]:
    """Run one study; its figures for the table."""
    server = Server()
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            url = server.url.render_as_string(hide_password=False)
            chaos = Chaos(
                Path(folder),
                url,
                options.trials,
                server,
                options.epochs,
                epoch_seconds=options.epoch_seconds,
            )
            wall = chaos.run(deaths, options.apart, options.seed)
            chaos.check()
            return figures(chaos, wall)
    finally:
        server.close()


def figures(chaos: Chaos, wall: float) -> dict[str, str]:
    kills = ", ".join(f"{count} of a {what}" for what, count in sorted(chaos.kills.items()))
    begun = len((chaos.folder / "epochs").read_text().splitlines())
    return {
        "trainings, each ended exactly once": str(chaos.trials),
        "deaths": kills or "none",
        "wall-clock time [min]": f"{wall / 60:.1f}",
        "epochs begun": str(begun),
        "epochs begun again": str(chaos.epochs_twice),
        "epochs begun again per death": f"{chaos.epochs_twice / max(chaos.kills.total(), 1):.2f}",
    }


if __name__ == "__main__":
    main()
