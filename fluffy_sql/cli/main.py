"""The command line: its commands, exit codes and errors.

Nothing else in the package prints or exits. Results go to stdout, all else to stderr. Exit codes:
0 done and printed, 1 failed, 2 wrong usage or settings, 130 stopped by a signal.
"""

import sys
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import click

from fluffy_sql import __version__
from fluffy_sql.cli.console import print_json, say
from fluffy_sql.cli.stopping import STOPPED_BY_SIGNAL, hear_no_stops, hear_stops, ignore_stops
from fluffy_sql.cli.streams import OutputError, is_lost, open_streams
from fluffy_sql.errors import FluffySqlError, UsageError
from fluffy_sql.postgres.address import conceal

# Each is a file of this folder with a command of the same name.
_COMMANDS = (
    *("assign", "check", "clusters", "detach", "distribute", "generate", "import_", "migrate"),
    *("psql", "report", "runs", "sample", "sweep"),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.version_option(__version__, message="fluffy-sql %(version)s")
def fluffy_sql() -> None:
    """Cluster the embeddings of a photo library inside Postgres, with pgvector."""


for _name in _COMMANDS:
    fluffy_sql.add_command(getattr(import_module(f"fluffy_sql.cli.{_name}"), _name))


def main() -> NoReturn:
    """Runs the command line and exits."""
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
