"""The ``metaopt`` command.

Commands are found by name and imported when they are called; their heavy
imports stand inside the callbacks, so that ``metaopt --help`` answers at once.
"""

from __future__ import annotations

import importlib
import io
import os
import sys

import click

import metaopt
from metaopt.cli.passwords import hide_password

#: Command name to its module; the order is that of `metaopt --help`.
COMMANDS = (
    *("run", "submit", "watch", "studies", "show", "report", "dashboard", "export", "trial"),
    *("validate", "bench", "geometry", "simulate", "retarget", "train", "generate", "convert"),
    "doctor",
)


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from search_spaces.records import suggestion

            ctx.fail(f"No such command {args[0]!r}; {suggestion(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


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
    _open_closed_streams()
    hide_password()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # tests have others
            stream.reconfigure(errors="replace")  # a terminal may know no "±"
    try:
        code = cli.main(prog_name="metaopt", standalone_mode=False)
    except Exception as failure:
        code = _told(failure)
    sys.exit(code if isinstance(code, int) else 0)


def _open_closed_streams() -> None:
    """The null device for standard streams that are closed, as by ``2>&-`` or in some services.

    The next file that is opened would have such a stream's number, and whatever a library prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            os.set_inheritable(number, True)  # our processes need it too
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def _told(failure: Exception) -> int:
    """The exit code of a failure, after a line about it; a fault of metaopt's own is raised on."""
    from metaopt.cli.console import complain
    from metaopt.errors import FAILURE, INTERRUPTED, MetaoptError, exit_code

    if isinstance(failure, click.exceptions.Abort):
        return INTERRUPTED
    if isinstance(failure, click.exceptions.NoArgsIsHelpError):
        failure.show()
        return failure.exit_code
    if isinstance(failure, click.ClickException):
        complain(f"{failure.format_message().rstrip('.')}{_help_of(failure)}")
        return failure.exit_code
    if isinstance(failure, MetaoptError):
        complain(str(failure))
        return exit_code(failure)
    if isinstance(failure, OSError):
        place = f"{failure.filename}: " if failure.filename else ""
        reason = failure.strerror or failure
        complain(f"{place}{reason}; check the path, its permissions and the space on the disk")
        return FAILURE
    if isinstance(failure, MemoryError):
        detail = f" ({failure})" if str(failure) else ""
        complain(f"there is not enough memory{detail}; look at `ulimit -v`, or ask for more")
        return FAILURE
    raise failure


def _help_of(failure: click.ClickException) -> str:
    context = failure.ctx if isinstance(failure, click.UsageError) else None
    return f"; see `{context.command_path} --help`" if context else ""
