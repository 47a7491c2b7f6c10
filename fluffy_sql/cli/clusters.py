"""`clusters`: lists, names and exports them; deletes retired ones that nobody needs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from fluffy_sql.cli import options
from fluffy_sql.cli.cluster_output import clusters_table
from fluffy_sql.cli.console import Part, Table, literal, number, print_result, print_rows, table
from fluffy_sql.cli.photo_files import find_root, parse_map_path, with_map_path, with_root
from fluffy_sql.embedding.vocabulary import read_vocabulary
from fluffy_sql.errors import UsageError
from fluffy_sql.operations import names
from fluffy_sql.operations.clusters import Cluster, Group, group_clusters, list_clusters
from fluffy_sql.operations.export import (
    FOLDERS,
    PLAYLISTS,
    ExportedPhoto,
    ExportResult,
    Place,
    export_photos,
    write_export,
)
from fluffy_sql.operations.prune import PruneResult, prune_clusters
from fluffy_sql.runs.owners import ScopeFilter, describe_scope
from fluffy_sql.words import by_reason, count

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
@click.option(
    "--suggest-names", is_flag=True, help="Suggest names for those without one; write nothing."
)
@click.option(
    "--words",
    type=options.PATH,
    help="With --suggest-names: take them from this list, a word a line, by embedding.text_model.",
)
@click.option("--accept", is_flag=True, help="With --suggest-names: write them.")
@options.with_library_and_json
@click.pass_context
def clusters(
    context: click.Context,
    *,
    run_id: int | None,
    scope: ScopeFilter | None,
    limit: int | None,
    levels: bool,
    suggest_names: bool,
    words: Path | None,
    accept: bool,
    library: options.Library,
    as_json: bool,
) -> None:
    """List the clusters, largest first, with their distances and most central photo.

    With --levels, list groups of clusters instead, as clustering.leiden.levels made them.

    Example: fluffy-sql clusters --run 3 --limit 10
    """
    given = (run_id, scope, limit, levels, suggest_names, words, accept, as_json)
    if options.leaves_to_subcommand(context, library, *given):
        return
    if suggest_names:
        _suggest_names(library, run_id, scope, limit, words, accept=accept, as_json=as_json)
        return
    if words or accept:
        raise UsageError("--words and --accept go with --suggest-names; add it")
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


def _suggest_names(
    library: options.Library,
    run_id: int | None,
    scope: ScopeFilter | None,
    limit: int | None,
    words: Path | None,
    *,
    accept: bool,
    as_json: bool,
) -> None:
    vocabulary = None
    if words:
        settings = library.settings
        vocabulary = read_vocabulary(words, settings.embedding.text_model, settings.folder)
    database = library.database
    with database.session() if accept else database.reader() as session:
        found = names.suggest_names(
            session, run_id=run_id, scope=scope, limit=limit, vocabulary=vocabulary
        )
        named = names.accept_names(session, found, database.lock_limits) if accept else []
    result = names.AcceptedNames(tuple(found), tuple(named))
    done = "the names were written" if named else ""
    print_result(result, _describe_names(result, accept=accept), as_json=as_json, done=done)


@clusters.command(short_help="Name a cluster.")
@click.argument("cluster_id", type=options.ID, metavar="ID")
@click.argument("name")
@options.with_library_and_json
def name(*, cluster_id: int, name: str, library: options.Library, as_json: bool) -> None:
    """Name a cluster, whatever it was called; an empty NAME takes its name away.

    Example: fluffy-sql clusters name 3 harbour
    """
    with library.database.session() as session:
        result = names.name_cluster(session, cluster_id, name, library.database.lock_limits)
    was = f"; it was {result.name_before}" if result.name_before else ""
    now = f"is called {result.name}" if result.name else "has no name"
    told = literal(f"Cluster {cluster_id} {now} now{was}.")
    print_result(result, [told], as_json=as_json, done="the name was written")


@clusters.command(short_help="Export clusters for other tools.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "json", PLAYLISTS, FOLDERS]),
    required=True,
    help="csv, json: print the photos; m3u: a playlist for each cluster; folders: links to photos.",
)
@click.option(
    "--out",
    type=options.PATH,
    help="Folder to write, of m3u and folders; an earlier export in it is replaced.",
)
@click.option("--relative", is_flag=True, help="Tell paths as seen from --out, not absolute.")
@click.option(
    "--cluster", "cluster_ids", type=options.ID, multiple=True, help="Only this; repeat for more."
)
@options.with_run
@options.with_scope
@with_root
@with_map_path
@options.with_library_and_json
def export(
    *,
    kind: str,
    out: Path | None,
    relative: bool,
    cluster_ids: tuple[int, ...],
    run_id: int | None,
    scope: ScopeFilter | None,
    root: Path | None,
    map_path: str | None,
    library: options.Library,
    as_json: bool,
) -> None:
    """Export clusters with their photos: as CSV or JSON, playlists, or folders of links.

    No photo is copied, moved or changed, and the database is only read.

    Example: fluffy-sql clusters export --format folders --out themes --root ~/Pictures
    """
    writes = kind in {FOLDERS, PLAYLISTS}
    if writes and out is None:
        raise UsageError(f"--format {kind} writes a folder; name it with --out")
    if not writes and (out or relative or root or map_path):
        raise UsageError(
            f"--format {kind} prints paths as they are in the database; leave out --out,"
            " --relative, --root and --map-path"
        )
    if kind == "csv" and as_json:
        raise UsageError("--format csv prints CSV; leave out --json, or say --format json")
    with library.database.reader(at_one_moment=True) as session:
        photos = export_photos(session, run_id=run_id, scope=scope, cluster_ids=cluster_ids)
        if out is None:
            print_rows(ExportedPhoto, photos, as_json=kind == "json")
            return
        photos_in = find_root(library, root).resolve()
        place = Place(photos_in, parse_map_path(map_path), relative)
        result = write_export(photos, out, kind, place)
    print_result(result, _describe_export(result), as_json=as_json, done="the export was written")


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


def _describe_names(result: names.AcceptedNames, *, accept: bool) -> Iterator[Part]:
    if not result.suggestions:
        yield "All clusters with photos have a name: there is none to suggest."
        return
    columns: dict[str, Callable[[names.Suggestion], str | Text]] = {
        "cluster": lambda row: str(row.cluster_id),
        "scope": lambda row: literal(row.scope),
        "photos": lambda row: number(row.photos),
        "name": lambda row: literal(row.name),
        "because": lambda row: literal(row.because),
    }
    if all(row.scope is None for row in result.suggestions):
        del columns["scope"]
    yield table(result.suggestions, columns)
    suggested = sum(row.name is not None for row in result.suggestions)
    if accept:
        yield f"{count(len(result.named), 'cluster')} named."
    elif suggested:
        yield (
            f"{count(suggested, 'name')} suggested, none written; for one: fluffy-sql clusters name"
            " ID NAME, for all: fluffy-sql clusters --suggest-names --accept"
        )


def _describe_export(result: ExportResult) -> Iterator[Part]:
    what = "folder" if result.format == FOLDERS else "playlist"
    yield literal(f"{result.out}: {count(result.clusters, what)}, {count(result.photos, 'photo')}")
    if result.left_out:
        doubt = "; is --root right?" if sum(result.left_out.values()) > result.photos else ""
        yield literal(f"Left out: {by_reason(result.left_out)}{doubt}")
    yield literal(f"Photos from {result.root}")


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
