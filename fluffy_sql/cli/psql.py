"""`psql`: opens psql on the configured database."""

import os
import re
import signal
import subprocess

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import stderr_console
from fluffy_sql.postgres.address import libpq_environment
from fluffy_sql.postgres.programs import find_psql
from fluffy_sql.postgres.session import Session


@click.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@options.with_library
@click.pass_context
def psql(context: click.Context, *, library: options.Library) -> None:
    """Open psql on the configured database, with all further arguments.

    Example: fluffy-sql psql -c "SELECT * FROM cluster_overview"
    """
    with library.database.address() as url:
        # In the environment, since everyone on the machine can read the arguments of a program.
        environment = {**os.environ, **libpq_environment(url)}
        environment |= _search_path(url, library.database.schema, environment)
        program = find_psql(prefer_embedded=library.settings.database.url is None)
        # Ctrl-C is for psql, which cancels its statement and continues.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            finished = subprocess.run([program, *context.args], env=environment, check=False)  # noqa: S603
        finally:
            signal.signal(signal.SIGINT, previous)
    context.exit(finished.returncode)


def _search_path(url: str, place: str, environment: dict[str, str]) -> dict[str, str]:
    """Lets psql find views and functions by their names alone; poolers take no such options."""
    with Session.look(url, schema=place) as session:
        if session.pooled:
            stderr_console().print(
                f"This address is a pooler: write the schema {place} before names in it, as in"
                f" {place}.cluster_overview"
            )
            return {}
        search_path = session.fetch_value("session/show_search_path")
    escaped = re.sub(r"([\\\s])", r"\\\1", search_path)
    before = environment.get("PGOPTIONS", "")
    return {"PGOPTIONS": f"{before} -c search_path={escaped} -c fluffy_sql.schema={place}".strip()}
