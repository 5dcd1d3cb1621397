"""``metaopt submit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from metaopt.submission import Parcel
    from workers.executors.ray_jobs import JobServer


@click.command(name="submit")
@click.argument("config", metavar="STUDY.TOML", type=click.Path(path_type=Path))
@click.option(
    "--address",
    required=True,
    envvar="RAY_API_SERVER_ADDRESS",
    metavar="URL",
    help="The cluster's job server: http://head:8265.",
)
@click.option("--study", metavar="NAME", help="Name; a study of this name is resumed.")
@click.option("--storage", metavar="URL", help="Study store that the cluster reaches.")
@click.option("--results", metavar="DIR", help="Folder of results on the cluster.")
@click.option("--trials", type=int, metavar="N", help="Number of trials.")
@click.option("--workers", type=int, metavar="N", help="Trials at once; 0 = all that fit.")
@click.option("--gpus", type=float, metavar="X", help="GPUs per trial, e.g. 0.25.")
@click.option("--time-budget", metavar="TIME", help="Wall-clock limit: 90s, 4m, 2h.")
@click.option(
    "--shared-folder",
    "shared",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="All nodes see it under the same path (repeatable).",
)
@click.option("--pip", multiple=True, metavar="PACKAGE", help="Install on the cluster first.")
@click.option(
    "--await-nodes",
    metavar="TIME",
    default="",
    help="Wait so long on the cluster for nodes that its autoscaler starts: 30m.",
)
@click.option("--wait", is_flag=True, help="Follow the job to its end, with its exit code.")
@options.as_json
def command(
    config: Path,
    address: str,
    shared: tuple[Path, ...],
    pip: tuple[str, ...],
    await_nodes: str,
    wait: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Send a study to a Ray cluster as a job; submit again to resume.

    Sends the study file, the search space and geometry that it names, and
    plug-in modules of this folder, never showers or results: the cluster reaches
    those and the study store by itself.

    Comes back at once; the job runs on. --wait prints what it says; Ctrl-C then
    ends the printing alone.
    """
    import sys

    from metaopt.cli.run import asked_study
    from metaopt.durations import seconds
    from metaopt.submission import Reach, pack
    from workers.executors.ray_jobs import JobServer

    asked = asked_study(config, given)
    server = JobServer(address)
    parcel = pack(
        asked, Reach(server.head_is_here(), shared), seconds(await_nodes, "--await-nodes") or 0
    )
    job = _begin(server, parcel, pip, as_json)
    sys.exit(_follow(server, job) if wait else 0)


def _begin(server: JobServer, parcel: Parcel, pip: tuple[str, ...], as_json: bool) -> str:
    import tempfile
    from shlex import quote

    from metaopt.cli.console import print_json
    from metaopt.submission import COMMAND

    with tempfile.TemporaryDirectory(prefix="metaopt-submit-") as folder:
        parcel.write(Path(folder))
        job = server.begin(parcel.stem, COMMAND, Path(folder), {"pip": list(pip)} if pip else {})
    study = parcel.config.name
    watch = f"metaopt watch {study} --wait --storage {quote(parcel.config.study.storage)}"
    if as_json:
        print_json({"job": job, "study": study, "watch": watch})
    else:
        click.echo(f"{job}\n{watch}")
    return job


def _follow(server: JobServer, job: str) -> int:
    from metaopt.cli.console import say
    from metaopt.errors import INTERRUPTED

    try:
        for text in server.follow(job):
            click.echo(text, nl=False, err=True)
    except KeyboardInterrupt:
        say(f"{job} runs on; end it with `ray job stop {job} --address {server.address}`")
        return INTERRUPTED
    code, message = server.exit_code(job)
    if code is None:
        say(f"{job} was stopped; the same command resumes the study")
        return INTERRUPTED
    if code:
        say(f"{job} ended with exit code {code}: {message}")
    return code
