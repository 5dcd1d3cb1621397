"""The ``metaopt`` command.

Commands are found by name and imported when they are called; their heavy
imports stand inside the callbacks, so that ``metaopt --help`` answers at once.
"""

from __future__ import annotations

import importlib
import sys

import click

import metaopt

#: Command name to its module; the order is that of `metaopt --help`.
COMMANDS = ("run", "studies", "show", "dashboard", "export", "trial", "validate", "bench")


class _Commands(click.Group):
    """Imports a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"metaopt.cli.{cmd_name}")
        command: click.Command = module.command
        return command


EXAMPLES = """\b
metaopt run --strategy genetic     search on bundled Geant4 showers: 5 minutes
metaopt run study.toml             search on your own
metaopt show STUDY                 what it found
metaopt dashboard                  look at the studies in a browser
metaopt export STUDY -o DIR        the best configuration, for production
metaopt validate A.h5 GEANT4.h5    any generator's showers, in words and plots
"""


@click.command(
    cls=_Commands,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(metaopt.__version__, prog_name="metaopt")
def cli() -> None:
    """Tune the generative fast simulation (3DGAN) of a calorimeter."""


def main() -> None:
    """Run a command; errors are one line and the documented exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as failure:
        failure.show()
        code = failure.exit_code
    except Exception as failure:
        from metaopt.errors import MetaoptError, exit_code

        if not isinstance(failure, MetaoptError):
            raise
        click.echo(f"metaopt: {failure}", err=True)
        code = exit_code(failure)
    sys.exit(code if isinstance(code, int) else 0)
