"""`clusters`: lists them."""

from dataclasses import asdict
from typing import Any

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.cluster_output import clusters_table
from fluffy_sql.cli.console import print_result
from fluffy_sql.operations.clusters import list_clusters


@click.command
@options.with_run
@options.with_scope
@options.with_limit
@options.with_library_and_json
def clusters(*, run_id: int | None, library: options.Library, as_json: bool, **asked: Any) -> None:
    """List the clusters, largest first, with their distances and most central photo.

    Example: fluffy-sql clusters --run 3 --limit 10
    """
    with library.database.reader() as session:
        rows = list_clusters(session, run_id=run_id, **asked)
    none = "No clusters yet; make some: fluffy-sql generate"
    if run_id is not None:
        none = f"There are no clusters of run {run_id}."
    found = {"clusters": [asdict(row) for row in rows]}
    print_result(found, [clusters_table(rows)] if rows else none, as_json=as_json)
