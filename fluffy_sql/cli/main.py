"""The command line: its commands, exit codes and errors.

Nothing else in the package prints or exits. Results go to stdout, all else to stderr. Exit codes:
0 done and printed, 1 failed, 2 wrong usage or settings, 130 stopped by a signal.
"""

import os
import sys
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import NoReturn

import click

from fluffy_sql.cli.console import print_json, say
from fluffy_sql.cli.stopping import STOPPED_BY_SIGNAL, hear_no_stops, hear_stops, ignore_stops
from fluffy_sql.cli.streams import OutputError, is_lost, open_streams
from fluffy_sql.errors import FluffySqlError, UsageError
from fluffy_sql.postgres.concealing import conceal

# Each is a file of this folder with a command of the same name. It is imported when it is called,
# and imports what it needs at its top: loading NumPy, psycopg, pydantic and yoyo takes longer than
# most commands take.
_COMMANDS = {
    "assign": "Put photos without a cluster into the nearest one.",
    "attach": "Cluster embeddings that stay in a table of your application.",
    "check": "Find what is wrong in the database, and repair it.",
    "clusters": "List, name or export the clusters, or prune retired ones.",
    "detach": "Remove views, functions and triggers before your own migration.",
    "distribute": "Distribute the tables over the servers of Citus.",
    "duplicates": "Find groups of near-duplicates.",
    "embed": "Find photos and embed them.",
    "generate": "Cluster the photos that have no cluster yet.",
    "import": "Load embeddings from a file.",
    "migrate": "Bring the database to the current schema.",
    "psql": "Open psql on the configured database.",
    "report": "Write a page and contact sheets that show the clusters.",
    "runs": "List the runs; show, compare or undo one.",
    "sample": "Load a sample library into the embedded server.",
    "sweep": "Try many k, or the like, and suggest one; writes no cluster.",
}


class _Commands(click.Group):
    """Lists commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(import_module(f"fluffy_sql.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([*_COMMANDS.items()])


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False
)
@click.version_option(package_name="fluffy_sql", message="fluffy-sql %(version)s")
def fluffy_sql() -> None:
    """Cluster the embeddings of a photo library inside Postgres, with pgvector."""


def main() -> NoReturn:
    """Runs the command line and exits."""
    # Matrix products here are small, and the other cores are at work for the server: with a thread
    # on each, a run took three times the processor time. NumPy reads it when it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    open_streams()
    hear_stops()
    code = run(sys.argv[1:])
    ignore_stops()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs one command; returns its exit code."""
    try:
        # click returns the code of an Exit, and None if a command ran to its end
        code = fluffy_sql.main(
            arguments or ["--help"], prog_name="fluffy-sql", standalone_mode=False
        )
        sys.stdout.flush()
    except OutputError as error:
        # A reader that leaves, as `head` does, has what it wants.
        return 0 if error.reader_left else _fail(str(error), error.exit_code, arguments)
    except FluffySqlError as error:
        return _fail(conceal(str(error), arguments), error.exit_code, arguments)
    except click.ClickException as error:
        message = conceal(error.format_message(), arguments, any_at=True)
        return _fail(f"{message} See --help.", UsageError.exit_code, arguments)
    except (click.Abort, KeyboardInterrupt):
        message = "stopped; what was not committed is rolled back"
        return _fail(message, STOPPED_BY_SIGNAL, arguments)
    return code or 0


def _fail(message: str, exit_code: int, arguments: list[str]) -> int:
    """Says why a command failed, on each stream that takes it; returns the exit code."""
    hear_no_stops()
    say(message)
    with suppress(OutputError):
        if "--json" in arguments:
            print_json({"error": message, "exit_code": exit_code})
        elif is_lost(sys.stderr):
            print(f"fluffy-sql: {message}")
        sys.stdout.flush()
    return exit_code
