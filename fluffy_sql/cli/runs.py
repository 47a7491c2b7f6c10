"""`runs`: lists them; shows, compares or undoes one."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click
from rich.text import Text

from fluffy_sql.cli import options
from fluffy_sql.cli.cluster_output import describe_changes, describe_moves
from fluffy_sql.cli.console import (
    Columns,
    Part,
    Table,
    committed,
    literal,
    number,
    print_result,
    printable,
    table,
)
from fluffy_sql.operations.history import (
    RunDetails,
    RunDifference,
    UndoResult,
    compare_runs,
    show_run,
    undo_run,
)
from fluffy_sql.runs.moves import Changes
from fluffy_sql.words import count


@click.group(invoke_without_command=True)
@options.with_limit
@options.with_library_and_json
@click.pass_context
def runs(
    context: click.Context, *, limit: int | None, library: options.Library, as_json: bool
) -> None:
    """List the runs, newest first, with their settings and how they ended.

    Example: fluffy-sql runs --limit 5
    """
    if options.leaves_to_subcommand(context, library, limit, as_json):
        return
    with library.database.reader() as session:
        rows = session.fetch_all("runs/list", run_ids=None, most=limit)
    print_result({"runs": rows}, _describe_runs(rows), as_json=as_json)


@runs.command(short_help="Show one run: settings, quality and what it changed.")
@click.argument("run_id", type=options.ID)
@click.option("--steps", is_flag=True, help="The steps of its training too.")
@options.with_library_and_json
def show(*, run_id: int, steps: bool, library: options.Library, as_json: bool) -> None:
    """Show the run RUN_ID: its settings and quality, and what it changed.

    Example: fluffy-sql runs show 3
    """
    with library.database.reader() as session:
        details = show_run(session, run_id)
    print_result(details, _describe_details(details, steps=steps), as_json=as_json)


@runs.command(short_help="Compare two runs, and what was moved between them.")
@click.argument("first", type=options.ID)
@click.argument("second", type=options.ID)
@options.with_library_and_json
def diff(*, first: int, second: int, library: options.Library, as_json: bool) -> None:
    """Compare the runs FIRST and SECOND: settings and measures that differ, and what was moved.

    Only moves by runs count, from the end of the earlier run to the end of the later, not those by
    hand.

    Example: fluffy-sql runs diff 3 5
    """
    with library.database.reader() as session:
        difference = compare_runs(session, first, second)
    print_result(difference, _describe_difference(difference), as_json=as_json)


@runs.command(short_help="Undo what a run changed.")
@click.argument("run_id", type=options.ID)
@options.with_library_and_json
def undo(*, run_id: int, library: options.Library, as_json: bool) -> None:
    """Put photos and clusters back to where they were before the run RUN_ID.

    Photos that somebody moved or pinned since then stay where they are. Clusters that the run made
    and somebody named are kept. A run that a newer one builds on can't be undone.

    Example: fluffy-sql runs undo 3
    """
    with library.database.session() as session:
        result = undo_run(session, run_id, library.database.lock_limits)
    told = _describe_undo(result)
    print_result(result, told, as_json=as_json, done=committed(result.run_id))


def _describe_runs(rows: Sequence[dict[str, Any]]) -> Iterator[Part]:
    yield runs_table(rows) if rows else "No runs yet; start one: fluffy-sql generate"
    yield from failures(rows)


def runs_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Runs, a line for each."""
    return table(
        rows,
        {
            "run": lambda row: str(row["id"]),
            "kind": lambda row: row["kind"],
            "status": lambda row: "undone" if row["undone_by"] else row["status"],
            "started (UTC)": lambda row: f"{row['started_at']:%Y-%m-%d %H:%M:%S}",
            "seconds": lambda row: number(row["duration"].total_seconds(), 1),
            "k": lambda row: number(row["k_requested"]),
            "clusters": lambda row: number(_clusters_of(row)),
            "photos": lambda row: number(row["photos_processed"]),
            "inertia": lambda row: number(row["inertia"], 1),
            "silhouette": lambda row: number(row["silhouette"], 3),
            "davies-b.": lambda row: number(row["davies_bouldin"], 2),
            "calinski-h.": lambda row: number(row["calinski_harabasz"], 1),
            "settings": _settings_of,
        },
        spare=(
            *("calinski-h.", "davies-b.", "inertia", "settings", "seconds", "silhouette"),
            *("k", "started (UTC)", "clusters", "photos"),
        ),
    )


