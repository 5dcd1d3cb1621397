"""``metaopt trial``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="trial")
@click.argument("spec", type=click.Path(path_type=Path))
def command(spec: Path) -> None:
    """Run one trial alone, as a worker would.

    SPEC is a trial.json: every finished trial leaves its own in its folder. Events
    are printed as JSON lines.
    """
    import json

    from metaopt.errors import ConfigError, DataError
    from search_spaces.documents import read_json
    from search_spaces.records import decode, encode
    from workers.runner import trial_events
    from workers.trial import Outcome, TrialResult, TrialSpec

    made = decode(TrialSpec, read_json(spec, ConfigError), str(spec))
    for event in trial_events(made, stop=lambda: False):
        if isinstance(event, TrialResult) and event.outcome is Outcome.UNREADABLE:
            raise DataError(event.reason)
        click.echo(json.dumps(encode(event)))
