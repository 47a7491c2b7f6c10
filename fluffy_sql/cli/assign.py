"""`assign`: places photos at the clusters there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fluffy_sql.cli.cluster_output import UNUSABLE, cluster_or_none, first_rows
from fluffy_sql.cli.console import count, list_counts, literal, number, print_result, table
from fluffy_sql.cli.options import Library, with_library
from fluffy_sql.operations import assign as operations
from fluffy_sql.operations.assign import AssignRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from fluffy_sql.cli.console import Part
    from fluffy_sql.operations.assign import AssignResult, NamedMove


@click.command(short_help="Place photos without a cluster at the nearest one.")
@click.option(
    "--max-distance",
    type=float,
    metavar="D",
    help="Leave photos that lie farther than this from the centroid, in the metric of the run.",
)
@click.option(
    "--within",
    type=click.IntRange(0, 100),
    metavar="P",
    help="Leave photos that lie farther than P % of the cluster's own photos did at training.",
)
@click.option(
    "--metric",
    type=click.Choice(["cosine", "l2"]),
    help="Only clusters of this metric take photos; needed where there are both.",
)
@click.option(
    "--moved",
    is_flag=True,
    help="Also look at photos that changed since a run placed them, and place them again.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@with_library
def assign(
    *,
    max_distance: float | None,
    within: int | None,
    metric: str | None,
    moved: bool,
    dry_run: bool,
    library: Library,
    as_json: bool,
) -> None:
    """Place photos that have no cluster yet at the nearest active one, without training.

    All of them are placed, or none. What lies too far away stays without a cluster and is tried
    again next time. Pinned photos stay where they are.

    Example: fluffy-sql assign --within 95 --dry-run
    """
    request = AssignRequest(
        max_distance=max_distance,
        within=within,
        metric=metric,
        moved=moved,
        dry_run=dry_run,
        connections=library.settings.database.connections,
        limits=library.database.lock_limits,
    )
    with library.work() as (session, progress):
        result = operations.assign(session, request, progress)
    print_result(result, describe_assignment(result), as_json=as_json)


_LEFT = UNUSABLE | {
    "too_far": "too far from the nearest cluster",
    "without_limit": "nearest to a cluster whose distances at training are not known",
    "no_cluster": "of a length that no active cluster has",
    "changed_meanwhile": "that changed meanwhile, or whose cluster did",
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
    if left := list_counts({**result.left, **result.skipped}, _LEFT):
        yield f"Left without a cluster: {left}."
    if not result.clusters:
        yield "There is no active cluster; make some: fluffy-sql generate"
    if result.moves:
        yield from first_rows(result.moves, _moves_table, "moves")


def _moves_table(moves: Sequence[NamedMove]) -> Table:
    return table(
        moves,
        {
            "photos": lambda move: number(move.photos),
            "from": lambda move: cluster_or_none(move.from_cluster_id),
            "to": lambda move: str(move.to_cluster_id),
            "name": lambda move: literal(move.to_name),
        },
    )