def _clusters_of(run: dict[str, Any]) -> int | None:
    """With how many clusters a run ended; None if it did not make any."""
    created: int | None = run["clusters_created"]
    return None if created is None else created + (run["clusters_kept"] or 0)


def _settings_of(run: dict[str, Any]) -> str:
    """The main ones; a run that makes no clusters draws nothing, so its seed is left out."""
    seed = f", seed {run['seed']}" if run["kind"] in ("generate", "recluster") else ""
    return f"{run['algorithm']}, {run['metric']}{seed}"


def failures(rows: Sequence[dict[str, Any]]) -> Iterator[Text]:
    """Why runs failed, a line for each that did."""
    for row in rows:
        if row["error"]:
            yield Text(f"Run {row['id']}: {printable(row['error'])}", style="red")


def _describe_details(details: RunDetails, *, steps: bool) -> Iterator[Part]:
    run = details.run
    yield _summary(run)
    yield from failures([run])
    known = [(name, value) for name, value in run.items() if value is not None]
    columns: Columns[tuple[str, Any]] = {
        "name": lambda pair: pair[0],
        "value": lambda pair: _shown(pair[1]),
    }
    yield table(known, columns, headed=False)
    if steps and details.steps:
        yield _steps_table(details.steps)
    if details.clusters:
        yield from describe_changes(Changes(details.clusters, details.moves))


def _summary(run: dict[str, Any]) -> str:
    """What the run was, and how it ended."""
    told = "undone" if run["undone_by"] else run["status"]
    clusters = _clusters_of(run)
    if run["photos_processed"] is not None and clusters is not None:
        told += f", {count(run['photos_processed'], 'photo')} in {count(clusters, 'cluster')}"
    if run["photos_moved"] is not None:
        told += f", {count(run['photos_moved'], 'photo')} moved"
    seconds = run["duration"].total_seconds()
    return f"Run {run['id']}, {run['kind']} ({_settings_of(run)}): {told}, {seconds:,.1f} s."


def _steps_table(steps: Sequence[dict[str, Any]]) -> Table:
    return table(
        steps,
        {
            "step": lambda row: str(row["step"]),
            "phase": lambda row: row["phase"],
            "batch": lambda row: number(row["batch_size"]),
            "inertia": lambda row: number(row["inertia"], 1),
            "movement": lambda row: number(row["centroid_movement"], 6),
            "seconds": lambda row: number(row["seconds"], 3),
        },
        spare=("seconds", "batch", "movement"),
    )


def _describe_difference(difference: RunDifference) -> Iterator[Part]:
    first, second = difference.runs
    yield table(
        difference.values.items(),
        {
            "name": lambda item: item[0],
            f"run {first}": lambda item: _shown(item[1][0]),
            f"run {second}": lambda item: _shown(item[1][1]),
        },
    )
    if difference.moves:
        yield from describe_moves(difference.moves)
    else:
        yield "No photo was moved between them."


def _shown(value: object) -> Text:
    """A value of any kind as a person reads it."""
    if isinstance(value, datetime):
        return literal(f"{value:%Y-%m-%d %H:%M:%S} UTC")
    if isinstance(value, bool):
        return literal("yes" if value else "no")
    if isinstance(value, dict):
        return literal(json.dumps(value))
    return literal(f"{value:,.6g}" if isinstance(value, float) else value)


def _describe_undo(result: UndoResult) -> str:
    left = ""
    if result.photos_left:
        left += (
            f" {count(result.photos_left, 'photo')} left as they are: moved, pinned or deleted"
            " since then, or just locked."
        )
    if result.photos_unplaced:
        left += (
            f" {count(result.photos_unplaced, 'photo')} in no cluster now, for theirs is deleted:"
            " fluffy-sql generate or assign places them."
        )
    if result.clusters_left:
        left += (
            f" {count(result.clusters_left, 'new cluster')} kept: with a name, a status or photos"
            " since then."
        )
    return (
        f"Run {result.run_id} undid run {result.undone}: {count(result.photos_moved, 'photo')}"
        f" moved back, {count(result.clusters_restored, 'old cluster')} restored,"
        f" {result.clusters_deleted:,} new deleted.{left}"
    )
