"""The command line of the benchmarks: `python -m benchmarks --help`."""

import signal
import sys
from contextlib import closing
from importlib import import_module
from typing import Any, NoReturn

import psycopg

from benchmarks.database import running_server
from benchmarks.environment import describe_environment
from benchmarks.measure import Run, measure_library
from benchmarks.options import Options, parse_options
from benchmarks.report import describe_run, markdown, results_json, text_tables
from benchmarks.summary import summarize
from fluffy_sql.cli.console import stderr_console, stdout_console
from fluffy_sql.errors import FluffySqlError

_STOPPED_BY_SIGNAL = 130


def main(arguments: list[str]) -> int:
    """Runs a benchmark, reports what there is however it ended, and returns the exit code."""
    options = parse_options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    log = stderr_console()
    environment: dict[str, Any] = {}
    runs: list[Run] = []
    code = 0
    try:
        _measure(options, environment, runs)
    except KeyboardInterrupt:
        log.print("stopped; what was measured until then follows")
        code = _STOPPED_BY_SIGNAL
    except (FluffySqlError, psycopg.Error) as error:
        log.print(f"benchmarks: {' '.join(str(error).split())}", markup=False)
        code = 1
    if runs:
        _report(options, environment, runs)
    return code


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    """A stop asked for by a service manager is handled like Ctrl-C."""
    raise KeyboardInterrupt


def _measure(options: Options, environment: dict[str, Any], runs: list[Run]) -> None:
    """Fills in environment and runs as it goes, so that they are there if it ends early."""
    log = stderr_console()
    with running_server(options.database_url) as server_url:
        environment.update(describe_environment(server_url))
        for library in options.libraries:
            log.print(f"loading {library.rows:,} photos of {library.dimensions} dimensions")
            measured = measure_library(
                server_url,
                library,
                options.contenders,
                repeats=options.repeats,
                limits=options.limits,
                links=options.links,
            )
            # Closed here, not by the garbage collector: its database goes before the server does.
            with closing(measured):
                for run in measured:
                    runs.append(run)
                    log.print(describe_run(run), markup=False)


def _report(options: Options, environment: dict[str, Any], runs: list[Run]) -> None:
    environment["blas"] = sorted({kernel for run in runs for kernel in run.blas})
    summaries = summarize(runs)
    for table in text_tables(summaries):
        stdout_console().print(table)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "results.json": results_json(environment, options.public(), runs, summaries),
        "results.md": markdown(summaries, environment),
    }.items():
        (options.out / name).write_text(text, encoding="utf-8")
    if not options.series:
        return
    try:
        plots = import_module("benchmarks.plots")
    except ImportError as error:
        stderr_console().print(f'no plots ({error}); run: pip install "fluffy_sql[bench]"')
        return
    largest = options.series[-1]
    plots.plot_by_photos(summaries, largest.dimensions, options.series_k, options.out)
    plots.plot_by_k(summaries, largest.dimensions, largest.rows, options.out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
