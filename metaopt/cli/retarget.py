"""``metaopt retarget``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from metaopt.cli import options
from metaopt.cli.run import command as run_command
from metaopt.cli.run import tables_of
from metaopt.cli.simulate import command as simulate_command

if TYPE_CHECKING:
    from workers.simulation.job import Engine

#: Options of ``metaopt run`` that hold here too.
SHARED = (
    *("strategy", "trials", "time_budget", "confirm", "epochs", "showers", "evaluation_showers"),
    *("executor", "workers", "cpus", "gpus", "ray_address", "seed"),
)


@click.command(name="retarget")
@click.argument("geometry", metavar="GEOMETRY")
@click.option("--from", "earlier", required=True, metavar="STUDY", help="Study to start from.")
@click.option("--data", multiple=True, metavar="GLOB", help="HDF5 showers of GEOMETRY.")
@click.option("--simulate", "events", type=click.IntRange(min=1), metavar="N", help="Or make N.")
@click.option("--study", metavar="NAME", help="Of the new study. [default: GEOMETRY and strategy]")
@click.option("--results", default="results", show_default=True, metavar="DIR", help="Folder.")
@options.storage
def command(
    geometry: str,
    earlier: str,
    data: tuple[str, ...],
    events: int | None,
    engine: Engine,
    processes: int,
    study: str | None,
    results: str,
    storage: str,
    **given: Any,
) -> None:
    """Search for the best configuration for another calorimeter.

    GEOMETRY is built in, or a TOML file. The search space of STUDY is made to
    fit, showers are simulated if there are none, and the search starts from the
    best points of STUDY and from what its scores say of the space.

    Writes study.toml and space.toml below --results; the same command goes on.
    """
    import sys

    from metaopt.cli.session import run_study
    from metaopt.cli.simulate import make_showers
    from metaopt.errors import ConfigError
    from metaopt.names import made_name
    from metaopt.paths import expanded
    from metaopt.retarget import Target, study_of
    from metaopt.store import with_home
    from metaopt.store.database import StudyStore
    from metaopt.store.searches import searches
    from search_spaces.loader import load_geometry
    from workers.simulation.job import make_job

    loaded, stored = load_geometry(geometry), StudyStore(storage).study(earlier)
    if not stored.document:
        raise ConfigError(f"study {earlier!r} was not made by metaopt; give another --from")
    strategy = given["strategy"] or searches(stored.document)[-1]["strategy"]
    name = study or made_name(geometry, strategy)
    target = Target(name, geometry, data, events or 0, with_home(storage), expanded(results))
    # Whether it can be simulated is known before anything is written.
    job = make_job(loaded, engine, events) if events else None
    config = study_of(target, stored, loaded, tables_of(given))
    if job:
        make_showers(job, target.showers, processes)
    sys.exit(run_study(config))


command.params += [option for option in run_command.params if option.name in SHARED]
command.params += [o for o in simulate_command.params if o.name in ("engine", "processes")]
