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

    from metaopt.errors import ConfigError
    from search_spaces.records import encode
    from workers.runner import trial_events
    from workers.trial import TrialSpec

    try:
        text = spec.read_text(encoding="utf-8")
        data = json.loads(text)
    except (OSError, ValueError) as failure:
        raise ConfigError(f"{spec}: not a readable JSON file ({failure})") from failure
    for event in trial_events(TrialSpec.from_json(data), stop=lambda: False):
        click.echo(json.dumps(encode(event)))
