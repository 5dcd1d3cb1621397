"""``metaopt generate``."""

from __future__ import annotations

from pathlib import Path

import click

from metaopt.cli import options


@click.command(name="generate")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL")
@click.option("--events", type=int, required=True, metavar="N", help="Number of showers.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE.H5")
@click.option(
    "--energy", callback=options.interval, metavar="LOW:HIGH", help="GeV. [default: as trained]"
)
@click.option(
    "--theta", callback=options.interval, metavar="LOW:HIGH", help="Degrees. [default: as trained]"
)
@click.option("--particle", metavar="NAME", help="One of the model's. [default: all]")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of all draws.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="At once; changes no shower.",
)
@click.option("--extrapolate", is_flag=True, help="Allow conditions that were not trained.")
def command(
    model: Path,
    events: int,
    out: Path,
    energy: tuple[float, float] | None,
    theta: tuple[float, float] | None,
    particle: str | None,
    seed: int,
    processes: int,
    extrapolate: bool,
) -> None:
    """Generate showers with a trained model, into an HDF5 file.

    MODEL is a folder of `metaopt export`, or of a training. The file is laid out
    like the training data, and can be validated and trained on. Energies and
    angles are uniform in their ranges.
    """
    from metaopt.cli.console import say
    from metaopt.cli.live import on_signals
    from metaopt.cli.progress import counter
    from metaopt.export import load_production
    from metaopt.generation import generate, make_order

    production = load_production(model)
    order = make_order(
        production.geometry,
        events,
        trained=production.trained,
        energy=energy,
        theta=theta,
        particle=particle,
        seed=seed,
        extrapolate=extrapolate,
    )
    with on_signals(_interrupt):
        generate(model, order, out, processes, counter(events, "showers"))
    say(f"{out}: {events:,} showers, seed {seed}")


def _interrupt() -> None:
    """End as of Ctrl-C, which leaves nothing behind: a batch system sends SIGTERM."""
    raise KeyboardInterrupt
