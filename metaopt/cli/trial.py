"""``metaopt trial``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="trial")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New folder for its files. [default: none are kept]",
)
def command(spec: Path, out: Path | None) -> None:
    """Run one trial alone, as a worker would.

    SPEC is a trial.json: every finished trial leaves its own in its folder. Events
    are printed as JSON lines. The study's files stay as they are.
    """
    import json
    import tempfile
    from dataclasses import replace

    from metaopt.errors import ConfigError, DataError
    from search_spaces.documents import read_json
    from search_spaces.records import decode, encode
    from workers.runner import trial_events
    from workers.trial import Outcome, TrialResult, TrialSpec

    made = decode(TrialSpec, read_json(spec, ConfigError), str(spec))
    if out is not None and out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigError(f"{out}: must be an empty or new folder; give another one")
    with tempfile.TemporaryDirectory(prefix="metaopt-trial-") as unkept:
        # The weights that belong to the study's score lie in the trial's own folder.
        alone = replace(made, folder=str(out or unkept), checkpoint="")
        for event in trial_events(alone, stop=lambda: False):
            if isinstance(event, TrialResult) and event.outcome is Outcome.UNREADABLE:
                raise DataError(event.reason)
            click.echo(json.dumps(encode(event)))
