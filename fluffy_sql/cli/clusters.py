"""`clusters`: lists them; deletes retired ones that nobody needs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import click
from rich.text import Text

from fluffy_sql.cli import options
from fluffy_sql.cli.cluster_output import clusters_table
from fluffy_sql.cli.console import Part, Table, literal, number, print_result, table
from fluffy_sql.operations.clusters import Cluster, Group, group_clusters, list_clusters
from fluffy_sql.operations.prune import PruneResult, prune_clusters
from fluffy_sql.runs.owners import ScopeFilter, describe_scope
from fluffy_sql.words import count

_NO_LEVELS = (
    "No cluster is in a group: set clustering.leiden.levels, and run fluffy-sql generate"
    " --algorithm leiden --recluster."
)


@click.group(invoke_without_command=True)
@options.with_run
@options.with_scope
@options.with_limit
@click.option(
    "--levels", is_flag=True, help="The groups that clusters are in, from the coarsest down."
)
@options.with_library_and_json
@click.pass_context
def clusters(
    context: click.Context,
    *,
    run_id: int | None,
    scope: ScopeFilter | None,
    limit: int | None,
    levels: bool,
    library: options.Library,
    as_json: bool,
) -> None:
    """List the clusters, largest first, with their distances and most central photo.

    With --levels, list groups of clusters instead, as clustering.leiden.levels made them.

    Example: fluffy-sql clusters --run 3 --limit 10
    """
    if options.leaves_to_subcommand(context, library, run_id, scope, limit, levels, as_json):
        return
    with library.database.reader() as session:
        rows = list_clusters(session, run_id=run_id, scope=scope, limit=None if levels else limit)
    none = "No clusters yet; make some: fluffy-sql generate"
    if run_id is not None:
        none = f"There are no clusters of run {run_id}."
    elif scope is not None:
        none = f"There are no clusters of {describe_scope(scope.scope)}."
    if levels and rows:
        groups = group_clusters(rows, limit)
        told = [_levels_table(groups)] if groups else _NO_LEVELS
        print_result({"groups": [asdict(group) for group in groups]}, told, as_json=as_json)
        return
    found = {"clusters": [asdict(row) for row in rows]}
    print_result(found, _describe_clusters(rows) if rows else none, as_json=as_json)


@clusters.command(short_help="Delete retired clusters that nobody needs.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@options.with_library_and_json
def prune(*, dry_run: bool, library: options.Library, as_json: bool) -> None:
    """Delete clusters that a recluster left without photos.

    Those with a name, with a status that you set, with photos, or that rows of other tables refer
    to are kept. Undoing a run can't put photos back into a cluster that is deleted.

    Example: fluffy-sql clusters prune --dry-run
    """
    with library.database.session() as session:
        result = prune_clusters(session, library.database.lock_limits, dry_run=dry_run)
    done = "the clusters were deleted" if result.pruned and not dry_run else ""
    print_result(result, _describe(result), as_json=as_json, done=done)


def _describe_clusters(rows: list[Cluster]) -> Iterator[Part]:
    yield clusters_table(rows)
    if photos := sum(row.photos_not_compared for row in rows):
        yield (
            f"{count(photos, 'photo')} without a distance to the centroid: with no embedding, one"
            " of another length, or one of zeros."
        )


def _levels_table(groups: Sequence[Group]) -> Table:
    """Groups with what they are made of below them, indented."""
    columns: dict[str, Callable[[tuple[Group, int]], str | Text]] = {
        "group": lambda row: "  " * row[1] + str(row[0].id),
        "level": lambda row: str(row[0].level) if row[0].level else "cluster",
        "scope": lambda row: literal(row[0].scope),
        "name": lambda row: literal(row[0].name),
        "clusters": lambda row: number(row[0].clusters),
        "photos": lambda row: number(row[0].photos_count),
        "central photo": lambda row: literal(row[0].central_photo),
    }
    if all(group.scope is None for group in groups):
        del columns["scope"]
    spare = [heading for heading in ("scope", "central photo") if heading in columns]
    return table(list(_with_depths(groups)), columns, spare)


def _with_depths(groups: Sequence[Group]) -> Iterator[tuple[Group, int]]:
    """Groups, and how many levels each is below the coarsest one of its run."""
    coarsest = 0
    for group in groups:
        if group.parent_id is None:
            coarsest = group.level
        yield group, coarsest - group.level


def _describe(result: PruneResult) -> Iterator[Part]:
    if not (result.pruned or result.kept):
        yield "No cluster is retired: there is nothing to prune."
        return
    would = "would be " if result.dry_run else ""
    yield f"{count(len(result.pruned), 'retired cluster')} {would}deleted."
    if result.kept:
        yield f"{count(len(result.kept), 'retired cluster')} kept:"
        yield table(
            result.kept,
            {
                "cluster": lambda row: str(row.cluster_id),
                "name": lambda row: literal(row.name),
                "kept because": lambda row: literal(", ".join(row.reasons)),
            },
            spare=("name",),
        )
