"""`generate`: clusters photos without a cluster, or all of them again."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.cluster_output import (
    SHOWN_ROWS,
    UNUSABLE,
    clusters_table,
    describe_changes,
    list_clusters,
)
from fluffy_sql.cli.console import count, list_counts, number, print_result, printable
from fluffy_sql.cli.progress_bar import RunProgress, count_scopes
from fluffy_sql.errors import UsageError
from fluffy_sql.operations.generate import ClusteringService

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fluffy_sql.cli.console import Part
    from fluffy_sql.postgres.explain import ExplainedStatement
    from fluffy_sql.runs.record import RunResult
    from fluffy_sql.settings import Settings


@click.command(short_help="Cluster the photos that have no cluster yet.")
@options.with_setting("--k", "clustering.k", type=int, help="How many clusters to make.")
@options.with_metric
@options.with_seed
@options.with_setting("--algorithm", "clustering.algorithm", help="Which algorithm to use.")
@click.option(
    "--recluster",
    is_flag=True,
    help="Cluster all photos again; clusters that continue keep their id, name and status.",
)
@click.option(
    "--cold", is_flag=True, help="With --recluster: train from scratch, not from the old clusters."
)
@click.option("--dry-run", is_flag=True, help="Do it all and roll it back; say what would change.")
@click.option(
    "--resume", is_flag=True, help="Continue the newest run, which was killed while it trained."
)
@click.option(
    "--explain",
    is_flag=True,
    help="Print the SQL of a run with its query plans; roll the run back.",
)
@options.with_library_and_json
def generate(
    *,
    recluster: bool,
    cold: bool,
    dry_run: bool,
    resume: bool,
    explain: bool,
    library: options.Library,
    as_json: bool,
) -> None:
    """Cluster the photos that have an embedding and no cluster yet.

    Options that are not given come from the settings file. All photos get a cluster, or none.

    --recluster clusters all photos again. It starts from the clusters there are or, with --cold,
    from scratch. A new cluster that matches an old one keeps its id, and with it its name, its
    status and what refers to it. Old clusters without a match stay, empty.

    --explain prints the SQL statements of a run, each with how often it ran and the plan of its
    first execution. It takes as long as a run and leaves no cluster and no record.

    Example: fluffy-sql generate --k 50 --seed 7
    """
    if cold and not recluster:
        raise UsageError("--cold needs --recluster: a first run starts from scratch anyway")
    if explain and (recluster or dry_run):
        raise UsageError("--explain explains an ordinary run; leave out --recluster and --dry-run")
    given = any(name.startswith("clustering.") for name in library.flags)
    if resume and (recluster or dry_run or explain or given):
        raise UsageError("--resume takes the options of the killed run; leave out all others")
    with library.address() as url:
        if explain:
            with _service(url, library.settings) as service:
                statements = service.explain()
            found = {"statements": [asdict(statement) for statement in statements]}
            print_result(found, _describe_statements(statements), as_json=as_json)
            return
        with _service(url, library.settings) as service:
            if resume:
                result = service.resume()
            else:
                result = service.generate(recluster=recluster, cold=cold, dry_run=dry_run)
        print_result(result, _describe(result, library), as_json=as_json)


@contextmanager
def _service(url: str, settings: Settings) -> Iterator[ClusteringService]:
    """What runs the algorithm, with its progress on stderr."""
    with RunProgress() as progress:
        yield ClusteringService(
            url,
            settings.clustering,
            schema=settings.database.schema_,
            connections=settings.database.connections,
            progress=progress,
        )


def _describe(result: RunResult, library: options.Library) -> Iterator[Part]:
    yield from describe_run(result)
    if result.changes is not None:
        yield from describe_changes(result.changes)
    elif result.run_id is not None:
        rows = list_clusters(library, result.run_id, SHOWN_ROWS)
        yield clusters_table(rows)
        if more := result.clusters_created - len(rows):
            yield f"... and {more:,} smaller ones: fluffy-sql clusters --run {result.run_id}"


def describe_run(result: RunResult) -> Iterator[str]:
    """A run in a line or a few."""
    if result.inertia is not None:
        yield from _describe_clusters(result)
    else:
        yield "No photos to cluster."
        if clustered := result.skipped["already_clustered"]:
            yield (
                f"{count(clustered, 'photo')} in a cluster already;"
                " to cluster them again: fluffy-sql generate --recluster."
            )
    if left_out := list_counts(result.skipped, UNUSABLE):
        yield f"Left out: {left_out}."


def _describe_clusters(result: RunResult) -> Iterator[str]:
    clusters = result.clusters_created + result.clusters_kept
    name = "Dry run, nothing was written" if result.dry_run else f"Run {result.run_id}"
    end = "converged" if result.converged else "stopped by the limit on iterations"
    yield (
        f"{name}: {count(result.photos_processed, 'photo')} in"
        f" {count(clusters, 'cluster')}{count_scopes(result.scopes)}"
        f" ({result.algorithm}, {result.metric}, seed {result.seed}),"
        f" inertia {number(result.inertia, 1)}, {count(result.iterations, 'step')}, {end},"
        f" {result.seconds['total']:.1f} s."
    )
    if result.kind == "recluster":
        yield (
            f"{count(result.photos_moved, 'photo')} moved;"
            f" {count(result.clusters_kept, 'cluster')} kept,"
            f" {result.clusters_created:,} created, {result.clusters_emptied:,} emptied."
        )
    if (quality := result.quality) is not None and quality.silhouette is not None:
        yield (
            f"Silhouette {number(quality.silhouette, 3)},"
            f" Davies-Bouldin {number(quality.davies_bouldin, 2)},"
            f" Calinski-Harabasz {number(quality.calinski_harabasz, 1) or 'none'};"
            f" clusters of {quality.smallest_cluster:,} to"
            f" {count(quality.largest_cluster, 'photo')}."
        )
    if result.recall is not None and result.recall < 1:
        yield (
            f"Of the photos checked, {result.recall:.1%} are at their nearest centroid; with this"
            " many clusters, a photo is compared only with those around it."
        )
    if clusters < result.k_requested and result.scopes == 1:
        verb = "is" if clusters == 1 else "are"
        what = "photos" if clusters == result.photos_processed else "different embeddings"
        yield (
            f"k is {result.k_requested:,}, but there {verb} only {count(clusters, 'cluster')},"
            f" since there are no more {what}."
        )


def _describe_statements(statements: Sequence[ExplainedStatement]) -> str:
    """Statements with their plans, a blank line between them."""
    return "\n\n".join("\n".join(describe_statement(statement)) for statement in statements)


def describe_statement(statement: ExplainedStatement) -> Iterator[str]:
    """A statement with its plan."""
    times = "once" if statement.executions == 1 else f"{statement.executions:,} times"
    yield f"-- sql/{statement.name}.sql, {times}"
    yield statement.sql
    for line in statement.plan or ():
        # A plan shows the conditions of a view, and with them whatever its owner wrote.
        yield f"  {printable(line)}"
