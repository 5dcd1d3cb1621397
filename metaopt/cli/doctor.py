"""``metaopt doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metaopt.cli import options

if TYPE_CHECKING:
    from metaopt.doctor import Finding


@click.command(name="doctor")
@click.argument("study", required=False, metavar="[STUDY.TOML]", type=click.Path(path_type=Path))
@click.option("--storage", metavar="URL", help="Study store, if not the study's.")
@click.option("--ray-address", metavar="ADDRESS", help="Ray cluster, if not the study's.")
@options.as_json
def command(
    study: Path | None, storage: str | None, ray_address: str | None, as_json: bool
) -> None:
    """Look for what may keep a study from running here.

    Software, GPUs, memory, extras, showers, Ray cluster, study store and disk:
    each is ok, a warning or a problem, with what to do. The exit code is 1 if
    there is a problem. Nothing is changed, and the output can be pasted into a
    bug report: it names paths, but no passwords, hosts or users.
    """
    import sys

    from metaopt.cli.console import print_json
    from metaopt.doctor import examine, level_of
    from metaopt.errors import DONE, FAILURE
    from search_spaces.records import encode

    found = []
    for finding in examine(study, storage, ray_address):
        found.append(finding)
        if not as_json:
            click.echo(_line(finding))
    worst = level_of(found)
    if as_json:
        print_json({"level": worst, "findings": encode(found)})
    else:
        click.echo(_summary(found))
    sys.exit(FAILURE if worst == "problem" else DONE)


def _line(finding: Finding) -> str:
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{finding.level:<8} {finding.topic:<10} {finding.text}{remedy}"


def _summary(found: list[Finding]) -> str:
    counts = {level: sum(f.level == level for f in found) for level in ("problem", "warning")}
    said = [f"{n} {level}{'s' if n > 1 else ''}" for level, n in counts.items() if n]
    return ", ".join(said) or "all is well"
