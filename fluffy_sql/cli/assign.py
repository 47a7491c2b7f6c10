"""`assign`: puts photos into the clusters there are."""

from collections.abc import Iterator
from typing import Any

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.cluster_output import UNUSABLE, cluster_or_none, first_rows
from fluffy_sql.cli.console import (
    Columns,
    Part,
    committed,
    list_counts,
    literal,
    number,
    print_result,
)
from fluffy_sql.operations import assign as operations
from fluffy_sql.operations.assign import AssignRequest, AssignResult, NamedMove
from fluffy_sql.words import count


@click.command
@click.option(
    "--max-distance",
    type=float,
    metavar="D",
    help="Leave out photos farther than this from the centroid, in the metric of the run.",
)
@click.option(
    "--within",
    type=click.IntRange(0, 100),
    metavar="P",
    help="Leave out photos farther away than P % of the cluster's photos were at training.",
)
@click.option(
    "--metric",
    type=click.Choice(["cosine", "l2"]),
    help="Use only clusters of this metric; needed if there are both.",
)
@click.option(
    "--moved",
    is_flag=True,
    help="Also place photos again that changed since a run placed them.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@options.with_library_and_json
def assign(*, library: options.Library, as_json: bool, **asked: Any) -> None:
    """Put photos that have no cluster yet into the nearest active one, without training.

    All of them are placed, or none. A photo that is too far away stays without a cluster; the next
    assign tries it again. Pinned photos stay where they are.

    Example: fluffy-sql assign --within 95 --dry-run
    """
    # Its own options are named as the fields of the request.
    request = AssignRequest(
        **asked,
        connections=library.settings.database.connections,
        limits=library.database.lock_limits,
        duplicates=library.settings.clustering.duplicates,
    )
    with library.work() as (session, progress):
        result = operations.assign(session, request, progress)
    print_result(
        result, describe_assignment(result), as_json=as_json, done=committed(result.run_id)
    )


_LEFT = UNUSABLE | {
    "undecided": "whose neighbours agree on no cluster",
    "noise": "too far from any core photo",
    "too_far": "too far from the nearest cluster",
    "without_limit": "nearest to a cluster whose distances at training are not known",
    "no_cluster": "of a scope or a dimension that no active cluster has",
    "changed_meanwhile": "that somebody changed or locked during the run, or whose cluster changed",
    "pinned": "pinned",
}


def describe_assignment(result: AssignResult) -> Iterator[Part]:
    """What was placed, or would be, and what was left."""
    if result.photos_assigned:
        clusters = len({move.to_cluster_id for move in result.moves})
        done = f"Run {result.run_id}: placed"
        yield (
            f"{'Dry run, nothing was changed: would place' if result.dry_run else done}"
            f" {count(result.photos_assigned, 'photo')} in {clusters:,} of"
            f" {count(result.clusters, 'cluster')} ({result.metric}),"
            f" {result.seconds['total']:.1f} s."
        )
    else:
        yield "No photos placed."
    if result.voting:
        which = f"{result.voting:,} of these" if result.voting < result.clusters else "these"
        yield f"Into {which} clusters photos get by the votes of those most alike."
    if left := list_counts({**result.left, **result.skipped}, _LEFT):
        yield f"Left without a cluster: {left}."
    if not result.clusters:
        yield "There is no active cluster; make some: fluffy-sql generate"
    columns: Columns[NamedMove] = {
        "photos": lambda move: number(move.photos),
        "from": lambda move: cluster_or_none(move.from_cluster_id),
        "to": lambda move: str(move.to_cluster_id),
        "name": lambda move: literal(move.to_name),
    }
    if result.moves:
        yield from first_rows(result.moves, columns, "moves", ("name",))
