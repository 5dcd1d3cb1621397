"""``metaopt simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from workers.simulation.job import Engine, Job


@click.command(name="simulate")
@click.argument("geometry", metavar="GEOMETRY")
@click.option("--events", type=int, required=True, metavar="N", help="Number of showers.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE.H5")
@click.option(
    "--engine",
    type=click.Choice(("geant4", "gflash")),
    default="geant4",
    show_default=True,
    help="Full simulation, or a parametrisation.",
)
@click.option(
    "--energy", callback=options.interval, metavar="LOW:HIGH", help="GeV. [default: the geometry's]"
)
@click.option(
    "--theta",
    callback=options.interval,
    metavar="LOW:HIGH",
    help="Degrees; 90 is normal incidence.",
)
@click.option(
    "--particle",
    "particles",
    multiple=True,
    metavar="NAME",
    help="e-, e+, gamma, mu- (repeatable).",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of all draws.")
@click.option(
    "--cut",
    "cut_mm",
    type=float,
    metavar="MM",
    help="Production cut of Geant4. [default: 0.7]",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="At once; changes no shower.",
)
def command(
    geometry: str,
    events: int,
    out: Path,
    engine: Engine,
    energy: tuple[float, float] | None,
    theta: tuple[float, float] | None,
    particles: tuple[str, ...],
    seed: int,
    cut_mm: float | None,
    processes: int,
) -> None:
    """Simulate showers of a calorimeter: a built-in GEOMETRY, or a TOML file.

    The engine geant4 is the full simulation: pip install 'metaopt[geant4]'.
    gflash is a parametrisation of electrons and photons, 30 to 600 times
    faster, and named as such in the file and wherever it is reported.

    Energies and angles are uniform in their ranges. After an interruption the
    same command goes on, and the file is that of an undisturbed simulation.
    """
    from search_spaces.loader import load_geometry
    from workers.simulation.job import make_job

    job = make_job(
        load_geometry(geometry),
        engine,
        events,
        energy=energy,
        theta=theta,
        particles=particles,
        seed=seed,
        cut_mm=cut_mm,
    )
    make_showers(job, out, processes)


def make_showers(job: Job, out: Path, processes: int) -> None:
    """Do a job and say what it made; Ctrl-C ends the command, and the next one goes on."""
    import sys

    from metaopt.cli.console import say
    from metaopt.cli.progress import counter
    from metaopt.errors import INTERRUPTED
    from workers.simulation.label import label_of
    from workers.simulation.run import simulate

    try:
        new = simulate(job, out, processes, counter(job.events, "showers"))
    except KeyboardInterrupt:
        say("\ninterrupted; the same command goes on")
        sys.exit(INTERRUPTED)
    label = label_of(out)
    made_by = (
        f"{label.engine} {label.version}: {label.physics_list}" if label else "an unknown engine"
    )
    say(f"{out}: {job.events:,} showers{'' if new else ', there already'}; {made_by}")
