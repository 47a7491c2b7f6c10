"""What several commands show: clusters, what a run made of them, and what it moved."""

from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from fluffy_sql.cli.console import Columns, Part, Row, Table, literal, number, table
from fluffy_sql.operations.clusters import Cluster
from fluffy_sql.runs.moves import Changes, ClusterChange, Move
from fluffy_sql.runs.owners import type_scope

SHOWN_ROWS = 20
_STATUS: dict[int | None, str] = {0: "active", 1: "unusable"}
# Why photos are left out, as it is said after "3 photos".
UNUSABLE = {
    "without_embedding": "without an embedding",
    "zero_vector": "whose embedding is all zeros, which has no direction to compare",
}


def clusters_table(clusters: Sequence[Cluster]) -> Table:
    """Clusters; distances are in the metric of their run."""
    columns: dict[str, Callable[[Cluster], str | Text]] = {
        "cluster": lambda row: str(row.id),
        "scope": lambda row: literal(None if row.scope is None else type_scope(row.scope)),
        "name": lambda row: literal(row.name),
        "status": _status_of,
        "photos": lambda row: number(row.photos_count),
        "mean dist": lambda row: number(row.mean_distance, 4),
        "max dist": lambda row: number(row.max_distance, 4),
        "silhouette": lambda row: number(row.silhouette, 3),
        "parents": lambda row: literal(" / ".join(map(str, row.parent_ids or ())) or None),
        "central photo": lambda row: literal(row.central_photo),
    }
    if not any(row.parent_ids for row in clusters):
        del columns["parents"]
    if all(row.scope is None for row in clusters):
        del columns["scope"]
    spare = ("max dist", "silhouette", "mean dist", "status", "scope", "parents", "central photo")
    return table(clusters, columns, [heading for heading in spare if heading in columns])


def _status_of(cluster: Cluster) -> Text:
    if cluster.retired_by is not None:
        return literal("retired")
    return literal(_STATUS.get(cluster.status, cluster.status))


def describe_changes(changes: Changes) -> Iterator[Part]:
    """Clusters that a run makes, keeps or empties, and what it moves."""
    columns: Columns[ClusterChange] = {
        "cluster": lambda row: str(row.cluster_id),
        "name": lambda row: literal(row.name),
        "change": lambda row: row.change,
        "photos before": lambda row: number(row.photos_before),
        "photos after": lambda row: number(row.photos),
    }
    yield from first_rows(changes.clusters, columns, "clusters", ("change", "name"))
    if changes.moves:
        yield from describe_moves(changes.moves)


def describe_moves(moves: Sequence[Move]) -> Iterator[Part]:
    """How many photos go from where to where."""
    columns: Columns[Move] = {
        "photos": lambda row: number(row.photos),
        "from cluster": lambda row: cluster_or_none(row.from_cluster_id),
        "to cluster": lambda row: cluster_or_none(row.to_cluster_id),
    }
    return first_rows(moves, columns, "moves")


def first_rows(
    rows: Sequence[Row], columns: Columns[Row], what: str, spare: Sequence[str] = ()
) -> Iterator[Part]:
    """The first rows as a table, and how many more there are."""
    yield table(rows[:SHOWN_ROWS], columns, spare)
    if len(rows) > SHOWN_ROWS:
        yield f"... and {len(rows) - SHOWN_ROWS:,} more {what}: --json has all"


def cluster_or_none(cluster_id: int | None) -> str:
    """The cluster that a photo is in."""
    return "none" if cluster_id is None else str(cluster_id)
