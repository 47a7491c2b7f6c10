"""`detach`: removes views, functions and triggers before an application's migration."""

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result
from fluffy_sql.postgres import schema


@click.command
@click.option(
    "--source", is_flag=True, help="Give back an attached source: drop all that attach made."
)
@options.with_library_and_json
def detach(*, source: bool, library: options.Library, as_json: bool) -> None:
    """Remove views, functions and triggers, so that your application can change its tables.

    Run it before a migration that changes the type of a column or moves a table to another schema.
    Labels, centroids and runs stay. migrate puts the rest back and counts photos again.

    With --source, the library of attach goes whole, with its labels, names and runs; the source,
    which was only read, stays as it is. (Its own migrations need no detach.)

    Example: fluffy-sql detach
    """
    place = library.database.schema
    if source:
        with library.database.address() as url:
            schema.detach_source(url, schema=place)
        told = f"Dropped the schema {place}; the source stays as it is."
        print_result(
            {"schema": place, "detached": True}, told, as_json=as_json, done="it was dropped"
        )
        return
    with library.database.address() as url:
        schema.detach(url, schema=place)
    told = (
        "Views, functions and triggers are removed; tables and labels stay."
        " Put them back with: fluffy-sql migrate"
    )
    print_result(
        {"schema": place, "detached": True}, told, as_json=as_json, done="they were removed"
    )
