"""`detach`: takes views, functions and triggers out of the way of an application's migration."""

from __future__ import annotations

import click

from fluffy_sql.cli.console import print_result
from fluffy_sql.cli.options import Library, with_library
from fluffy_sql.postgres import schema


@click.command(short_help="Get out of the way of a change of the application's tables.")
@with_library
def detach(*, library: Library, as_json: bool) -> None:
    """Take views, functions and triggers away, so that an application can change its tables.

    Say before a migration that changes the type of a column or moves a table to another schema.
    Labels, centroids and runs stay; migrate puts the rest back and counts photos anew.

    Example: fluffy-sql detach
    """
    place = library.database.schema
    with library.database.address() as url:
        schema.detach(url, schema=place)
    told = (
        "Views, functions and triggers are gone, tables and labels are not."
        " Put them back with: fluffy-sql migrate"
    )
    print_result({"schema": place, "detached": True}, told, as_json=as_json)
