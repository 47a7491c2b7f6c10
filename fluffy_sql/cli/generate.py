"""`generate`: clusters photos without a cluster, or all of them again."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from fluffy_sql.algorithms import algorithm_named
from fluffy_sql.cli import options
from fluffy_sql.cli.cluster_output import (
    SHOWN_ROWS,
    UNUSABLE,
    clusters_table,
    describe_changes,
)
from fluffy_sql.cli.console import (
    Part,
    committed,
    list_counts,
    number,
    print_result,
    printable,
    say,
)
from fluffy_sql.cli.progress_bar import count_scopes
from fluffy_sql.errors import UsageError
from fluffy_sql.operations import generate as operations
from fluffy_sql.operations.clusters import list_clusters
from fluffy_sql.operations.generate import GenerateRequest
from fluffy_sql.postgres.explain import ExplainedStatement, PlanRecorder
from fluffy_sql.runs.record import RunResult
from fluffy_sql.words import count


@click.command
@options.with_setting(
    "--k", "clustering.{algorithm}.k", type=int, help="How many clusters to make."
)
@options.with_metric
@options.with_seed
@options.with_algorithm
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
    if explain and (recluster or dry_run):
        raise UsageError("--explain explains an ordinary run; leave out --recluster and --dry-run")
    given = any(name.startswith("clustering.") for name in library.flags)
    if resume and (recluster or dry_run or explain or given):
        raise UsageError("--resume takes the options of the killed run; leave out all others")
    settings = library.settings.clustering
    request = GenerateRequest(
        settings=settings,
        recluster=recluster,
        cold=cold,
        dry_run=dry_run,
        resume=resume,
        connections=library.settings.database.connections,
    )
    recorder = PlanRecorder() if explain else None
    with library.database.running():  # so that the embedded server is started once
        with library.work(recorder) as (session, progress):
            result = operations.generate(session, request, progress)
        if warning := low_recall(result):
            say(warning)
        if recorder is None:
            told = _describe(result, library)
            print_result(result, told, as_json=as_json, done=committed(result.run_id))
            return
    statements = recorder.statements()
    found = {"statements": [asdict(statement) for statement in statements]}
    print_result(found, describe_statements(statements), as_json=as_json)


_LEFT_OUT = UNUSABLE | {
    "duplicate": "that are near-duplicates of photos left out",
    "changed_meanwhile": "that somebody changed or locked during the run",
}


def low_recall(result: RunResult) -> str:
    """What is said of a run that found less than its algorithm wants to; nothing if it did."""
    wanted = algorithm_named(result.algorithm).wanted_recall
    if result.recall is None or result.recall >= wanted:
        return ""
    return (
        f"recall is {result.recall:.1%}, below {wanted:.0%}: these photos lie too evenly for each"
        " to be compared with those around it only, so their clusters are less sure"
    )


def _describe(result: RunResult, library: options.Library) -> Iterator[Part]:
    yield from describe_run(result)
    if result.changes is not None:
        yield from describe_changes(result.changes)
    elif result.run_id is not None:
        with library.database.reader() as session:
            rows = list_clusters(session, run_id=result.run_id, limit=SHOWN_ROWS)
        yield clusters_table(rows)
        if more := result.clusters_created - len(rows):
            yield f"... and {more:,} smaller ones: fluffy-sql clusters --run {result.run_id}"


def describe_run(result: RunResult) -> Iterator[str]:
    """A run in a line or a few."""
    if result.changes is not None or result.clusters_created:
        yield from _describe_clusters(result)
    else:
        of_algorithm = set(result.skipped) - set(UNUSABLE) - {"already_clustered"}
        left_out = any(result.skipped[reason] for reason in of_algorithm)
        yield "No cluster was made." if left_out else "No photos to cluster."
        if clustered := result.skipped["already_clustered"]:
            yield (
                f"{count(clustered, 'photo')} in a cluster already;"
                " to cluster them again: fluffy-sql generate --recluster."
            )
    # An algorithm leaves photos out for reasons of its own, noise for example.
    own = {reason: f"as {reason}" for reason in result.skipped if reason != "already_clustered"}
    if counted := list_counts(result.skipped, {**own, **_LEFT_OUT}):
        yield f"Left out: {counted}."


def _describe_clusters(result: RunResult) -> Iterator[str]:
    clusters = result.clusters_created + result.clusters_kept
    name = "Dry run, nothing was written" if result.dry_run else f"Run {result.run_id}"
    made = "no cluster was made"
    if clusters:
        made = f"{count(result.photos_processed, 'photo')} in {count(clusters, 'cluster')}"
    yield (
        f"{name}: {made}{count_scopes(result.scopes)}"
        f" ({result.algorithm}, {result.metric}, seed {result.seed}),"
        f"{_describe_training(result)} {result.seconds['total']:.1f} s."
    )
    if result.duplicates:
        yield (
            f"{count(result.duplicates, 'photo')} not clustered but put where the best of their"
            " group of near-duplicates is."
        )
    if result.kind == "recluster":
        yield (
            f"{count(result.photos_moved, 'photo')} moved;"
            f" {count(result.clusters_kept, 'cluster')} kept,"
            f" {result.clusters_created:,} created, {result.clusters_emptied:,} emptied"
            f"{' and retired' if result.clusters_emptied else ''}."
        )
    if any(result.groups):
        coarser = ", ".join(f"in {groups:,}" for groups in result.groups)
        yield f"Clusters are in groups, from the finest level to the coarsest: {coarser}."
    if (quality := result.quality) is not None and quality.silhouette is not None:
        yield (
            f"Silhouette {number(quality.silhouette, 3)},"
            f" Davies-Bouldin {number(quality.davies_bouldin, 2) or 'undefined'},"
            f" Calinski-Harabasz {number(quality.calinski_harabasz, 1) or 'undefined'};"
            f" clusters of {quality.smallest_cluster:,} to"
            f" {count(quality.largest_cluster, 'photo')}."
        )
    if result.recall is not None and result.recall < 1:
        what = algorithm_named(result.algorithm).recall_of
        yield f"Of {what.format(f'{result.recall:.1%}')}"
    yield from _describe_k(result, clusters)


def _describe_k(result: RunResult, clusters: int) -> Iterator[str]:
    """Why there are not as many clusters as were asked for."""
    asked = result.k_requested
    if asked is None or result.scopes > 1 or clusters in {asked, 0}:
        return
    if not algorithm_named(result.algorithm).k_is_exact:
        yield f"About {asked:,} were asked for; the nearest that was found is {clusters:,}."
    elif clusters < asked:
        only = f"there {'is' if clusters == 1 else 'are'} only {count(clusters, 'cluster')}"
        what = "photos" if clusters == result.photos_processed else "different embeddings"
        yield f"k is {asked:,}, but {only}, since there are no more {what}."


def _describe_training(result: RunResult) -> str:
    """Inertia, steps and how they ended: what the algorithm has of them."""
    parts = []
    if result.inertia is not None:
        parts.append(f"inertia {number(result.inertia, 1)}")
    if result.iterations is not None:
        parts.append(count(result.iterations, "step"))
    if result.converged is not None:
        parts.append("converged" if result.converged else "stopped by the limit on iterations")
    return "".join(f" {part}," for part in parts)


def describe_statements(statements: Sequence[ExplainedStatement]) -> Iterator[str]:
    """Statements with their plans, a blank line between them."""
    for place, statement in enumerate(statements):
        times = "once" if statement.executions == 1 else f"{statement.executions:,} times"
        between = "\n" if place else ""
        yield f"{between}-- sql/{statement.name}.sql, {times}"
        yield statement.sql
        # A plan shows the conditions of a view, and with them whatever its owner wrote.
        yield from (f"  {printable(line)}" for line in statement.plan or ())
