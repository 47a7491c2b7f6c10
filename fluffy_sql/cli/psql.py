"""`psql`: opens psql on the configured database."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import click

from fluffy_sql.cli.console import stderr_console
from fluffy_sql.cli.options import Library, with_config, with_database_url
from fluffy_sql.postgres.address import libpq_environment
from fluffy_sql.postgres.programs import find_psql
from fluffy_sql.postgres.session import Session

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    short_help="Open psql on the configured database.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
@with_config
@with_database_url
@click.pass_context
def psql(context: click.Context, *, config: Path | None, database_url: str | None) -> None:
    """Open psql on the configured database; what else is given is passed on to it.

    Example: fluffy-sql psql -c "SELECT * FROM cluster_overview"
    """
    library = Library(config, database_url)
    with library.database.address() as url:
        # By the environment, since arguments of a program can be read by everyone on the machine.
        environment = {**os.environ, **libpq_environment(url)}
        environment |= _search_path(url, library.database.schema, environment)
        program = find_psql(prefer_embedded=library.settings.database.url is None)
        # Ctrl-C is for psql, which cancels its statement and goes on.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            finished = subprocess.run([program, *context.args], env=environment, check=False)  # noqa: S603
        finally:
            signal.signal(signal.SIGINT, previous)
    context.exit(finished.returncode)


def _search_path(url: str, place: str, environment: dict[str, str]) -> dict[str, str]:
    """What has psql find views and functions by their names alone; poolers take no such options."""
    with Session.look(url, schema=place) as session:
        if session.pooled:
            stderr_console().print(
                f"A pooler is in between: name what is in the schema {place} with it, as in"
                f" {place}.cluster_overview"
            )
            return {}
        search_path = session.fetch_value("session/show_search_path")
    escaped = re.sub(r"([\\\s])", r"\\\1", search_path)
    options = f"{environment.get('PGOPTIONS', '')} -c search_path={escaped}"
    return {"PGOPTIONS": f"{options} -c fluffy_sql.schema={place}".strip()}
