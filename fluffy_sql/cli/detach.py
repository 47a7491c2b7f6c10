"""`detach`: removes views, functions and triggers before an application's migration."""

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result
from fluffy_sql.postgres import schema


@click.command
@options.with_library_and_json
def detach(*, library: options.Library, as_json: bool) -> None:
    """Remove views, functions and triggers, so that your application can change its tables.

    Run it before a migration that changes the type of a column or moves a table to another schema.
    Labels, centroids and runs stay. migrate puts the rest back and counts photos again.

    Example: fluffy-sql detach
    """
    place = library.database.schema
    with library.database.address() as url:
        schema.detach(url, schema=place)
    told = (
        "Views, functions and triggers are removed; tables and labels stay."
        " Put them back with: fluffy-sql migrate"
    )
    print_result(
        {"schema": place, "detached": True}, told, as_json=as_json, done="they were removed"
    )
