"""The command line: its commands, exit codes and errors.

Nothing else in the package prints or exits. Results go to stdout, all else to stderr. Exit codes:
0 done, 1 failed, 2 wrong usage or settings, 130 stopped by a signal.
"""

import io
import os
import signal
import sys
from importlib import import_module
from typing import NoReturn, TextIO

import click

from fluffy_sql import __version__
from fluffy_sql.cli.console import print_json, say
from fluffy_sql.cli.options import STOPPED_BY_SIGNAL
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
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command; returns its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    _write_anything(sys.stdout)
    try:
        # click returns the code of an Exit, and None if a command ran to its end
        code = fluffy_sql.main(arguments, prog_name="fluffy-sql", standalone_mode=False) or 0
        sys.stdout.flush()
    except FluffySqlError as error:
        return _fail(conceal(str(error), arguments), error.exit_code, arguments)
    except click.ClickException as error:
        message = conceal(error.format_message(), arguments, any_at=True)
        return _fail(f"{message} See --help.", UsageError.exit_code, arguments)
    except (click.Abort, KeyboardInterrupt):
        message = "stopped; what was not committed is rolled back"
        return _fail(message, STOPPED_BY_SIGNAL, arguments)
    except (BrokenPipeError, SystemExit):
        # The reader of our output has left (`| head`); click and rich turn that into an exit. It is
        # no failure, and Python must not complain of it when it flushes at its end.
        _drop_stdout()
        return 0
    return code


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    """A stop asked for by a service manager is handled like Ctrl-C."""
    raise KeyboardInterrupt


def _write_anything(stream: TextIO) -> None:
    """Lets a stream escape what its encoding lacks: a path may hold any character or byte."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _fail(message: str, exit_code: int, arguments: list[str]) -> int:
    if "--json" in arguments:
        try:
            print_json({"error": message, "exit_code": exit_code})
            sys.stdout.flush()
        except BrokenPipeError:
            _drop_stdout()
    say(message)
    return exit_code


def _drop_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
